"""How good an ensemble is, against the truth: error, spread, CRPS. One replicate, one time.

Shapes: ensemble [N, n], truth and mean [n]. Every function returns a scalar.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

PAIRWISE_MEMBERS = 64
PAIRWISE_PAIRS = 1 << 20
"""Up to so many members, and pairs over all sites, the CRPS sums over pairs of members; beyond,
sorting is cheaper, or kinder to memory."""


def relative_error(mean: Array, truth: Array) -> Array:
    """|truth - mean| / |truth|, in 2-norms; not finite where the truth is zero."""
    return jnp.linalg.norm(truth - mean) / jnp.linalg.norm(truth)


def rmse(mean: Array, truth: Array) -> Array:
    """Root of the site-mean squared error, in state units."""
    return jnp.sqrt(jnp.mean((mean - truth) ** 2))


def spread(ensemble: Array) -> Array:
    """Root of the site-mean ensemble variance (ddof 1), in state units."""
    return jnp.sqrt(jnp.mean(jnp.var(ensemble, axis=0, ddof=1)))


def crps(ensemble: Array, truth: Array) -> Array:
    """Continuous ranked probability score of the ensemble's empirical distribution, site mean.

    mean |x_i - t| - sum_ij |x_i - x_j| / (2 N^2); Gneiting & Raftery (2007),
    doi:10.1198/016214506000001437, eq. 21.
    """
    members = ensemble.shape[0]
    distance = jnp.abs(ensemble - truth).mean(axis=0)
    if members <= PAIRWISE_MEMBERS and members**2 * truth.shape[0] <= PAIRWISE_PAIRS:
        pairs = jnp.abs(ensemble[:, None] - ensemble[None, :]).sum(axis=(0, 1))
    else:
        rank_weight = 2 * jnp.arange(members, dtype=ensemble.dtype) - (members - 1)
        pairs = 2 * rank_weight @ jnp.sort(ensemble, axis=0)
    return jnp.mean(distance - pairs / (2 * members**2))
