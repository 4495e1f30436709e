"""Why a request is refused: one small tree of exceptions, mapped to HTTP and gRPC at the edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PROBLEM_LIMIT = 100
"""Problems that one refusal lists at most: a hostile request must not earn a large answer."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One field that is refused."""

    field: str
    """Its path in the request: ``methods.0.params.r``."""
    message: str
    """What it must be, as the end of a sentence that starts with the field."""


class RequestError(Exception):
    """A request that can never run as it stands; ``sentence`` says why."""

    def __init__(self, sentence: str, problems: Sequence[Problem]) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.problems = tuple(problems)


class InvalidRequest(RequestError):
    """Fields out of range, of the wrong type, not finite, unknown, or too costly together."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{first.field} {first.message}{more}", problems)


class UnknownMethod(RequestError):
    """A method name that nobody declares."""

    def __init__(self, name: str, field: str) -> None:
        super().__init__(f"Unknown method: {name}", [Problem(field, "is not a known method")])


class DuplicateMethodId(RequestError):
    """Two instances of one request with the same id."""

    def __init__(self, method_id: str, field: str) -> None:
        super().__init__(
            f"Duplicate method instance id: {method_id}",
            [Problem(field, "must be unique among the methods")],
        )


class Collector:
    """Gathers the problems of one request, up to PROBLEM_LIMIT."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    @property
    def full(self) -> bool:
        return len(self.problems) >= PROBLEM_LIMIT

    def add(self, field: str, message: str) -> None:
        if not self.full:
            self.problems.append(Problem(field, message))

    def raise_if_any(self) -> None:
        if self.problems:
            raise InvalidRequest(self.problems)
