"""A twin experiment as three pure programs over a batch of replicates.

    start    draws the first truth and the first ensemble
    nature   carries the truth on and observes it
    method   carries one ensemble on: forecast, analysis, diagnostics

`nature` runs once for all methods and hands them its truth, sites and observations as arrays, so
that every method of a replicate meets the same. Each program runs any number of cycles (a traced
bound over a buffer of fixed length), and its result does not depend on how cycles are cut into
chunks. This is the only module that maps over replicates. Axes: K cycles of a buffer, R replicates,
N members, n sites, m observations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from compute import diagnostics, inflation, lorenz96, observing
from compute.filters import Filter
from compute.localization import RingLocalization
from compute.randomness import Purpose, draw_key, replicate_keys

SERIES = (
    "error_b",
    "error_a",
    "rmse_background",
    "rmse_analysis",
    "spread_background",
    "spread_analysis",
    "crps_analysis",
)
"""The diagnostics of one cycle, in the order of the columns that `method` returns."""


@dataclass(frozen=True)
class Shape:
    """All that selects a program besides the method: sizes and static choices."""

    n: int
    members: int
    m: int
    replicates: int
    buffer: int
    """Cycles that one call can run at most."""
    dtype: str
    network: observing.Network
    initial: str

    def __str__(self) -> str:
        return (
            f"n={self.n} members={self.members} m={self.m} replicates={self.replicates} "
            f"{self.dtype}"
        )


class Setting(NamedTuple):
    """The values of an experiment: changing them compiles nothing."""

    words: Array
    """The seed: uint32 [2]."""
    forcing: Array
    dt: Array
    substeps: Array
    """Runge-Kutta steps between two analyses, int32."""
    std_obs: Array
    initial_std: Array


class Observed(NamedTuple):
    """A chunk of nature: what every method of the run is given."""

    truth: Array
    """[K, R, n]"""
    sites: Array
    """[K, R, m] int32"""
    y: Array
    """[K, R, m]"""


class MethodState(NamedTuple):
    """What a method carries from cycle to cycle."""

    ensemble: Array
    """[R, N, n], the last finite analysis."""
    alive: Array
    """[R] bool: false from the cycle in which the replicate became non-finite."""


def start(shape: Shape, setting: Setting) -> tuple[Array, Array]:
    """The truth [R, n] and the ensemble [R, N, n] before the first analysis."""
    dtype = jnp.dtype(shape.dtype)

    def replicate(key: Array) -> tuple[Array, Array]:
        truth = lorenz96.spin_up(
            draw_key(key, Purpose.TRUTH_START), 1, shape.n, dtype, setting.forcing
        )[0]
        ensemble_key = draw_key(key, Purpose.ENSEMBLE_START)
        if shape.initial == "climatology":
            return truth, lorenz96.spin_up(
                ensemble_key, shape.members, shape.n, dtype, setting.forcing
            )
        noise = jax.random.normal(ensemble_key, (shape.members, shape.n), dtype)
        return truth, truth + setting.initial_std * noise

    return jax.vmap(replicate)(replicate_keys(setting.words, shape.replicates))


def nature(
    shape: Shape,
    setting: Setting,
    explicit_sites: Array,
    truth: Array,
    first_step: Array,
    count: Array,
) -> tuple[Array, Observed]:
    """``count`` <= K cycles from step ``first_step``: the last truth [R, n], and what was observed.

    ``truth`` [R, n] is that of the step before (at step 0: the first). ``explicit_sites`` [m] is
    read by the network "explicit" alone.
    """
    dtype = jnp.dtype(shape.dtype)
    keys = replicate_keys(setting.words, shape.replicates)

    def network(key: Array, step: Array) -> Array:
        match shape.network:
            case "explicit":
                return explicit_sites
            case "regular":
                return observing.regular_sites(shape.n, shape.m)
            case "fixed":
                return observing.random_sites(draw_key(key, Purpose.SITES), shape.n, shape.m)
            case "random":
                return observing.random_sites(draw_key(key, Purpose.SITES, step), shape.n, shape.m)

    def replicate(key: Array, state: Array, step: Array) -> tuple[Array, Array, Array]:
        state = _integrate_to(step, state, setting)
        sites = network(key, step)
        noise = jax.random.normal(draw_key(key, Purpose.OBSERVATION_ERROR, step), (shape.m,), dtype)
        return state, sites, observing.observe(state, sites) + setting.std_obs * noise

    def cycle(k: Array, carry: tuple[Array, Observed]) -> tuple[Array, Observed]:
        state, out = carry
        state, sites, y = jax.vmap(replicate, in_axes=(0, 0, None))(keys, state, first_step + k)
        return state, Observed(
            out.truth.at[k].set(state), out.sites.at[k].set(sites), out.y.at[k].set(y)
        )

    lead = (shape.buffer, shape.replicates)
    empty = Observed(
        jnp.zeros((*lead, shape.n), dtype),
        jnp.zeros((*lead, shape.m), jnp.int32),
        jnp.zeros((*lead, shape.m), dtype),
    )
    return lax.fori_loop(0, count, cycle, (truth, empty))


def method(
    shape: Shape,
    entry: Filter,
    choices: Mapping[str, Any],
    window: int | None,
    setting: Setting,
    values: Mapping[str, Array],
    state: MethodState,
    observed: Observed,
    first_step: Array,
    count: Array,
) -> tuple[MethodState, Array]:
    """``count`` <= K cycles of one method, and their diagnostics [K, len(SERIES), R].

    ``choices`` are the parameters that select code (strings, booleans), ``values`` the numbers;
    ``window`` is the localisation window, None without localisation. From the cycle in which a
    replicate becomes non-finite its diagnostics are NaN and its ensemble stays as it was.
    """
    dtype = jnp.dtype(shape.dtype)
    keys = replicate_keys(setting.words, shape.replicates)
    parameters = {**choices, **values}
    error = observing.ObservationError(jnp.broadcast_to(setting.std_obs**2, (shape.m,)))

    def localization(sites: Array) -> RingLocalization | None:
        if window is None:
            return None
        return RingLocalization(choices["taper"], values["r"], window, shape.n, sites)

    def replicate(
        key: Array, state: MethodState, truth: Array, sites: Array, y: Array, step: Array
    ) -> tuple[MethodState, Array]:
        background = _integrate_to(step, state.ensemble, setting)
        finite = state.alive & _all_finite(background)
        background = jnp.where(finite, background, state.ensemble)
        analysis, _ = entry.analyse(
            draw_key(key, Purpose.ANALYSIS, step),
            background,
            observing.observe(background, sites),
            y,
            error,
            localization(sites),
            parameters,
        )
        if parameters.get("rotate"):
            analysis = inflation.rotate(draw_key(key, Purpose.ROTATION, step), analysis)
        if "inf_fact" in parameters:
            analysis = inflation.inflate(analysis, parameters["inf_fact"])
        alive = finite & _all_finite(analysis)
        columns = jnp.where(alive, _diagnose(background, analysis, truth), jnp.nan)
        return MethodState(jnp.where(alive, analysis, state.ensemble), alive), columns

    def cycle(k: Array, carry: tuple[MethodState, Array]) -> tuple[MethodState, Array]:
        state, columns = carry
        state, row = jax.vmap(replicate, in_axes=(0, 0, 0, 0, 0, None), out_axes=(0, 1))(
            keys, state, observed.truth[k], observed.sites[k], observed.y[k], first_step + k
        )
        return state, columns.at[k].set(row)

    columns = jnp.zeros((shape.buffer, len(SERIES), shape.replicates), dtype)
    return lax.fori_loop(0, count, cycle, (state, columns))


def first_state(ensemble: Array) -> MethodState:
    """The state of a method before its first analysis, from the first ensemble [R, N, n]."""
    alive = jnp.isfinite(ensemble).all(axis=(1, 2))
    return MethodState(jnp.where(alive[:, None, None], ensemble, 0), alive)


def _integrate_to(step: Array, state: Array, setting: Setting) -> Array:
    """From the analysis before to that of ``step``; step 0 is where the experiment starts."""
    substeps = jnp.where(step > 0, setting.substeps, 0)
    return lorenz96.integrate(state, setting.forcing, setting.dt, substeps)


def _all_finite(ensemble: Array) -> Array:
    return jnp.isfinite(ensemble).all()


def _diagnose(background: Array, analysis: Array, truth: Array) -> Array:
    """The diagnostics of one cycle of one replicate, in the order of SERIES: [7]."""
    background_mean, analysis_mean = background.mean(axis=0), analysis.mean(axis=0)
    return jnp.stack(
        [
            diagnostics.relative_error(background_mean, truth),
            diagnostics.relative_error(analysis_mean, truth),
            diagnostics.rmse(background_mean, truth),
            diagnostics.rmse(analysis_mean, truth),
            diagnostics.spread(background),
            diagnostics.spread(analysis),
            diagnostics.crps(analysis, truth),
        ]
    )
