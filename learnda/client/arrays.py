"""Messages with arrays: what goes out whole or in parts, what comes back put together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from google.protobuf.message import Message
from numpy.typing import ArrayLike, NDArray

from learnda import tensors
from learnda.client.failures import refuse
from learnda.v1 import tensors_pb2 as pb

MOST_BYTES = 1 << 50
"""Of an answer: what was asked for is not refused."""


def floats(values: ArrayLike, field: str) -> NDArray[Any]:
    """As float32 where it is that, else as float64; InvalidRequest where it is not real numbers."""
    try:
        array = np.asarray(values)
        if array.dtype.kind in "cSUMm":
            refuse(field, f"must be an array of real numbers, not of {array.dtype}")
        return array if array.dtype == np.float32 else array.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        refuse(field, "must be an array of numbers")


def integers(values: ArrayLike, field: str) -> NDArray[np.int64]:
    """InvalidRequest where it is no array of integers."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu" and array.size:
        refuse(field, "must be an array of integers")
    return array.astype(np.int64)


class Outgoing:
    """A message being made, and the arrays of those of its tensors that follow it in parts."""

    def __init__(
        self, message: Message, encode: Callable[[NDArray[Any]], pb.Tensor] = tensors.fitting
    ) -> None:
        """``encode``: `tensors.write` for a call of one message."""
        self.message = message
        self._encode = encode
        self._arrays: dict[str, NDArray[Any]] = {}

    def put(self, path: str, array: NDArray[Any]) -> None:
        """Set the tensor at ``path``."""
        *parents, name = path.split(".")
        place: Any = self.message
        for parent in parents:
            place = getattr(place, parent)
        getattr(place, name).CopyFrom(self._encode(array))
        self._arrays[path] = array

    def parts(self, number: int) -> Iterator[bytes]:
        """What follows the message: each as the field ``number`` of another."""
        return tensors.following_fields(number, self.message, self._arrays)


class Incoming:
    """A message and its tensors, complete when all parts were taken."""

    def __init__(self, message: Message) -> None:
        self._gathering = tensors.Gathering(message, most_bytes=MOST_BYTES, finite=False)
        self._gathering.allocate()

    @property
    def complete(self) -> bool:
        """True when no part is missing."""
        return self._gathering.complete

    def take(self, part: pb.TensorPart) -> None:
        """The next part."""
        self._gathering.take(part)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of them by path, of those that were sent."""
        return self._gathering.arrays()
