"""How much is computed in one go: follows the clock; no number depends on it."""

from __future__ import annotations

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
