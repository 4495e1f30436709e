"""What the model does when nobody observes it: moments of its attractor, from a long free run.

Independent of every truth: the same draw serves all seeds, so it is a property of (n, F) alone.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from compute import lorenz96
from compute.randomness import Purpose, draw_key, replicate_keys, seed_words

SAMPLES = 400
"""Consecutive Runge-Kutta steps that are averaged, after the spin-up."""


class Climatology(NamedTuple):
    """Moments of the attractor; every site has the same, so sites are averaged too."""

    mean: Array
    """Scalar, state units."""
    std: Array
    """Scalar, state units."""


def trajectories(n: int) -> int:
    """Independent free runs that are averaged: fewer on a large ring, whose sites average too."""
    return max(2, 2560 // n)


def climatology(n: int, dtype: jnp.dtype, forcing: Array) -> Climatology:
    """Mean and standard deviation of a site of the ring of ``n``."""
    key = draw_key(replicate_keys(jnp.asarray(seed_words(0)), 1)[0], Purpose.CLIMATOLOGY)
    start = lorenz96.spin_up(key, trajectories(n), n, dtype, forcing)
    zero = jnp.zeros((), dtype)

    def sample(_: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        states, total, squares = carry
        states = lorenz96.step(states, forcing, lorenz96.spin_up_dt(forcing))
        return states, total + states.mean(), squares + (states**2).mean()

    _, total, squares = lax.fori_loop(0, SAMPLES, sample, (start, zero, zero))
    mean = total / SAMPLES
    return Climatology(mean, jnp.sqrt(jnp.maximum(squares / SAMPLES - mean**2, 0)))
