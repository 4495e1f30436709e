"""What one caller may have at a time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """Of one token; of everybody who needs none, each by address."""

    max_queued: int = 200
    """Runs that wait or go on."""
    compute_seconds: float | None = None
    """Seconds within 24 hours in which runs were computed; None: as many as there are."""
