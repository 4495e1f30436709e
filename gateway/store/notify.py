"""What is said over NOTIFY, in one channel: hints only, slow polling stands behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

CHANNEL = "learnda"

QUEUED = "queued"
"""A run waits for a carrier."""


@dataclass(frozen=True, slots=True)
class Written:
    """A run has new events."""

    run_id: UUID
    last_event: int
    cancelled: bool
    """True when it was cancelled: who carries it can stop."""


def queued() -> tuple[str, list[Any]]:
    """SQL and parameters that say that a run waits."""
    return "SELECT pg_notify(%s, %s)", [CHANNEL, QUEUED]


def written(note: Written) -> tuple[str, list[Any]]:
    """SQL and parameters that announce events; to be executed in their transaction."""
    payload = f"{note.run_id} {note.last_event} {int(note.cancelled)}"
    return "SELECT pg_notify(%s, %s)", [CHANNEL, payload]


def read(payload: str) -> Written | None:
    """None for what is no announcement of events."""
    try:
        run_id, last_event, cancelled = payload.split()
        return Written(UUID(run_id), int(last_event), cancelled == "1")
    except ValueError:
        return None
