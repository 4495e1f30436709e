"""The Lorenz-96 model: dx_i/dt = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + F on a ring of n sites.

Lorenz, E. N. (1996): Predictability: a problem partly solved. Proc. ECMWF Seminar on
Predictability, vol. 1, 1-18. One unit of model time is about five days.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.custom_batching import custom_vmap

SPIN_UP_STEPS = 500
"""Runge-Kutta steps from noise to the attractor."""

_LEFT, _RIGHT = 2, 1
"""Sites that one evaluation of the tendency reads on either side."""
_STAGES = 4
_HALO_LEFT, _HALO_RIGHT = _LEFT * _STAGES, _RIGHT * _STAGES

_LEAST_STATES = 64
"""Fewer are not worth being laid out anew."""
_ROW_BYTES = 256
"""A block's states at one site, at least: shorter loops do not pay."""
_CACHE_LINE = 64
"""Bytes: the rows of a block begin at whole ones."""
_BLOCK_BYTES, _MOST_BLOCK_BYTES = 144 * 1024, 512 * 1024
"""Of each of the four arrays that a block is stepped in, as they share a core's cache; and where
rows of the least length need more."""


def tendency(x: Array, forcing: Array | float) -> Array:
    """dx/dt of states ``x`` [..., n], in state units per unit of model time."""
    return _interior(_with_halo(x, stages=1), forcing)


def step(x: Array, forcing: Array | float, dt: Array | float) -> Array:
    """One classical Runge-Kutta step of ``dt`` model time on states ``x`` [..., n].

    The ring is extended once, by what four evaluations read; each stage then works on a shorter
    slice. That moves a quarter of the memory that four shifted copies a stage would.
    """
    x0 = _with_halo(x, _STAGES)
    k1 = _interior(x0, forcing)
    k2 = _interior(_trim(x0, 1) + dt / 2 * k1, forcing)
    k3 = _interior(_trim(x0, 2) + dt / 2 * k2, forcing)
    k4 = _interior(_trim(x0, 3) + dt * k3, forcing)
    return x + dt / 6 * (_trim(k1, 3) + 2 * (_trim(k2, 2) + _trim(k3, 1)) + k4)


def integrate(x: Array, forcing: Array | float, dt: Array | float, steps: Array | int) -> Array:
    """``steps`` Runge-Kutta steps of states ``x`` [..., n]; the number of steps may be traced.

    Many states are taken through all steps in blocks that stay in a core's cache. What `jax.vmap`
    maps over counts as more states. One state [n] is stepped as it lies, and can be differentiated:
    backwards too where ``steps`` is a number.
    """
    if x.ndim == 1:
        return _step_by_step(x, forcing, dt, steps)
    states = x.reshape(-1, x.shape[-1])
    moved = _integrate(
        states, jnp.asarray(forcing, x.dtype), jnp.asarray(dt, x.dtype), jnp.asarray(steps)
    )
    return moved.reshape(x.shape)


def integrate_noisy(
    key: Array,
    x: Array,
    forcing: Array | float,
    dt: Array | float,
    steps: Array | int,
    noise: Array | float,
) -> Array:
    """The same with stochastic forcing, dx = f(x) dt + noise dW: white noise at every site of
    standard deviation noise sqrt(dt), added after each Runge-Kutta step.
    """

    def one(k: Array, state: Array) -> Array:
        drawn = jax.random.normal(jax.random.fold_in(key, k), state.shape, state.dtype)
        return step(state, forcing, dt) + noise * jnp.sqrt(dt) * drawn

    return lax.fori_loop(0, steps, one, x)


def spin_up(key: Array, count: int, n: int, dtype: jnp.dtype, forcing: Array) -> Array:
    """States [count, n] on the attractor, each from its own small noise around the fixed point F.

    The step is that of the usual setting, shorter where a strong forcing makes the model faster,
    and does not depend on the experiment's: 25 units of model time up to F = 18.
    """
    start = forcing + 0.5 * jax.random.normal(key, (count, n), dtype)
    return integrate(start, forcing, spin_up_dt(forcing), SPIN_UP_STEPS)


def spin_up_dt(forcing: Array) -> Array:
    """A Runge-Kutta step that is stable on the attractor, in model time."""
    return jnp.minimum(0.05, 1 / (2 + jnp.abs(forcing)))


@custom_vmap
def _integrate(states: Array, forcing: Array, dt: Array, steps: Array) -> Array:
    """The same for states [N, n] and scalars."""
    count, n = states.shape
    block = _block(count, n, states.dtype)
    if block is None:
        return _step_by_step(states, forcing, dt, steps)
    return _block_by_block(states, forcing, dt, steps, block)


@_integrate.def_vmap
def _integrate_mapped(
    size: int, mapped: list[bool], states: Array, forcing: Array, dt: Array, steps: Array
) -> tuple[Array, bool]:
    """One more axis of states is more states, where all else is the same for them."""
    if list(mapped) == [True, False, False, False]:
        moved = _integrate(states.reshape(-1, states.shape[-1]), forcing, dt, steps)
        return moved.reshape(states.shape), True
    axes = [0 if m else None for m in mapped]
    return jax.vmap(_step_by_step, in_axes=axes)(states, forcing, dt, steps), True


def _step_by_step(
    states: Array, forcing: Array | float, dt: Array | float, steps: Array | int
) -> Array:
    """All states [..., n] at once, one step after the other."""
    return lax.fori_loop(0, steps, lambda _, state: step(state, forcing, dt), states)


def _block(count: int, n: int, dtype: jnp.dtype) -> int | None:
    """How many of ``count`` states of n sites are stepped together; None for all of them, as they
    lie: few, too long for the cache, or on a device that has no use for blocks.
    """
    site = (n + _HALO_LEFT + _HALO_RIGHT) * dtype.itemsize
    row = max(_BLOCK_BYTES // site, _ROW_BYTES // dtype.itemsize)
    if jax.default_backend() != "cpu" or count < _LEAST_STATES or n < _HALO_LEFT:
        return None
    if row * site > _MOST_BLOCK_BYTES:
        return None
    blocks = -(-count // row)
    lanes = _CACHE_LINE // dtype.itemsize
    return min(count, -(-count // blocks // lanes) * lanes)


_Work = tuple[Array, Array, Array, Array]
"""A block's states and what stages 2 to 4 look at, each [n + halo, block]: a site is a row."""


def _block_by_block(states: Array, forcing: Array, dt: Array, steps: Array, block: int) -> Array:
    """All steps of ``block`` states, then of the next, in place in [N, n]."""
    count, n = states.shape
    empty = jnp.zeros((n + _HALO_LEFT + _HALO_RIGHT, block), states.dtype)
    work = (empty, empty, empty, empty)
    blocks = -(-count // block)
    if blocks == 1:
        return _march(states.T, forcing, dt, steps, work)[0].T

    def one(k: Array, carry: tuple[Array, _Work]) -> tuple[Array, _Work]:
        states, work = carry
        at = jnp.minimum(k * block, count - block)
        before = lax.dynamic_slice_in_dim(states, at, block)
        after, work = _march(before.T, forcing, dt, steps, work)
        # the last block begins among states that are done
        waiting = at + jnp.arange(block) >= k * block
        moved = jnp.where(waiting[:, None], after.T, before)
        return lax.dynamic_update_slice_in_dim(states, moved, at, 0), work

    return lax.fori_loop(0, blocks, one, (states, work))[0]


def _march(x: Array, forcing: Array, dt: Array, steps: Array, work: _Work) -> tuple[Array, _Work]:
    """States [n, block] after all steps, and the arrays to work in for the next.

    With y_s = x + c_s dt f(y_(s-1)) the Runge-Kutta step is
        x + ((y_2 - x) + 2 (y_3 - x) + (y_4 - x)) / 3 + dt/6 f(y_4).
    Each y is written in place into an array that is longer than it: else XLA would compute it
    again wherever it is read, four times a stage.
    """
    n = len(x)

    def write(array: Array, rows: Array, at: int = 0) -> Array:
        return lax.dynamic_update_slice_in_dim(array, rows, at, 0)

    def close(ring: Array) -> Array:
        """With the sites repeated on either side."""
        ring = write(ring, ring[n : n + _HALO_LEFT])
        return write(ring, ring[_HALO_LEFT : _HALO_LEFT + _HALO_RIGHT], n + _HALO_LEFT)

    def one(_: Array, work: _Work) -> _Work:
        ring, second, third, fourth = work
        second = write(second, _trim_rows(ring, 1) + dt / 2 * _interior_rows(ring, forcing))
        y2 = second[: n + 9]
        third = write(third, _trim_rows(ring, 2) + dt / 2 * _interior_rows(y2, forcing))
        y3 = third[: n + 6]
        fourth = write(fourth, _trim_rows(ring, 3) + dt * _interior_rows(y3, forcing))
        y4 = fourth[: n + 3]
        x = _trim_rows(ring, 4)
        sum_ = _trim_rows(y2, 3) - x + 2 * (_trim_rows(y3, 2) - x) + (_trim_rows(y4, 1) - x)
        moved = x + (sum_ / 3 + dt / 6 * _interior_rows(y4, forcing))
        return close(write(ring, moved, _HALO_LEFT)), second, third, fourth

    work = (close(write(work[0], x, _HALO_LEFT)), *work[1:])
    work = lax.fori_loop(0, steps, one, work)
    return _trim_rows(work[0], _STAGES), work


def _interior_rows(x: Array, forcing: Array) -> Array:
    """`_interior` where sites are rows: [k, block] -> [k - 3, block]."""
    k = len(x)
    return (x[3:] - x[: k - 3]) * x[1 : k - 2] - x[2 : k - 1] + forcing


def _trim_rows(x: Array, stages: int) -> Array:
    """`_trim` where sites are rows."""
    return x[_LEFT * stages : len(x) - _RIGHT * stages]


def _with_halo(x: Array, stages: int) -> Array:
    """The ring cut open, with the sites repeated that ``stages`` nested tendencies need."""
    left, right = _LEFT * stages, _RIGHT * stages
    n = x.shape[-1]
    if n >= left:
        return jnp.concatenate([x[..., n - left :], x, x[..., :right]], axis=-1)
    return x[..., jnp.arange(-left, n + right) % n]


def _interior(x: Array, forcing: Array | float) -> Array:
    """The tendency where both neighbours are at hand: [..., k] -> [..., k - 3]."""
    k = x.shape[-1]
    centre = x[..., _LEFT : k - _RIGHT]
    return (x[..., 3:] - x[..., : k - 3]) * x[..., 1 : k - 2] - centre + forcing


def _trim(x: Array, stages: int) -> Array:
    """``x`` without the sites that ``stages`` evaluations have consumed."""
    return x[..., _LEFT * stages : x.shape[-1] - _RIGHT * stages]
