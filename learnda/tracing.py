"""W3C trace context: what belongs together, in whichever process it is done.

The trace of a run is the run itself: its trace id is the run's UUID, and each attempt is a span.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

HEADER: Final = "traceparent"
_TRACEPARENT: Final = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?"
)


@dataclass(frozen=True, slots=True)
class Trace:
    """A place in a trace; both ids are in lower-case hexadecimal digits."""

    trace_id: str
    span_id: str

    @property
    def header(self) -> str:
        """The value of ``traceparent``."""
        return f"00-{self.trace_id}-{self.span_id}-01"

    @property
    def run_id(self) -> str:
        """The trace id as the UUID that it is for our own runs."""
        return str(UUID(self.trace_id))


def of_attempt(run_id: UUID, generation: int) -> Trace:
    """Attempts of a run are numbered from 1 by its generation."""
    return Trace(run_id.hex, f"{generation:016x}")


def fresh() -> Trace:
    """Of work for which nobody has begun a trace."""
    return Trace(secrets.token_hex(16), secrets.token_hex(8))


def read(text: str | None) -> Trace | None:
    """What the header ``traceparent`` says; None without one, or for what is none."""
    found = _TRACEPARENT.fullmatch((text or "").strip())
    if found is None or (found[1] == "00" and found[4] is not None):
        return None
    return Trace(found[2], found[3])
