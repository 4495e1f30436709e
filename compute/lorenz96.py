"""The Lorenz-96 model: dx_i/dt = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + F on a ring of n sites.

Lorenz, E. N. (1996): Predictability: a problem partly solved. Proc. ECMWF Seminar on
Predictability, vol. 1, 1-18. One unit of model time is about five days.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array, lax

SPIN_UP_STEPS = 500
"""Runge-Kutta steps from noise to the attractor."""

_LEFT, _RIGHT = 2, 1
"""Sites that one evaluation of the tendency reads on either side."""
_STAGES = 4


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
    """``steps`` Runge-Kutta steps of states ``x`` [..., n]; the number of steps may be traced."""
    return lax.fori_loop(0, steps, lambda _, state: step(state, forcing, dt), x)


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
