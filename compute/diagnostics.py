"""How good an estimate is: against the truth (error, spread, CRPS) and against the observations.

One replicate, one time. Shapes: ensemble [N, n], truth, mean and variance [n]. Every number is a
scalar.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array, lax
from jax.scipy.linalg import solve_triangular
from jax.scipy.stats import norm

from compute.observing import ObservationError
from compute.transform import whiten

PAIRWISE_MEMBERS = 64
"""Up to so many members the CRPS sums over pairs of members; beyond, sorting is cheaper."""
SHIFTS_AT_ONCE = 4
"""Neighbours in one pass over the ensemble: fewer passes, and code that is still short."""
SITES = 4096
"""Sites whose CRPS is computed at once: bounds the memory on large rings."""


def relative_error(mean: Array, truth: Array) -> Array:
    """|truth - mean| / |truth|, in 2-norms; not finite where the truth is zero."""
    return jnp.linalg.norm(truth - mean) / jnp.linalg.norm(truth)


def rmse(mean: Array, truth: Array) -> Array:
    """Root of the site-mean squared error, in state units."""
    return jnp.sqrt(jnp.mean((mean - truth) ** 2))


def spread(variance: Array) -> Array:
    """Root of the site-mean variance (of an ensemble: ddof 1), in state units."""
    return jnp.sqrt(jnp.mean(variance))


def crps(ensemble: Array, truth: Array) -> Array:
    """Continuous ranked probability score of the ensemble's empirical distribution, site mean.

    mean |x_i - t| - sum_ij |x_i - x_j| / (2 N^2); Gneiting & Raftery (2007),
    doi:10.1198/016214506000001437, eq. 21.
    """
    n = len(truth)
    if n <= SITES:
        return _crps_of_sites(ensemble, truth).mean()

    def block(k: Array, total: Array) -> Array:
        first = jnp.minimum(k * SITES, n - SITES)
        here = _crps_of_sites(
            lax.dynamic_slice_in_dim(ensemble, first, SITES, axis=1),
            lax.dynamic_slice_in_dim(truth, first, SITES),
        )
        fresh = first + jnp.arange(SITES) >= k * SITES
        return total + jnp.where(fresh, here, 0).sum()

    return lax.fori_loop(0, -(-n // SITES), block, jnp.zeros((), truth.dtype)) / n


def _crps_of_sites(ensemble: Array, truth: Array) -> Array:
    """The score of each site: [n]."""
    members = len(ensemble)
    distance = jnp.abs(ensemble - truth).mean(axis=0)
    if members <= PAIRWISE_MEMBERS:
        pairs = 2 * _neighbour_differences(ensemble).sum(axis=0)
    else:
        rank_weight = 2 * jnp.arange(members, dtype=ensemble.dtype) - (members - 1)
        pairs = 2 * rank_weight @ jnp.sort(ensemble, axis=0)
    return distance - pairs / (2 * members**2)


def _neighbour_differences(ensemble: Array) -> Array:
    """[N, n]: of each member to the half of the others that follow it when all stand in a ring, so
    that every pair counts once; where a pair is met from both ends, half each time.
    """
    members = len(ensemble)
    half = members // 2
    at_once = min(SHIFTS_AT_ONCE, half)
    ring = jnp.concatenate([ensemble, ensemble, ensemble[:at_once]])[: members + half + at_once]

    def of_neighbours(k: Array, total: Array) -> Array:
        for i in range(at_once):
            shift = 1 + k * at_once + i
            weight = jnp.where(shift > half, 0.0, jnp.where(2 * shift == members, 0.5, 1.0))
            neighbours = lax.dynamic_slice_in_dim(ring, shift, members)
            total = total + weight.astype(ensemble.dtype) * jnp.abs(ensemble - neighbours)
        return total

    return lax.fori_loop(0, -(-half // at_once), of_neighbours, jnp.zeros_like(ensemble))


def gaussian_crps(mean: Array, variance: Array, truth: Array) -> Array:
    """The same score of a Gaussian at each site, site mean; the absolute error where its variance
    is zero. Gneiting et al. (2005), doi:10.1175/MWR2904.1, eq. 5.
    """
    error = jnp.abs(truth - mean)
    std = jnp.sqrt(variance)
    z = error / jnp.where(std > 0, std, 1)
    gaussian = std * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / math.sqrt(math.pi))
    return jnp.mean(jnp.where(std > 0, gaussian, error))


def consistency(
    background: Array, analysis: Array, y: Array, error: ObservationError
) -> dict[str, Array]:
    """Do innovations have the size that the filter believes? Each number is about 1 if so.

    ``background`` and ``analysis`` [N, m] are ensembles in observation space; d_b and d_a [m] the
    departures of y from their means.
        innovation_consistency  d_b' (HPH' + R)^-1 d_b / m
        desroziers_error        d_a' R^-1 d_b / m
        desroziers_background   (d_b - d_a)' R^-1 d_b / tr(R^-1 HPH')
    Desroziers, Berre, Chapnik & Poli (2005), doi:10.1256/qj.05.108.
    """
    S, before = whiten(background, y, error)
    _, after = whiten(analysis, y, error)
    members, m = S.shape
    # by Cholesky, (I + SS'/(N-1))^-1 on the smaller side
    if m < members:
        factor = jnp.linalg.cholesky(S.T @ S + (members - 1) * jnp.eye(m, dtype=S.dtype))
        chi2 = (members - 1) * (solve_triangular(factor, before, lower=True) ** 2).sum()
    else:
        factor = jnp.linalg.cholesky(S @ S.T + (members - 1) * jnp.eye(members, dtype=S.dtype))
        chi2 = before @ before - (solve_triangular(factor, S @ before, lower=True) ** 2).sum()
    trace = (S**2).sum() / (members - 1)
    return {
        "innovation_consistency": chi2 / m,
        "desroziers_error": after @ before / m,
        "desroziers_background": (before - after) @ before / jnp.where(trace > 0, trace, jnp.nan),
    }
