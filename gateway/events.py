"""Compute's stream -> what is committed about it -> the typed events of the contract. Pure."""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson

from gateway import scores
from gateway.records import (
    ALL_SERIES,
    DIAGNOSTIC_SERIES,
    TRUTH,
    Batch,
    Checkpoint,
    EventRow,
    MethodState,
    NewEvent,
    Points,
    RunState,
    States,
)
from learnda.v1 import assimilation_pb2 as pb

PARTIALS_PER_METHOD = 2000
"""A longer run is thinned, evenly, to at most this many ``partial`` events per method."""

PARTIALS_PER_CELL = 40
"""Of a sweep, where a method is a cell among hundreds."""

EVENTS_PER_ROW = 200

SHOWN = (
    "error_a",
    "error_b",
    "rmse_analysis",
    "rmse_background",
    "spread_analysis",
    "spread_background",
    "crps_analysis",
    "innovation_consistency",
    "effective_sample_size",
)
"""The series of a ``partial``, in the contract's order; the last three where a method has them."""

BANDED = ("rmse_analysis", "spread_analysis")
"""The series of which a `partial` has the band over replicates, as NAME_low and NAME_high."""

METHOD_STATUS = {
    pb.METHOD_STATUS_COMPLETED: "completed",
    pb.METHOD_STATUS_DIVERGED: "diverged",
}


class BrokenStream(Exception):
    """Compute's stream does not follow its contract."""


def stride(step_count: int, emit_every: int, most: int = PARTIALS_PER_METHOD) -> int:
    """Steps between two ``partial`` events of a method."""
    emitted = math.ceil(step_count / emit_every)
    return emit_every * max(1, math.ceil(emitted / most))


class Reader:
    """Reads one stream of compute; parts of a checkpoint wait here until all have come."""

    def __init__(self, stride: int) -> None:
        self._stride = stride
        self._parts: tuple[bytes, ...] = ()

    def read(self, state: RunState, messages: Iterable[pb.RunExperimentResponse]) -> Batch:
        """What the messages add to ``state``. What is committed already is left out.

        The same messages may be read again, against a reloaded state, when a commit failed.
        """
        batch = Batch(state)
        for message in messages:
            match message.WhichOneof("event"):
                case "started":
                    self._started(batch, message.started)
                case "compiling":
                    self._compiling(batch, message.compiling)
                case "method_started":
                    self._method_started(batch, message.method_started.method_id)
                case "progress":
                    self._progress(batch, message.progress)
                case "states":
                    self._states(batch, message.states)
                case "checkpoint":
                    self._checkpoint(batch, message.checkpoint)
                case "method_completed":
                    self._method_completed(batch, message.method_completed)
                case "completed":
                    self._completed(batch, message.completed)
                case _:  # what later versions add
                    pass
        return batch

    def _started(self, batch: Batch, started: pb.RunStarted) -> None:
        if not batch.state.started:
            batch.state = replace(batch.state, started=True)
            batch.events.append(NewEvent("run_started"))
        batch.server = {
            "versions": dict(started.server.versions),
            "devices": [{"platform": d.platform, "kind": d.kind} for d in started.server.devices],
        }

    def _compiling(self, batch: Batch, compiling: pb.Compiling) -> None:
        """Stored and numbered like every event: who comes late, resumes, or watches through another
        gateway has it only from the database. A replay of it misleads nobody: computing begins
        when all is compiled, so that the next event of a method, or the run's end, revokes it.
        A program may be named again, by another instance or a later attempt.
        """
        known = compiling.HasField("estimated_seconds")
        fields = {
            "program": compiling.program,
            "estimated_seconds": compiling.estimated_seconds if known else None,
        }
        batch.events.append(NewEvent("compiling", fields))

    def _method_started(self, batch: Batch, method_id: str) -> None:
        method = _method(batch, method_id)
        if method.status == "queued":
            _change(batch, replace(method, status="running"))
            batch.events.append(
                NewEvent("method_started", {**method.identity, "params": method.params})
            )

    def _progress(self, batch: Batch, progress: pb.Progress) -> None:
        method = _method(batch, progress.method_id)
        if progress.first_step > method.last_step + 1:
            raise BrokenStream(
                f"steps {method.last_step + 1} to {progress.first_step - 1} of method "
                f"{method.id!r} are missing"
            )
        known = method.last_step + 1 - progress.first_step
        if known >= progress.step_count:
            return
        batch.points.append(_points(method, progress, known))
        batch.events += _partials(method, progress, known, self._stride)
        method = replace(
            method,
            last_step=progress.first_step + progress.step_count - 1,
            diagnostics=_gathered(method, progress.diagnostics),
        )
        _change(batch, method)

    def _states(self, batch: Batch, states: pb.States) -> None:
        """What a takeover sends again is stored and told again: it is small, and the same."""
        method = _method(batch, states.method_id) if states.method_id else None
        found = States(
            TRUTH if method is None else method.position,
            list(states.steps),
            states.state_count,
            states.site_count,
            states.data,
        )
        if not found.steps or len(found.data) != len(found.steps) * found.step_bytes:
            raise BrokenStream("states have not as many numbers as they say")
        batch.states.append(found)
        identity = {"method_id": None} if method is None else method.identity
        last = found.steps[-1]
        batch.events.append(NewEvent("states", {**identity, "last_step": last}))

    def _checkpoint(self, batch: Batch, part: pb.Checkpoint) -> None:
        if part.part_index == 0:
            self._parts = ()
        if part.part_index == len(self._parts):  # otherwise a part was read twice: drop them all
            self._parts += (part.data,)
        if len(self._parts) == part.part_count:
            batch.checkpoint = Checkpoint(part.step, self._parts)
            self._parts = ()

    def _method_completed(self, batch: Batch, completed: pb.MethodCompleted) -> None:
        method = _method(batch, completed.method_id)
        if method.status not in ("queued", "running"):
            return
        method = replace(
            method,
            status=METHOD_STATUS[completed.status],
            metrics=scores.metrics(completed.metrics),
            runtime_sec=completed.runtime_seconds,
            diverged_step=completed.diverged_step if completed.HasField("diverged_step") else None,
            diagnostics=_gathered(method, completed.diagnostics),
        )
        _change(batch, method)
        fields = {
            **method.identity,
            "metrics": method.metrics,
            "runtime_sec": method.runtime_sec,
            "status": method.status,
        }
        if method.diverged_step is not None:
            fields["diverged_step"] = method.diverged_step
        if method.diagnostics is not None:
            fields["diagnostics"] = method.diagnostics
        batch.events.append(NewEvent("method_completed", fields))

    def _completed(self, batch: Batch, completed: pb.RunCompleted) -> None:
        batch.end = "completed"
        batch.runtime_sec = completed.runtime_seconds
        batch.warnings = tuple(completed.warnings)
        fields: dict[str, Any] = {"runtime_sec": batch.runtime_sec}
        if batch.warnings:
            fields["warnings"] = list(batch.warnings)
        batch.events.append(NewEvent("run_completed", fields))


def encode(run_id: UUID, ts: float, first_id: int, events: Sequence[NewEvent]) -> list[EventRow]:
    """Number the events from ``first_id``; ``ts`` is in epoch seconds. Non-finite becomes null."""
    rows = []
    number = first_id
    run = str(run_id)
    for type_, group in groupby(events, key=lambda event: event.type):
        same = list(group)
        for start in range(0, len(same), EVENTS_PER_ROW):
            payloads = []
            for event in same[start : start + EVENTS_PER_ROW]:
                head = {"type": type_, "run_id": run, "ts": ts, "_event_id": number}
                payloads.append(orjson.dumps({**head, **event.fields}))
                number += 1
            rows.append(EventRow(number - len(payloads), number - 1, type_, payloads))
    return rows


def _method(batch: Batch, method_id: str) -> MethodState:
    try:
        return batch.state.methods[method_id]
    except KeyError:
        raise BrokenStream(f"compute speaks of a method {method_id!r}") from None


def _change(batch: Batch, method: MethodState) -> None:
    methods = {**batch.state.methods, method.id: method}
    batch.state = replace(batch.state, methods=methods)
    batch.changed[method.position] = method


def _gathered(method: MethodState, newest: pb.Diagnostics) -> Mapping[str, Any] | None:
    """The newest diagnostics of the method; a message may bring none."""
    bins = (newest.spread_edges, newest.spread_counts, newest.spread_rms, newest.error_rms)
    if len({len(column) for column in bins}) > 1:
        raise BrokenStream("spread_edges, spread_counts, spread_rms and error_rms differ in length")
    return scores.diagnostics(newest) or method.diagnostics


def _columns(
    series: pb.Series, names: Collection[str], replicates: int, steps: int, known: int
) -> dict[str, array[float]]:
    """The named series without their first ``known`` steps.

    Left out are diagnostics that compute did not send, and those that are NaN throughout.
    """
    columns = {}
    for name in names:
        column = array("d", getattr(series, name))
        optional = name in DIAGNOSTIC_SERIES
        if optional and not column:
            continue
        if len(column) != replicates * steps:
            raise BrokenStream(f"{name} has not {replicates * steps} values")
        if known:
            kept = array("d")
            for r in range(replicates):
                kept += column[r * steps + known : (r + 1) * steps]
            column = kept
        if not (optional and all(map(math.isnan, column))):
            columns[name] = column
    return columns


def _bands(progress: pb.Progress, known: int) -> dict[str, array[float]]:
    """The ends of the bands, where compute sent any."""
    found = {}
    for end, series in (("low", progress.low), ("high", progress.high)):
        for name in BANDED:
            column = array("d", getattr(series, name))
            if column and len(column) != progress.step_count:
                raise BrokenStream(f"{name} of {end} has not {progress.step_count} values")
            if column:
                found[f"{name}_{end}"] = column[known:]
    return found


def _points(method: MethodState, progress: pb.Progress, known: int) -> Points:
    """The span's columns without its first ``known`` steps."""
    steps, replicates = progress.step_count, progress.replicate_count
    columns = _columns(progress.replicates, ALL_SERIES, replicates, steps, known)
    t = array("d", progress.t)
    if len(t) != steps:
        raise BrokenStream(f"t has not {steps} values")
    series = tuple(columns.get(name) for name in ALL_SERIES)
    return Points(method.position, progress.first_step + known, replicates, t[known:], series)


def _partials(
    method: MethodState, progress: pb.Progress, known: int, stride: int
) -> Iterator[NewEvent]:
    """One event for each step that is a multiple of ``stride``, without the first ``known``."""
    steps = progress.step_count
    columns = _columns(progress.mean, SHOWN, 1, steps, known)
    columns |= _bands(progress, known)
    first = progress.first_step + known
    start = -first % stride
    names = ("step", "t", *columns)
    rows = zip(
        range(first + start, progress.first_step + steps, stride),
        progress.t[known + start :: stride],
        *(column[start::stride] for column in columns.values()),
        strict=True,
    )
    identity = method.identity
    for row in rows:
        yield NewEvent("partial", identity | dict(zip(names, row, strict=True)))
