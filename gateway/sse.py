"""Events -> the bytes of a server-sent event stream. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import orjson

from gateway.records import TERMINAL_EVENTS, EventRow

HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",  # nginx would hold small events back
}


@dataclass(frozen=True, slots=True)
class Frame:
    """One numbered event, encoded once for all its viewers."""

    id: int
    body: bytes
    """Its ``event:`` and ``data:`` lines and the empty line; without the ``id:``."""
    terminal: bool
    """True for the last event of a run."""


def frames(rows: Iterable[EventRow], after: int) -> list[Frame]:
    """The events with numbers greater than ``after``."""
    found = []
    for row in rows:
        head = f"event: {row.type}\ndata: ".encode()
        terminal = row.type in TERMINAL_EVENTS
        for number, payload in enumerate(row.payloads, row.first_id):
            if number > after:
                found.append(Frame(number, head + payload + b"\n\n", terminal))
    return found


def numbered(batch: Iterable[Frame]) -> bytes:
    """Events of one run: the browser resumes from their ``id:`` lines."""
    return b"".join(b"id: %d\n%s" % (frame.id, frame.body) for frame in batch)


def unnumbered(type_: str, data: Mapping[str, object] | None = None) -> bytes:
    """hello, keepalive, done: never stored."""
    return f"event: {type_}\ndata: ".encode() + orjson.dumps(data or {}) + b"\n\n"


def cursor(positions: Mapping[UUID, int]) -> bytes:
    """Where a stream of several runs stands: sets the browser's Last-Event-ID, shows no event."""
    return ("id: " + ",".join(f"{run}:{number}" for run, number in positions.items())).encode() + (
        b"\n\n"
    )


def read_cursor(text: str) -> dict[UUID, int]:
    """The inverse of `cursor`; what is not one is left out."""
    positions = {}
    for item in text.split(","):
        run, _, number = item.strip().partition(":")
        try:
            positions[UUID(run)] = int(number)
        except ValueError:
            continue
    return positions
