"""The engine's events as messages of the contract, none of them larger than 1 MB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from compute import events
from compute.events import Columns
from learnda import wire
from learnda.experiment import Experiment
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1 import common_pb2 as common

PART_BYTES = 950_000
"""What the series of one message may take: the rest of it is far less than 50 kB."""

_STATUS = {
    "completed": pb.METHOD_STATUS_COMPLETED,
    "diverged": pb.METHOD_STATUS_DIVERGED,
}


def started(
    event: events.RunStarted, experiment: Experiment, server: common.Server
) -> pb.RunExperimentResponse:
    """The first message: the resolved request and what computes it."""
    resolved = wire.request_to_proto(experiment.request())
    return pb.RunExperimentResponse(
        started=pb.RunStarted(
            experiment=resolved.experiment,
            methods=resolved.methods,
            step_count=event.step_count,
            first_step=event.first_step,
            server=server,
        )
    )


def messages(event: events.Event) -> Iterator[pb.RunExperimentResponse]:
    """Any later event; what is long comes in parts."""
    match event:
        case events.Progress():
            for part in _progress(event):
                yield pb.RunExperimentResponse(progress=part)
        case events.States():
            for states in _states(event):
                yield pb.RunExperimentResponse(states=states)
        case events.Checkpoint():
            for piece in wire.checkpoint_parts(event.step, event.data):
                yield pb.RunExperimentResponse(checkpoint=piece)
        case events.Compiling():
            yield pb.RunExperimentResponse(
                compiling=pb.Compiling(
                    program=event.program, estimated_seconds=event.estimated_seconds
                )
            )
        case events.MethodStarted():
            yield pb.RunExperimentResponse(
                method_started=pb.MethodStarted(method_id=event.method_id)
            )
        case events.MethodCompleted():
            yield pb.RunExperimentResponse(
                method_completed=pb.MethodCompleted(
                    method_id=event.method_id,
                    status=_STATUS[event.status],
                    metrics=pb.Metrics(**event.metrics),  # type: ignore[arg-type]  # by name
                    runtime_seconds=event.runtime_seconds,
                    diverged_step=event.diverged_step,
                    diagnostics=_diagnostics(event.diagnostics),
                )
            )
        case events.RunCompleted():
            yield pb.RunExperimentResponse(
                completed=pb.RunCompleted(
                    runtime_seconds=event.runtime_seconds, warnings=event.warnings
                )
            )
        case events.RunStarted():
            raise ValueError("RunStarted needs the experiment: see `started`")


def _progress(event: events.Progress) -> Iterator[pb.Progress]:
    steps = len(event.t)
    replicates = next(iter(event.replicates.values())).shape[0]
    numbers_per_step = 1 + len(event.replicates) * replicates + 2 * len(event.mean)
    fitting = max(1, PART_BYTES // (8 * numbers_per_step))
    for begin in range(0, steps, fitting):
        end = min(begin + fitting, steps)
        gathered = event.diagnostics if end == steps else None
        yield pb.Progress(
            method_id=event.method_id,
            first_step=event.first_step + begin,
            step_count=end - begin,
            replicate_count=replicates,
            t=event.t[begin:end].tolist(),
            replicates=_series(event.replicates, begin, end),
            mean=_series(event.mean, begin, end),
            low=_series(event.low, begin, end),
            high=_series(event.high, begin, end),
            diagnostics=None if gathered is None else _diagnostics(gathered),
        )


def _states(event: events.States) -> Iterator[pb.States]:
    values = event.values.astype("<f2")
    steps, count, sites = values.shape
    fitting = max(1, PART_BYTES // (2 * count * sites))
    for begin in range(0, steps, fitting):
        part = slice(begin, begin + fitting)
        yield pb.States(
            method_id=event.method_id,
            steps=event.steps[part].tolist(),
            site_count=sites,
            state_count=count,
            data=values[part].tobytes(),
        )


def _series(columns: Columns, begin: int, end: int) -> pb.Series:
    """Steps ``begin`` to ``end`` of columns [R, K] (replicate-major) or [K]."""
    return pb.Series(
        **{name: column[..., begin:end].ravel().tolist() for name, column in columns.items()}
    )


def _diagnostics(found: events.Diagnostics) -> pb.Diagnostics:
    return pb.Diagnostics(**{f.name: getattr(found, f.name).tolist() for f in fields(found)})
