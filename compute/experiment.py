"""A twin experiment as pure programs over a batch of replicates.

    start    draws the first truth and the first ensemble
    nature   carries the truth on and observes it
    method   carries instances of one method on: forecast and analysis; it records what it did
    diagnose (`compute.diagnosis`) says of the record how good it was

`nature` runs once for all methods and hands them its truth, sites and observations as arrays, so
that every method of a replicate meets the same. Each program runs any number of cycles (a traced
bound over a buffer of fixed length), and its result does not depend on how cycles are cut into
chunks. What is judged feeds nothing back: so it is computed aside, for many cycles at once, by a
program that all methods share. Axes: see `compute.shape`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from compute import lorenz96, observing
from compute.climatology import Climatology
from compute.diagnosis import Record
from compute.localization import RingLocalization
from compute.randomness import Purpose, draw_key, replicate_keys
from compute.schemes import Moment, Outcome, Scheme, World
from compute.shape import Observed, Setting, Shape, over_lanes


class MethodState(NamedTuple):
    """What a run carries of method instances from cycle to cycle; [I, R, ...] everything."""

    carried: Any
    """The scheme's own state, after the last cycle in which it was finite."""
    alive: Array
    """[I, R] bool: false from the cycle in which the replicate became non-finite."""
    pending: Array
    """[I, R, L, n]: forecasts from the analysis means of the last L cycles, valid at the last
    step."""


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

    return jax.vmap(replicate)(replicate_keys(setting.words, setting.replicates))


def first_state(
    shape: Shape, scheme: Scheme, world: World, ensemble: Array, alive: Array
) -> MethodState:
    """The state [R, ...] of one instance before its first analysis, from what `start` drew: on the
    host.
    """
    pending: Any = np.zeros((shape.replicates, shape.leads, shape.n), shape.dtype)
    return MethodState(scheme.start(world, ensemble), alive, pending)


def nature(
    shape: Shape,
    setting: Setting,
    explicit_sites: Array,
    truth: Array,
    first_step: Array,
    count: Array,
) -> tuple[Array, Observed]:
    """``count`` cycles from step ``first_step``: the last truth [R, n], and what was observed, from
    slot ``shape.slot(first_step)`` on.

    ``truth`` [R, n] is that of the step before (at step 0: the first). ``explicit_sites`` [m] is
    read by the network "explicit" alone.
    """
    dtype = jnp.dtype(shape.dtype)
    keys = replicate_keys(setting.words, setting.replicates)

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
        substeps = setting.substeps_to(step)
        if shape.truth_noise:
            noise_key = draw_key(key, Purpose.TRUTH_MODEL_ERROR, step)
            state = lorenz96.integrate_noisy(
                noise_key, state, setting.forcing, setting.dt, substeps, setting.truth_noise
            )
        else:
            state = lorenz96.integrate(state, setting.forcing, setting.dt, substeps)
        sites = network(key, step)
        error = setting.error(shape, sites)
        drawn = error.draw(draw_key(key, Purpose.OBSERVATION_ERROR, step))
        return state, sites, observing.observe(shape.operator, state, sites) + drawn

    def cycle(k: Array, carry: tuple[Array, Observed]) -> tuple[Array, Observed]:
        state, out = carry
        state, sites, y = jax.vmap(replicate, in_axes=(0, 0, None))(keys, state, before + k)
        return state, Observed(
            out.truth.at[k].set(state), out.sites.at[k].set(sites), out.y.at[k].set(y)
        )

    lead = (shape.buffer, shape.replicates)
    empty = Observed(
        jnp.zeros((*lead, shape.n), dtype),
        jnp.zeros((*lead, shape.m), jnp.int32),
        jnp.zeros((*lead, shape.m), dtype),
    )
    slot = shape.slot(first_step)
    before = first_step - slot
    return lax.fori_loop(slot, slot + count, cycle, (truth, empty))


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
) -> tuple[MethodState, Record]:
    """``count`` cycles of I instances of one method, and the record of them [I, R, K, ...], from
    slot ``shape.slot(first_step)`` on.

    ``choices`` are the parameters that select code (strings, booleans), ``values`` [I] the numbers;
    ``window`` is the localisation window, 0 without localisation. From the cycle in which a
    replicate becomes non-finite its state stays as it was.
    """
    slot = shape.slot(first_step)
    keys = replicate_keys(setting.words, setting.replicates)
    world = make_world(shape, setting, climatology)

    def cycle(
        parameters: Mapping[str, Any],
        key: Array,
        state: MethodState,
        truth: Array,
        sites: Array,
        y: Array,
        step: Array,
    ) -> tuple[MethodState, Record]:
        substeps = setting.substeps_to(step)
        moment = Moment(
            step=step,
            key=lambda purpose: draw_key(key, purpose, step),
            substeps=substeps,
            interval=substeps * setting.dt,
            y=y,
            error=setting.error(shape, sites),
            localization=RingLocalization(
                choices.get("taper", "box" if window else "none"),
                parameters.get("r", jnp.ones((), truth.dtype)),
                window,
                shape.n,
                sites,
            ),
            truth=truth,
        )
        outcome = scheme.cycle(world, moment, state.carried, parameters)
        alive = state.alive & _finite(outcome)
        pending = world.forecast(state.pending, substeps) if shape.leads else state.pending
        record = Record.of(outcome, jnp.sqrt(((pending - truth) ** 2).mean(axis=-1)), alive)
        if shape.leads:
            pending = jnp.concatenate([outcome.analysis.mean[None], pending[:-1]])
        carried, pending = jax.tree.map(
            lambda new, old: jnp.where(alive, new, old),
            (outcome.state, pending),
            (state.carried, state.pending),
        )
        return MethodState(carried, alive, pending), record

    def lane(
        number: Array, state: MethodState, values: Mapping[str, Array]
    ) -> tuple[MethodState, Record]:
        replicate = number % shape.replicates
        given = jax.tree.map(lambda a: a[:, replicate], observed)
        one: Callable[..., Any] = partial(cycle, {**choices, **values}, keys[replicate])
        if shape.buffer == 1:  # a large ensemble: nothing is copied into a buffer
            state, new = one(state, *(a[0] for a in given), first_step)
            return state, jax.tree.map(lambda a: a[None], new)

        def body(k: Array, carry: tuple[MethodState, Record]) -> tuple[MethodState, Record]:
            state, record = carry
            state, new = one(state, *(a[k] for a in given), first_step - slot + k)
            return state, jax.tree.map(lambda all_, this: all_.at[k].set(this), record, new)

        like = jax.eval_shape(one, state, *(a[0] for a in given), first_step)[1]
        empty = jax.tree.map(lambda a: jnp.zeros((shape.buffer, *a.shape), a.dtype), like)
        return lax.fori_loop(slot, slot + count, body, (state, empty))

    return over_lanes(shape, lane, state, values)


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


def _finite(outcome: Outcome) -> Array:
    """True where every number that goes on is finite."""
    leaves = [*jax.tree.leaves(outcome.state), outcome.background.mean, outcome.analysis.mean]
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in leaves]).all()
