"""How much is computed in one go: follows what computing takes; no number depends on it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import jax

T = TypeVar("T")

FIRST_CHUNK = 4
"""Cycles of the first round: the first point is there at once."""
GROWTH = 32
"""From a round to the next, at most: every round costs a millisecond or more."""
ROUND_SECONDS = 0.1
"""What a round should take: some ten messages a second for each method."""


def next_count(count: int, seconds: float) -> int:
    """Cycles of the next round: as many as take ROUND_SECONDS, if the last one tells."""
    fitting = int(count * ROUND_SECONDS / max(seconds, 1e-6))
    return max(1, min(fitting, GROWTH * count))


class Pace:
    """What the rounds of one run take of the workers, ``workers`` of which share a round.

    The clock on the wall would not do. It goes on while other runs have their turn and while the
    reader is slow; rounds that were blamed for that would get ever smaller, and as each costs
    something however small it is, in the end the run would do nothing else.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._taken: deque[float] = deque()

    def timed(self, function: Callable[..., T], *arguments: Any) -> T:
        """What ``function`` returns, computed to the end; for a worker's thread to call."""
        began = time.perf_counter()
        try:
            return jax.block_until_ready(function(*arguments))
        finally:
            self._taken.append(time.perf_counter() - began)

    def round_seconds(self) -> float:
        """What the workers have done since the last call took them, together."""
        taken = [self._taken.popleft() for _ in range(len(self._taken))]
        return max(max(taken, default=0.0), sum(taken) / self._workers)
