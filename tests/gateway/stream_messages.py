"""Messages as compute sends them, with numbers that tell method, replicate and step."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

from gateway.callers import Caller
from gateway.database import Pool
from gateway.records import ALL_SERIES, DIAGNOSTIC_SERIES, SERIES
from gateway.store import runs
from learnda.experiment import Experiment, MethodInstance
from learnda.quotas import Quota
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1 import common_pb2 as common


def experiment(*ids: str, steps: int = 10, replicates: int = 1) -> Experiment:
    """A resolved request with one method per id."""
    methods = tuple(MethodInstance(id, "etkf", f"label of {id}", {"rotate": False}) for id in ids)
    return Experiment(
        methods,
        seed=1,
        m=4,
        dt=0.05,
        end_time=(steps - 1) * 0.1,
        replicates=replicates,
        forecast_F=8.0,
    )


async def queued(pool: Pool, request: Experiment, client: str = "anna") -> UUID:
    """The id of a new run of ``request``."""
    run_id, _ = await runs.create(pool, request, Caller(client, Quota()), max_queued=1000)
    return run_id


def value(series: str, replicate: int, step: int) -> float:
    """What `progress` puts there."""
    return 100.0 * ALL_SERIES.index(series) + 10.0 * replicate + step


def started(steps: int) -> pb.RunExperimentResponse:
    return pb.RunExperimentResponse(
        started=pb.RunStarted(
            step_count=steps,
            server=common.Server(
                versions={"jax": "1"}, devices=[common.Device(platform="cpu", kind="x")]
            ),
        )
    )


def compiling(program: str, seconds: float | None = None) -> pb.RunExperimentResponse:
    return pb.RunExperimentResponse(
        compiling=pb.Compiling(program=program, estimated_seconds=seconds)
    )


def method_started(method: str) -> pb.RunExperimentResponse:
    return pb.RunExperimentResponse(method_started=pb.MethodStarted(method_id=method))


def gathered(steps: int) -> pb.Diagnostics:
    """Diagnostics of two members over ``steps`` steps; the second bin of spread is empty."""
    return pb.Diagnostics(
        rank_histogram=[steps, 0, 2 * steps],
        spread_edges=[0.5, math.inf],
        spread_counts=[3 * steps, 0],
        spread_rms=[0.25, math.nan],
        error_rms=[steps / 8, math.nan],
        lead_rmse=[steps / 4, steps / 2],
    )


def gathered_json(steps: int) -> dict[str, Any]:
    """The same in the JSON of the contract."""
    return {
        "rank_histogram": [steps, 0, 2 * steps],
        "spread_skill": {
            "edges": [0.5, None],
            "counts": [3 * steps, 0],
            "spread": [0.25, None],
            "error": [steps / 8, None],
        },
        "lead_rmse": [steps / 4, steps / 2],
    }


def progress(
    method: str,
    first: int,
    count: int,
    replicates: int = 1,
    nan_from: int | None = None,
    diagnostic_series: Collection[str] = (),
    diagnostics: pb.Diagnostics | None = None,
) -> pb.RunExperimentResponse:
    """Steps ``first .. first + count - 1``; the last replicate is NaN from step ``nan_from`` on."""
    message = pb.Progress(
        method_id=method,
        first_step=first,
        step_count=count,
        replicate_count=replicates,
        diagnostics=diagnostics,
    )
    steps = range(first, first + count)
    message.t.extend(0.1 * step for step in steps)
    for name in (*SERIES, *diagnostic_series):
        for replicate in range(replicates):
            dead = nan_from if replicate == replicates - 1 else None
            getattr(message.replicates, name).extend(
                math.nan if dead is not None and step >= dead else value(name, replicate, step)
                for step in steps
            )
        getattr(message.mean, name).extend(value(name, 0, step) for step in steps)
    return pb.RunExperimentResponse(progress=message)


def checkpoint(step: int, *parts: bytes) -> Iterator[pb.RunExperimentResponse]:
    for k, data in enumerate(parts):
        part = pb.Checkpoint(step=step, part_index=k, part_count=len(parts), data=data)
        yield pb.RunExperimentResponse(checkpoint=part)


def method_completed(
    method: str, status: pb.MethodStatus = pb.METHOD_STATUS_COMPLETED, **fields: Any
) -> pb.RunExperimentResponse:
    completed = pb.MethodCompleted(
        method_id=method,
        status=status,
        metrics=pb.Metrics(final=0.5, mean=math.nan, cycles_scored=10),
        runtime_seconds=0.25,
        **fields,
    )
    return pb.RunExperimentResponse(method_completed=completed)


def completed(*warnings: str) -> pb.RunExperimentResponse:
    return pb.RunExperimentResponse(
        completed=pb.RunCompleted(runtime_seconds=1.5, warnings=warnings)
    )


def whole_run(
    *ids: str, steps: int = 10, chunk: int = 4, replicates: int = 1, diagnostics: bool = False
) -> Iterator[pb.RunExperimentResponse]:
    """The stream of an undisturbed run, methods interleaved."""
    more: dict[str, Any] = {"diagnostic_series": DIAGNOSTIC_SERIES} if diagnostics else {}
    yield started(steps)
    for first in range(0, steps, chunk):
        for id in ids:
            if first == 0:
                yield method_started(id)
            count = min(chunk, steps - first)
            if diagnostics:
                more["diagnostics"] = gathered(first + count)
            yield progress(id, first, count, replicates, **more)
    for id in ids:
        yield method_completed(id, diagnostics=gathered(steps) if diagnostics else None)
    yield completed()
