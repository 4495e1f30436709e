"""One call as a value: what is sent, and who makes the result of what comes back. Pure.

`Client` and `AsyncClient` differ only in how they carry it out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from google.protobuf.message import Message

Sent = Message | bytes
"""A message to the service, or the bytes of one: see `learnda.tensors`."""

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Reader(Protocol[T_co]):
    """Takes the answers in turn; then it has the result."""

    def take(self, message: Message) -> None:
        """The next answer."""
        ...

    def result(self) -> T_co:
        """When there are no more."""
        ...


@dataclass(frozen=True, slots=True)
class Exchange(Generic[T]):
    """A call of the service, and its reader."""

    method: str
    requests: Iterable[Sent]
    reader: Reader[T]
