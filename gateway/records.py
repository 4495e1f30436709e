"""What the gateway keeps about a run while it is carried, and what one transaction adds to it."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

SERIES = (
    "error_b",
    "error_a",
    "rmse_background",
    "rmse_analysis",
    "spread_background",
    "spread_analysis",
)
"""What compute sends of every step, in the order of the CSV."""

DIAGNOSTIC_SERIES = (
    "crps_analysis",
    "innovation_consistency",
    "desroziers_error",
    "desroziers_background",
    "effective_sample_size",
)
"""What it also sends where a method has it, in the order in which the CSV appends them."""

ALL_SERIES = SERIES + DIAGNOSTIC_SERIES

RunEnd = Literal["completed", "failed", "cancelled"]
TERMINAL_EVENTS = ("run_completed", "run_failed", "run_cancelled")


@dataclass(frozen=True, slots=True)
class MethodState:
    """One method of a run, as it stands in the database."""

    position: int
    id: str
    name: str
    label: str
    params: Mapping[str, Any]
    status: str = "queued"
    last_step: int = -1
    metrics: Mapping[str, float | int | None] | None = None
    runtime_sec: float | None = None
    diverged_step: int | None = None
    diagnostics: Mapping[str, Any] | None = None
    """What has been gathered up to ``last_step``."""

    @property
    def identity(self) -> dict[str, Any]:
        """How events name the method."""
        return {"method_id": self.id, "name": self.name, "label": self.label}


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run has been committed; everything else in a stream is new."""

    started: bool
    methods: Mapping[str, MethodState]
    """By the instance's id."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write to a run, until another process claims it with a higher generation."""

    run_id: UUID
    generation: int
    attempts: int
    """Claims since the last progress, this one included."""
    step_count: int
    request: dict[str, Any]
    of_sweep: bool = False
    """Its methods are the cells of a sweep."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that has no number yet."""

    type: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventRow:
    """Consecutive events of one type, encoded once and for all."""

    first_id: int
    last_id: int
    type: str
    payloads: list[bytes]
    """The JSON of each event."""


@dataclass(frozen=True, slots=True)
class Points:
    """Diagnostics of a span of steps of one method."""

    position: int
    first_step: int
    replicate_count: int
    t: array[float]
    """[K] model time."""
    series: tuple[array[float] | None, ...]
    """One per name in ALL_SERIES, each [R x K], replicate-major; None only in DIAGNOSTIC_SERIES."""

    @property
    def step_count(self) -> int:
        return len(self.t)


TRUTH = -1
"""In the place of a method's position: what all methods share."""


@dataclass(frozen=True, slots=True)
class States:
    """States of some steps, thinned for the eye: see learnda.v1.States."""

    position: int
    """Of the method, or TRUTH."""
    steps: list[int]
    state_count: int
    site_count: int
    data: bytes

    @property
    def step_bytes(self) -> int:
        return 2 * self.state_count * self.site_count


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state from which compute can go on."""

    step: int
    parts: tuple[bytes, ...]


@dataclass(slots=True)
class Batch:
    """What one transaction adds to a run."""

    state: RunState
    """After the transaction."""
    events: list[NewEvent] = field(default_factory=list)
    points: list[Points] = field(default_factory=list)
    states: list[States] = field(default_factory=list)
    changed: dict[int, MethodState] = field(default_factory=dict)
    """Methods that changed, by position."""
    checkpoint: Checkpoint | None = None
    server: Mapping[str, Any] | None = None
    end: RunEnd | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()
    runtime_sec: float | None = None

    @property
    def empty(self) -> bool:
        return not (self.events or self.points or self.changed or self.checkpoint or self.end)
