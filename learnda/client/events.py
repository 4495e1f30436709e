"""What a run says while it runs, decoded from the contract's messages. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from google.protobuf.message import Message
from numpy.typing import NDArray

from learnda import wire
from learnda.metadata import METRICS, SERIES
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1 import common_pb2 as common

Columns = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Server:
    """What computed the numbers."""

    versions: dict[str, str]
    """Package name to version."""
    devices: tuple[str, ...]
    """``cpu: cpu``, ``gpu: NVIDIA H200``: platform and the maker's name of each."""


@dataclass(frozen=True, slots=True)
class Started:
    """First of all."""

    request: dict[str, Any]
    """The experiment with every default filled in, methods and seed included: run again with these
    fields, it repeats itself."""
    step_count: int
    server: Server

    @property
    def method_ids(self) -> list[str]:
        """In the order of the request."""
        return [method["id"] for method in self.request["methods"]]


@dataclass(frozen=True, slots=True)
class Compiling:
    """A program is not compiled yet; computing waits for it."""

    program: str
    """``truth``, or a method's name."""
    estimated_seconds: float | None


@dataclass(frozen=True, slots=True)
class MethodStarted:
    """The method's first steps are about to be computed."""

    method_id: str


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """Counts and means over scored cycles, sites and replicates, of the background."""

    rank_histogram: NDArray[np.int64]
    """[bins] How often the truth had so many members below it; empty without members."""
    spread_edges: NDArray[np.float64]
    """[bins] Upper edges of the bins of background standard deviation; the last is infinite."""
    spread_counts: NDArray[np.int64]
    spread_rms: NDArray[np.float64]
    """Root mean variance in the bin; NaN where it is empty."""
    error_rms: NDArray[np.float64]
    """Root mean squared error in the bin."""
    lead_rmse: NDArray[np.float64]
    """[forecast_leads] Mean RMSE of a forecast 1, 2 .. cycles ahead."""


@dataclass(frozen=True, slots=True)
class Progress:
    """K steps of one method."""

    method_id: str
    first_step: int
    t: NDArray[np.float64]
    """[K] model time."""
    replicates: Columns
    """Each series of `learnda.metadata.SERIES` that the method has: [R, K]; NaN after a replicate
    became non-finite."""
    mean: Columns
    """Each series averaged over the finite replicates: [K]."""


@dataclass(frozen=True, slots=True)
class States:
    """States of K steps of the first replicate, thinned for the eye, where ``record_states`` asks
    for them.
    """

    method_id: str
    """Empty: truth and observations."""
    steps: NDArray[np.int64]
    values: NDArray[np.float16]
    """[K, C, sites]: truth and observations; or analysis mean, standard deviation, members."""


@dataclass(frozen=True, slots=True)
class MethodCompleted:
    """The method has reached its last step."""

    method_id: str
    status: Literal["completed", "diverged"]
    metrics: dict[str, float]
    """Every name of `learnda.metadata.METRICS`; NaN where there is no finite value."""
    runtime_seconds: float
    diverged_step: int | None
    """The earliest step after which a replicate had lost the truth."""
    diagnostics: Diagnostics


@dataclass(frozen=True, slots=True)
class Completed:
    """Last of all."""

    runtime_seconds: float
    warnings: tuple[str, ...]


Event = Started | Compiling | MethodStarted | Progress | States | MethodCompleted | Completed


def decoded(message: pb.RunExperimentResponse) -> Event | None:
    """The event of a message; None for a checkpoint, or what only later versions know."""
    match message.WhichOneof("event"):
        case "started":
            return _started(message.started)
        case "compiling":
            seconds = _optional(message.compiling, "estimated_seconds")
            return Compiling(message.compiling.program, seconds)
        case "method_started":
            return MethodStarted(message.method_started.method_id)
        case "progress":
            return _progress(message.progress)
        case "states":
            return _states(message.states)
        case "method_completed":
            return _method_completed(message.method_completed)
        case "completed":
            done = message.completed
            return Completed(done.runtime_seconds, tuple(done.warnings))
        case _:
            return None


def server_of(message: common.Server) -> Server:
    """Versions and devices."""
    devices = tuple(f"{device.platform}: {device.kind}" for device in message.devices)
    return Server(dict(sorted(message.versions.items())), devices)


def _started(message: pb.RunStarted) -> Started:
    request = wire.request_from_proto(
        pb.RunExperimentRequest(experiment=message.experiment, methods=message.methods)
    )
    for method in request["methods"]:  # a map of protobuf has no order
        method["params"] = dict(sorted(method.get("params", {}).items()))
    return Started(request, message.step_count, server_of(message.server))


def _progress(message: pb.Progress) -> Progress:
    shape = (message.replicate_count, message.step_count)
    return Progress(
        message.method_id,
        message.first_step,
        np.array(message.t),
        {name: column.reshape(shape) for name, column in _columns(message.replicates).items()},
        _columns(message.mean),
    )


def _columns(message: pb.Series) -> Columns:
    found = ((name, np.array(getattr(message, name), float)) for name in SERIES)
    return {name: column for name, column in found if column.size}


def _states(message: pb.States) -> States:
    values = np.frombuffer(message.data, "<f2")
    shape = (len(message.steps), message.state_count, message.site_count)
    return States(message.method_id, np.array(message.steps), values.reshape(shape))


def _method_completed(message: pb.MethodCompleted) -> MethodCompleted:
    diverged = message.status == pb.METHOD_STATUS_DIVERGED
    return MethodCompleted(
        message.method_id,
        "diverged" if diverged else "completed",
        {name: number_of(message.metrics, name) for name in METRICS},
        message.runtime_seconds,
        message.diverged_step if message.HasField("diverged_step") else None,
        _diagnostics(message.diagnostics),
    )


def _diagnostics(message: pb.Diagnostics) -> Diagnostics:
    return Diagnostics(
        rank_histogram=np.array(message.rank_histogram, np.int64),
        spread_edges=np.array(message.spread_edges, float),
        spread_counts=np.array(message.spread_counts, np.int64),
        spread_rms=np.array(message.spread_rms, float),
        error_rms=np.array(message.error_rms, float),
        lead_rmse=np.array(message.lead_rmse, float),
    )


def number_of(message: Message, name: str) -> float:
    """A field's value; NaN where it is absent."""
    field = message.DESCRIPTOR.fields_by_name[name]
    absent = field.has_presence and not message.HasField(name)
    return float("nan") if absent else float(getattr(message, name))


def _optional(message: Message, name: str) -> float | None:
    return float(getattr(message, name)) if message.HasField(name) else None
