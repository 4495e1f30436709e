"""A sweep's runs -> one Dataset over its axes. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from learnda import metadata, wire
from learnda.client.dataset import RunReader, attributes, metric_variables, variable
from learnda.client.events import MethodCompleted
from learnda.sweeps import Axis, Part, Sweep
from learnda.v1 import assimilation_pb2 as pb

AT_A_TIME = 4
"""Runs of one sweep: the others of a server are to have their turn."""


@dataclass(eq=False)
class Running:
    """A part that is being computed."""

    part: Part
    request: pb.RunExperimentRequest
    reader: RunReader = field(default_factory=RunReader)
    events: Any = None
    """An iterator of its events, blocking or not, once it has begun."""


class SweepReader:
    """Takes the runs of a sweep one by one; `result` is its Dataset."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._cells: list[MethodCompleted | None] = [None] * sweep.cell_count
        self._last: RunReader | None = None

    def take(self, part: Part, run: RunReader) -> None:
        """A part that has ended."""
        self._last = run
        ids = [instance.id for instance in part.experiment.methods]
        for cell, method_id in zip(part.cells, ids, strict=True):
            self._cells[cell] = run.completed[method_id]

    def result(self) -> xr.Dataset:
        """Every score over the axes: see `Client.sweep`."""
        assert self._last is not None, "a sweep has at least one part"
        axes = self._sweep.axes
        dimensions = [dimension_of(axis) for axis in axes]
        shape = tuple(len(axis.values) for axis in axes)
        cells = [cell for cell in self._cells if cell is not None]
        data = metric_variables(dimensions, shape, [cell.metrics for cell in cells])
        data["status"] = xr.Variable(
            dimensions, np.array([cell.status for cell in cells]).reshape(shape)
        )
        steps = [np.nan if c.diverged_step is None else c.diverged_step for c in cells]
        data["diverged_step"] = variable(
            dimensions,
            np.array(steps, float).reshape(shape),
            "earliest step after which a replicate had lost the truth; NaN where none has",
        )
        server = self._last.started.server
        return xr.Dataset(
            data,
            coords={dimension_of(axis): _coordinate(axis) for axis in axes},
            attrs=attributes(metadata.SWEEP_TITLE, self._sweep.request, server),
        )


def requests_of(sweep: Sweep) -> list[tuple[Part, pb.RunExperimentRequest]]:
    """What is to be run, in order."""
    return [(part, wire.request_to_proto(part.experiment.request())) for part in sweep.parts]


class Queue:
    """The parts of a sweep: several are computed at a time, as one alone leaves cores idle, and are
    read in turn.
    """

    def __init__(self, sweep: Sweep) -> None:
        self._waiting = deque(requests_of(sweep))
        self._running: deque[Running] = deque()
        self._most = AT_A_TIME

    def next(self) -> Running | None:
        """Whose event is to be read next; None when all have ended."""
        if self._waiting and len(self._running) < self._most:
            self._running.appendleft(Running(*self._waiting.popleft()))
        if not self._running:
            return None
        self._running.rotate(-1)
        return self._running[-1]

    def ended(self, running: Running) -> None:
        """It has no more events."""
        self._running.remove(running)

    def busy(self, running: Running) -> bool:
        """It was refused for now: false where we have no other that will make room for it."""
        self._running.remove(running)
        self._waiting.appendleft((running.part, running.request))
        self._most = max(1, len(self._running))
        return bool(self._running)

    @property
    def running(self) -> Sequence[Running]:
        """Those that have begun and not ended."""
        return tuple(self._running)


def step_total(parts: Sequence[Part]) -> int:
    """Steps of all methods of all parts."""
    return sum(len(part.cells) * part.experiment.step_count for part in parts)


def dimension_of(axis: Axis) -> str:
    """The name that a NetCDF file of the sweep gives the axis."""
    return (axis.parameter or axis.field).replace(".", "_")


def _coordinate(axis: Axis) -> Any:
    values = np.array(axis.values)
    if values.dtype.kind not in "if":
        return xr.Variable(dimension_of(axis), [str(value) for value in axis.values])
    return variable(dimension_of(axis), values, axis.field)
