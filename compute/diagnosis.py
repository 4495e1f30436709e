"""What is told of every cycle: computed from the record that a method leaves of its cycles.

Nothing here feeds back into a method, so that many cycles are judged at once, and all methods with
members share one program. Axes: see `compute.shape`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from compute import diagnostics, observing, reliability
from compute.climatology import Climatology
from compute.randomness import Purpose, replicate_keys, uniform_by_place
from compute.reliability import Gathered, Look
from compute.schemes import Estimate, Outcome
from compute.shape import Observed, Setting, Shape, over_lanes

INFO = (
    "innovation_consistency",
    "desroziers_error",
    "desroziers_background",
    "effective_sample_size",
)
"""What a method may know better than its members tell."""
SERIES = (
    "error_b",
    "error_a",
    "rmse_background",
    "rmse_analysis",
    "spread_background",
    "spread_analysis",
    "crps_analysis",
    *INFO,
)
"""The diagnostics of one cycle, in the order of the columns; NaN where a method has none."""


class Told(NamedTuple):
    """An estimate of the truth, as far as it must be recorded: the members tell the rest."""

    members: Array | None
    """[N, n]"""
    mean: Array | None
    """[n], where there are no members."""
    variance: Array | None

    @classmethod
    def of(cls, estimate: Estimate) -> Told:
        if estimate.members is None:
            return cls(None, estimate.mean, estimate.variance)
        return cls(estimate.members, None, None)

    def estimate(self) -> Estimate:
        if self.members is not None:
            return Estimate.of(self.members)
        assert self.mean is not None
        assert self.variance is not None
        return Estimate(self.mean, self.variance)


class Record(NamedTuple):
    """What is left of one cycle of one replicate."""

    background: Told
    analysis: Told
    info: Array
    """[len(INFO)], NaN where the method says nothing."""
    lead_rmse: Array
    """[L], of the forecasts that end now."""
    alive: Array
    """bool"""

    @classmethod
    def of(cls, outcome: Outcome, lead_rmse: Array, alive: Array) -> Record:
        nothing = jnp.full((), jnp.nan, outcome.analysis.mean.dtype)
        info = jnp.stack([outcome.info.get(name, nothing) for name in INFO])
        return cls(Told.of(outcome.background), Told.of(outcome.analysis), info, lead_rmse, alive)


def record_like(shape: Shape, instances: int, has_members: bool) -> Record:
    """The shapes and types of a record [I, R, K, ...], for a program to be made for."""

    def like(*of_one: int, dtype: str = shape.dtype) -> Any:
        return jax.ShapeDtypeStruct((instances, shape.replicates, shape.buffer, *of_one), dtype)

    if has_members:
        told = Told(like(shape.members, shape.n), None, None)
    else:
        told = Told(None, like(shape.n), like(shape.n))
    return Record(told, told, like(len(INFO)), like(shape.leads), like(dtype="bool"))


def diagnose(
    shape: Shape,
    setting: Setting,
    climatology: Climatology,
    gathered: Gathered,
    record: Record,
    observed: Observed,
    first_step: Array,
    count: Array,
) -> tuple[Gathered, Array]:
    """What is gathered [I, R, ...] with ``count`` more cycles, and their diagnostics
    [I, R, K, len(SERIES)] from a record [I, R, K, ...], both from slot ``shape.slot(first_step)``
    on; NaN from where a replicate is not finite.
    """
    block = shape.block
    slot = shape.slot(first_step)
    keys = replicate_keys(setting.words, setting.replicates)
    std = jnp.sqrt(climatology.variance)
    judge: Callable[..., Any] = jax.vmap(partial(_one, shape, setting))

    def lane(number: Array, mine: tuple[Gathered, Record], _: Any) -> tuple[Gathered, Array]:
        gathered, record = mine
        replicate = number % shape.replicates
        given = jax.tree.map(lambda a: a[:, replicate], observed)

        def part(j: Array, carry: tuple[Gathered, Array]) -> tuple[Gathered, Array]:
            gathered, columns = carry
            first = j * block
            here = first + jnp.arange(block)
            steps = first_step - slot + here
            of_block = jax.tree.map(
                lambda a: lax.dynamic_slice_in_dim(a, first, block), (record, *given)
            )
            rows, seen = judge(*of_block, steps)
            inside = (here >= slot) & (here < slot + count)
            seen = seen._replace(scored=seen.scored & inside)

            draw = partial(uniform_by_place, keys[replicate], Purpose.RANK_TIES, steps)
            gathered = reliability.gather(gathered, seen, shape.members, std, draw)
            return gathered, lax.dynamic_update_slice_in_dim(columns, rows, first, axis=0)

        columns = jnp.zeros((shape.buffer, len(SERIES)), shape.dtype)
        if block == shape.buffer:
            return part(jnp.zeros((), jnp.int32), (gathered, columns))
        return lax.fori_loop(0, (slot + count + block - 1) // block, part, (gathered, columns))

    return over_lanes(shape, lane, (gathered, record), ())


def _one(
    shape: Shape,
    setting: Setting,
    record: Record,
    truth: Array,
    sites: Array,
    y: Array,
    step: Array,
) -> tuple[Array, Look]:
    """One cycle of one replicate: its diagnostics [len(SERIES)], and what is gathered of it."""
    background, analysis = record.background.estimate(), record.analysis.estimate()
    found = {
        "error_b": diagnostics.relative_error(background.mean, truth),
        "error_a": diagnostics.relative_error(analysis.mean, truth),
        "rmse_background": diagnostics.rmse(background.mean, truth),
        "rmse_analysis": diagnostics.rmse(analysis.mean, truth),
        "spread_background": diagnostics.spread(background.variance),
        "spread_analysis": diagnostics.spread(analysis.variance),
        "crps_analysis": diagnostics.crps(analysis.members, truth)
        if analysis.members is not None
        else diagnostics.gaussian_crps(analysis.mean, analysis.variance, truth),
    }
    if background.members is not None and analysis.members is not None:
        found |= diagnostics.consistency(
            observing.observe(shape.operator, background.members, sites),
            observing.observe(shape.operator, analysis.members, sites),
            y,
            setting.error(shape, sites),
        )
    for i, name in enumerate(INFO):
        said = record.info[i]
        found[name] = jnp.where(jnp.isnan(said), found.get(name, said), said)
    columns = jnp.stack([found[name] for name in SERIES])
    seen = reliability.look(
        background, truth, record.lead_rmse, step, (step >= setting.first_scored) & record.alive
    )
    return jnp.where(record.alive, columns, jnp.nan), seen
