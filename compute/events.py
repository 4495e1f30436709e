"""What a run says while it runs. Series and metrics have the names of the proto contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Metrics = dict[str, float | int | None]
Columns = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """First of all."""

    step_count: int
    first_step: int
    """The step from which this run goes on: 0 without a checkpoint."""


@dataclass(frozen=True, slots=True)
class Compiling:
    """A program is not compiled yet; computing waits for it."""

    program: str
    estimated_seconds: float | None


@dataclass(frozen=True, slots=True)
class MethodStarted:
    """The method's first chunk is about to be computed."""

    method_id: str


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What was gathered over scored cycles, sites and replicates; see `compute.reliability`."""

    rank_histogram: NDArray[np.int64]
    """[bins]; empty for a method without members."""
    spread_edges: NDArray[np.float64]
    """Upper edges of the bins of background standard deviation; the last is infinite."""
    spread_counts: NDArray[np.int64]
    spread_rms: NDArray[np.float64]
    """Root mean variance in the bin; NaN where it is empty."""
    error_rms: NDArray[np.float64]
    """Root mean squared error in the bin."""
    lead_rmse: NDArray[np.float64]
    """[L]; NaN for a lead that no cycle has reached."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Diagnostics of K steps of one method, from ``first_step``."""

    method_id: str
    first_step: int
    t: NDArray[np.float64]
    """[K] model time."""
    replicates: Columns
    """Each series: [R, K]; NaN after a replicate became non-finite."""
    mean: Columns
    """Each series averaged over the finite replicates: [K]."""
    low: Columns = field(default_factory=dict)
    """[K] of some series: about a sixth of the replicates lie below. None with one replicate."""
    high: Columns = field(default_factory=dict)
    """About a sixth lie above."""
    diagnostics: Diagnostics | None = None
    """Up to the last of these steps; now and then."""


@dataclass(frozen=True, slots=True)
class States:
    """States of K steps, thinned for the eye: see `compute.states`."""

    method_id: str
    """Empty: truth and observations."""
    steps: NDArray[np.int64]
    """[K]"""
    values: NDArray[np.float16]
    """[K, C, S]"""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state after ``step`` steps of every method, from which a run can go on."""

    step: int
    data: bytes


@dataclass(frozen=True, slots=True)
class MethodCompleted:
    """The method has reached its last step."""

    method_id: str
    status: Literal["completed", "diverged"]
    metrics: Metrics
    runtime_seconds: float
    """Of its cycles alone; instances of one batch share its time."""
    diverged_step: int | None
    diagnostics: Diagnostics


@dataclass(frozen=True, slots=True)
class RunCompleted:
    """Last of all."""

    runtime_seconds: float
    warnings: tuple[str, ...]


Event = (
    RunStarted
    | Compiling
    | MethodStarted
    | Progress
    | States
    | Checkpoint
    | MethodCompleted
    | RunCompleted
)
