"""What one replicate of an experiment is made of, as a job of the engine.

It calls the programs of a run, over the same group of replicates, so that no bit differs from what
the methods of that run are given; one of the replicates is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

from compute.device import Device, wait
from compute.pace import FIRST_CHUNK, Pace, next_count
from compute.plan import Plan
from compute.shape import Observed
from learnda.experiment import Experiment

READ_AHEAD = 4
"""Spans that wait for the reader."""


class FirstEnsemble(NamedTuple):
    """Before the first analysis."""

    members: NDArray[Any]
    """[N, n]; NaN where the model was not stable on the way to its attractor."""


class Span(NamedTuple):
    """Consecutive steps."""

    first_step: int
    truth: NDArray[Any]
    """[K, n]"""
    sites: NDArray[np.int32]
    """[K, m]"""
    values: NDArray[Any]
    """[K, m]"""


def job(
    experiment: Experiment, replicate: int, device: Device
) -> Iterator[FirstEnsemble | Span | Future[Any]]:
    """The steps of the job, for `Engine.job`: the ensemble, then span after span."""
    workers = device.workers
    plan = Plan(experiment, workers.count, workers.side_by_side)
    group, row = divmod(replicate, plan.shape.replicates)
    setting = plan.setting(group)
    carried = device.program(plan.nature())
    truth, ensemble, finite = yield from device.call(plan.start(), setting)
    members = np.array(np.asarray(ensemble)[row])
    yield FirstEnsemble(members if np.asarray(finite)[row] else np.full_like(members, np.nan))
    del ensemble, members
    program = yield from wait(carried)
    pace = Pace(workers.count)
    step, count, total = 0, FIRST_CHUNK, experiment.step_count
    while step < total:
        slot = plan.shape.slot(step)
        count = min(count, total - step, plan.shape.buffer - slot)
        arguments = (setting, plan.sites, truth, np.int32(step), np.int32(count))
        call = device.submit(pace.timed, program.call, *arguments)
        truth, observed = yield from wait(call)
        yield _span(step, observed, slice(slot, slot + count), row)
        step += count
        count = next_count(count, pace.round_seconds())


def _span(step: int, observed: Observed, slots: slice, row: int) -> Span:
    """The steps in ``slots`` of one replicate, copied out of the buffers."""
    truth, sites, y = jax.tree.map(lambda a: np.array(np.asarray(a)[slots, row]), observed)
    return Span(step, truth, sites, y)
