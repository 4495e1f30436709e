"""The inverse of a background covariance by modified Cholesky: sites regressed on those before.

With the sites in the order of the ring, x_i = sum_j b_ij x_j + e_i over the predecessors j < i
within r sites of i; then B^-1 = (I - b)' D^-1 (I - b), with D the variances of the residuals.
Niño-Ruiz, Sandu & Deng (2018), doi:10.1137/16M1097031; Bickel & Levina (2008),
doi:10.1214/009053607000000758.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from compute.inflation import split
from compute.localization import RingLocalization

THRESHOLD = 0.1
"""Singular values of the predecessors' anomalies below this part of the largest are left out."""
LEAST_RESIDUAL = 1e-8
"""Of a site's variance: keeps D positive where the predecessors explain everything."""


class Precision(NamedTuple):
    """B^-1 = L' D^-1 L."""

    L: Array
    """[n, n], unit lower triangular: I - b."""
    D: Array
    """[n], the residual variances."""

    def matrix(self) -> Array:
        """B^-1 [n, n]."""
        return (self.L.T / self.D) @ self.L


def modified_cholesky(ensemble: Array, localization: RingLocalization) -> Precision:
    """The estimate from an ensemble [N, n], with predecessors within the localisation radius."""
    members, n = ensemble.shape
    _, anomalies = split(ensemble)
    covariance = anomalies.T @ anomalies / (members - 1)
    sites = jnp.arange(n)
    around = (sites[:, None] + jnp.arange(-localization.window, localization.window + 1)) % n
    d = jnp.abs(around - sites[:, None])
    near = (around < sites[:, None]) & (jnp.minimum(d, n - d) <= localization.radius)  # [n, p]

    def regress(site: Array, around: Array, near: Array) -> tuple[Array, Array]:
        gram = jnp.where(near[:, None] & near, covariance[around][:, around], 0)
        with_site = jnp.where(near, covariance[around, site], 0)
        variance, V = jnp.linalg.eigh(gram)
        used = variance > THRESHOLD**2 * variance[-1]
        b = V @ jnp.where(used, (V.T @ with_site) / jnp.where(used, variance, 1), 0)
        residual = covariance[site, site] - 2 * b @ with_site + b @ gram @ b
        return b, jnp.maximum(residual, LEAST_RESIDUAL * covariance[site, site])

    b, residuals = jax.vmap(regress)(sites, around, near)
    L = jnp.eye(n, dtype=b.dtype).at[sites[:, None], around].add(-b)
    return Precision(L, residuals)
