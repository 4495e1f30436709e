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
    """Moments of the attractor; the ring looks the same from every site, so sites are averaged."""

    mean: Array
    """Scalar, state units: of every site."""
    covariance: Array
    """[n]: between two sites, by how far the second lies to the right of the first."""

    @property
    def variance(self) -> Array:
        """Scalar: of every site."""
        return self.covariance[0]

    def matrix(self) -> Array:
        """The covariance of the state: [n, n], symmetric and circulant."""
        sites = jnp.arange(self.covariance.shape[0])
        return self.covariance[(sites - sites[:, None]) % len(sites)]


def trajectories(n: int) -> int:
    """Independent free runs that are averaged: fewer on a large ring, whose sites average too."""
    return max(2, 2560 // n)


def climatology(n: int, dtype: jnp.dtype, forcing: Array) -> Climatology:
    """Mean and covariance of the ring of ``n``."""
    first = replicate_keys(jnp.asarray(seed_words(0)), jnp.zeros(1, jnp.uint32))[0]
    key = draw_key(first, Purpose.CLIMATOLOGY)
    start = lorenz96.spin_up(key, trajectories(n), n, dtype, forcing)

    def sample(_: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        states, total, power = carry
        states = lorenz96.step(states, forcing, lorenz96.spin_up_dt(forcing))
        spectrum = jnp.abs(jnp.fft.rfft(states)) ** 2
        return states, total + states.mean(), power + spectrum.mean(axis=0)

    zeros = jnp.zeros((), dtype), jnp.zeros(n // 2 + 1, dtype)
    _, total, power = lax.fori_loop(0, SAMPLES, sample, (start, *zeros))
    mean = total / SAMPLES
    # Wiener-Khinchin: what two sites at a distance have in common is the transform of the spectrum
    covariance = jnp.fft.irfft(power / SAMPLES, n) / n - mean**2
    return Climatology(mean, covariance.at[0].max(0))
