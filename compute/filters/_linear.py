"""The observation operator of point observations, for filters that need it as a matrix."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from compute.observing import ObservationError


def whitened_operator(n: int, sites: Array, error: ObservationError) -> Array:
    """W = H'R^-1/2 [n, m] of observations of the state itself at ``sites`` [m]."""
    m = len(sites)
    H = jnp.zeros((n, m), error.std.dtype).at[sites, jnp.arange(m)].set(1)
    return error.whiten(H)


def with_observations(precision: Array, W: Array, sites: Array, error: ObservationError) -> Array:
    """B^-1 + H'R^-1 H [n, n] from B^-1 and the whitened operator W [n, m]."""
    if error.correlation is None:
        return precision.at[sites, sites].add(1 / error.std**2)
    return precision + W @ W.T
