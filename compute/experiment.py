"""A twin experiment as three pure programs over a batch of replicates.

    start    draws the first truth and the first ensemble
    nature   carries the truth on and observes it
    method   carries one method on: forecast, analysis, diagnostics

`nature` runs once for all methods and hands them its truth, sites and observations as arrays, so
that every method of a replicate meets the same. Each program runs any number of cycles (a traced
bound over a buffer of fixed length), and its result does not depend on how cycles are cut into
chunks. This is the only module that maps over replicates. Axes: K cycles of a buffer, R replicates,
N members, n sites, m observations, L leads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from compute import diagnostics, lorenz96, observing, reliability
from compute.climatology import Climatology
from compute.localization import RingLocalization
from compute.observing import ObservationError
from compute.randomness import Purpose, draw_key, replicate_keys
from compute.reliability import Gathered, Look
from compute.schemes import Moment, Outcome, Scheme, World

SERIES = (
    "error_b",
    "error_a",
    "rmse_background",
    "rmse_analysis",
    "spread_background",
    "spread_analysis",
    "crps_analysis",
    "innovation_consistency",
    "desroziers_error",
    "desroziers_background",
    "effective_sample_size",
)
"""The diagnostics of one cycle, in the order of the columns that `method` returns; NaN where a
method has none."""


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
    operator: str = "identity"
    distribution: observing.Distribution = "gaussian"
    correlated: bool = False
    truth_noise: bool = False
    forecast_noise: bool = False
    leads: int = 0

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
    """Of the truth."""
    forecast_forcing: Array
    dt: Array
    substeps: Array
    """Runge-Kutta steps between two analyses, int32."""
    std_obs: Array
    """[n], of the observation error at each site."""
    dof: Array
    """Degrees of freedom of a Student error."""
    correlation: Array
    """Correlation length of the observation error, in sites."""
    truth_noise: Array
    forecast_noise: Array
    initial_std: Array
    first_scored: Array
    """The first step that is scored, int32."""


class Observed(NamedTuple):
    """A chunk of nature: what every method of the run is given."""

    truth: Array
    """[K, R, n]"""
    sites: Array
    """[K, R, m] int32"""
    y: Array
    """[K, R, m]"""


class MethodState(NamedTuple):
    """What a run carries of a method from cycle to cycle; R is the first axis of everything."""

    carried: Any
    """The scheme's own state, after the last cycle in which it was finite."""
    alive: Array
    """[R] bool: false from the cycle in which the replicate became non-finite."""
    gathered: Gathered
    pending: Array
    """[R, L, n]: forecasts from the analysis means of the last L cycles, valid at the last step."""


def start(shape: Shape, setting: Setting) -> tuple[Array, Array, Array]:
    """The truth [R, n] and the ensemble [R, N, n] before the first analysis, and which replicates
    are finite [R]; the ensemble of the others is 0.
    """
    dtype = jnp.dtype(shape.dtype)

    def replicate(key: Array) -> tuple[Array, Array, Array]:
        truth = lorenz96.spin_up(
            draw_key(key, Purpose.TRUTH_START), 1, shape.n, dtype, setting.forcing
        )[0]
        ensemble_key = draw_key(key, Purpose.ENSEMBLE_START)
        if shape.initial == "climatology":
            ensemble = lorenz96.spin_up(
                ensemble_key, shape.members, shape.n, dtype, setting.forcing
            )
        else:
            noise = jax.random.normal(ensemble_key, (shape.members, shape.n), dtype)
            ensemble = truth + setting.initial_std * noise
        finite = jnp.isfinite(ensemble).all()
        return truth, jnp.where(finite, ensemble, 0), finite

    return jax.vmap(replicate)(replicate_keys(setting.words, shape.replicates))


def first_state(
    shape: Shape, scheme: Scheme, world: World, ensemble: Array, alive: Array
) -> MethodState:
    """The state of a method before its first analysis, from what `start` drew: on the host."""
    members = shape.members if scheme.declaration.has_members else 0
    gathered = reliability.nothing(members, shape.leads, shape.replicates)
    pending: Any = np.zeros((shape.replicates, shape.leads, shape.n), shape.dtype)
    return MethodState(scheme.start(world, ensemble), alive, gathered, pending)


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
        substeps = _substeps(setting, step)
        if shape.truth_noise:
            noise_key = draw_key(key, Purpose.TRUTH_MODEL_ERROR, step)
            state = lorenz96.integrate_noisy(
                noise_key, state, setting.forcing, setting.dt, substeps, setting.truth_noise
            )
        else:
            state = lorenz96.integrate(state, setting.forcing, setting.dt, substeps)
        sites = network(key, step)
        error = _error(shape, setting, sites)
        drawn = error.draw(draw_key(key, Purpose.OBSERVATION_ERROR, step))
        return state, sites, observing.observe(shape.operator, state, sites) + drawn

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
    scheme: Scheme,
    choices: Mapping[str, Any],
    window: int,
    setting: Setting,
    climatology: Climatology,
    values: Mapping[str, Array],
    state: MethodState,
    observed: Observed,
    first_step: Array,
    count: Array,
) -> tuple[MethodState, Array]:
    """``count`` <= K cycles of one method, and their diagnostics [K, len(SERIES), R].

    ``choices`` are the parameters that select code (strings, booleans), ``values`` the numbers;
    ``window`` is the localisation window, 0 without localisation. From the cycle in which a
    replicate becomes non-finite its diagnostics are NaN and its state stays as it was.
    """
    keys = replicate_keys(setting.words, shape.replicates)
    parameters = {**choices, **values}
    world = make_world(shape, setting, climatology)

    def replicate(
        key: Array, state: MethodState, truth: Array, sites: Array, y: Array, step: Array
    ) -> tuple[MethodState, Array, Look]:
        substeps = _substeps(setting, step)
        moment = Moment(
            step=step,
            key=lambda purpose: draw_key(key, purpose, step),
            substeps=substeps,
            interval=substeps * setting.dt,
            y=y,
            error=_error(shape, setting, sites),
            localization=RingLocalization(
                choices.get("taper", "box" if window else "none"),
                values.get("r", jnp.ones((), truth.dtype)),
                window,
                shape.n,
                sites,
            ),
            truth=truth,
        )
        outcome = scheme.cycle(world, moment, state.carried, parameters)
        alive = state.alive & _finite(outcome)
        columns = jnp.where(alive, _diagnose(world, moment, outcome), jnp.nan)
        pending = world.forecast(state.pending, substeps) if shape.leads else state.pending
        seen = reliability.look(
            outcome.background,
            truth,
            jnp.sqrt(((pending - truth) ** 2).mean(axis=-1)),
            step,
            (step >= setting.first_scored) & alive,
        )
        if shape.leads:
            pending = jnp.concatenate([outcome.analysis.mean[None], pending[:-1]])
        carried, pending = jax.tree.map(
            lambda new, old: jnp.where(alive, new, old),
            (outcome.state, pending),
            (state.carried, state.pending),
        )
        return MethodState(carried, alive, state.gathered, pending), columns, seen

    step: Callable[..., Any] = jax.vmap(
        replicate, in_axes=(0, 0, 0, 0, 0, None), out_axes=(0, 1, 0)
    )

    def cycle(k: Array, carry: tuple[MethodState, Array, Look]) -> tuple[MethodState, Array, Look]:
        state, columns, seen = carry
        state, row, one = step(
            keys, state, observed.truth[k], observed.sites[k], observed.y[k], first_step + k
        )
        seen = jax.tree.map(lambda all_, new: all_.at[k].set(new), seen, one)
        return state, columns.at[k].set(row), seen

    def tie_keys() -> Array:
        def of_step(at: Array) -> Array:
            return jax.vmap(lambda key: draw_key(key, Purpose.RANK_TIES, at))(keys)

        return jax.vmap(of_step)(first_step + jnp.arange(shape.buffer))

    columns = jnp.zeros((shape.buffer, len(SERIES), shape.replicates), shape.dtype)
    like = jax.eval_shape(step, keys, state, *(part[0] for part in observed), first_step)[2]
    seen = jax.tree.map(lambda a: jnp.zeros((shape.buffer, *a.shape), a.dtype), like)
    state, columns, seen = lax.fori_loop(0, count, cycle, (state, columns, seen))
    std = jnp.sqrt(climatology.variance)
    gathered = reliability.gather(state.gathered, seen, shape.members, std, tie_keys)
    return state._replace(gathered=gathered), columns


def make_world(shape: Shape, setting: Setting, climatology: Climatology) -> World:
    """What every cycle of every method shares."""
    model = partial(lorenz96.integrate, forcing=setting.forecast_forcing, dt=setting.dt)

    def noisy(ensemble: Array, substeps: Array | int, key: Array) -> Array:
        if not shape.forecast_noise:
            return model(ensemble, steps=substeps)
        forcing, dt, noise = setting.forecast_forcing, setting.dt, setting.forecast_noise
        return lorenz96.integrate_noisy(key, ensemble, forcing, dt, substeps, noise)

    return World(
        n=shape.n,
        climatology=climatology,
        forecast=lambda states, substeps: model(states, steps=substeps),
        noisy_forecast=noisy,
        step=lambda state: lorenz96.step(state, setting.forecast_forcing, setting.dt),
        forecast_noise=setting.forecast_noise,
        observe=partial(observing.observe, shape.operator),
        operator=shape.operator,
    )


def _substeps(setting: Setting, step: Array) -> Array:
    """Runge-Kutta steps from the analysis before; step 0 is where the experiment starts."""
    return jnp.where(step > 0, setting.substeps, 0)


def _error(shape: Shape, setting: Setting, sites: Array) -> ObservationError:
    correlation = None
    if shape.correlated:
        correlation = observing.ring_correlation(sites, shape.n, setting.correlation)
    return ObservationError(setting.std_obs[sites], correlation, shape.distribution, setting.dof)


def _finite(outcome: Outcome) -> Array:
    """True where every number that goes on is finite."""
    leaves = [*jax.tree.leaves(outcome.state), outcome.background.mean, outcome.analysis.mean]
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in leaves]).all()


def _diagnose(world: World, moment: Moment, outcome: Outcome) -> Array:
    """The diagnostics of one cycle of one replicate, in the order of SERIES."""
    background, analysis, truth = outcome.background, outcome.analysis, moment.truth
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
            world.observe(background.members, moment.sites),
            world.observe(analysis.members, moment.sites),
            moment.y,
            moment.error,
        )
    found |= outcome.info
    return jnp.stack([found.get(name, jnp.full((), jnp.nan, truth.dtype)) for name in SERIES])
