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
from jax import Array, lax

from compute.inflation import split
from compute.localization import RingLocalization

THRESHOLD = 0.1
"""Singular values of the predecessors' anomalies below this part of the largest are left out."""
BLOCK_BYTES = 16 * 1024**2
"""About the memory of the regressions that are made at once."""
LEAST_RESIDUAL = 1e-8
"""Of a site's variance: keeps D positive where the predecessors explain everything."""


class Precision(NamedTuple):
    """B^-1 = L' D^-1 L with L = I - b."""

    b: Array
    """[n, p], the regression of each site on p sites around it; 0 on those that come after it."""
    around: Array
    """[n, p], these sites."""
    D: Array
    """[n], the residual variances."""

    @property
    def factor(self) -> Array:
        """L = I - b, unit lower triangular [n, n]."""
        n = len(self.D)
        rows = jnp.arange(n)[:, None]
        return jnp.eye(n, dtype=self.b.dtype).at[rows, self.around].add(-self.b)

    def matrix(self) -> Array:
        """B^-1 [n, n]: the product, or on a long ring the sum of what each row of L contributes."""
        n, p = self.b.shape
        if n <= 16 * (p + 1):
            return (self.factor.T / self.D) @ self.factor
        rows = jnp.concatenate([jnp.ones((n, 1), self.b.dtype), -self.b], axis=1)
        at = jnp.concatenate([jnp.arange(n)[:, None], self.around], axis=1)
        products = rows[:, :, None] * rows[:, None, :] / self.D[:, None, None]
        return jnp.zeros((n, n), self.b.dtype).at[at[:, :, None], at[:, None, :]].add(products)


def modified_cholesky(ensemble: Array, localization: RingLocalization) -> Precision:
    """The estimate from an ensemble [N, n], with predecessors within the localisation radius."""
    members, n = ensemble.shape
    _, anomalies = split(ensemble)
    sites = jnp.arange(n)
    around = (sites[:, None] + jnp.arange(-localization.window, localization.window + 1)) % n
    d = jnp.abs(around - sites[:, None])
    near = (around < sites[:, None]) & (jnp.minimum(d, n - d) <= localization.radius)  # [n, p]
    p = around.shape[1]
    by_members = p > 2 * members
    covariance = anomalies.T @ anomalies / (members - 1)

    def regress(of: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        """Of one site on those around it that are near: the far smaller side is decomposed."""
        site, around, near = of
        if by_members:
            own, others = anomalies[:, site], jnp.where(near, anomalies[:, around], 0)
            b = others.T @ _solve(others @ others.T, own)
            residual = ((own - others @ b) ** 2).sum() / (members - 1)
        else:
            gram = jnp.where(near[:, None] & near, covariance[around][:, around], 0)
            with_site = jnp.where(near, covariance[around, site], 0)
            b = _solve(gram, with_site)
            residual = covariance[site, site] - 2 * b @ with_site + b @ gram @ b
        return b, jnp.maximum(residual, LEAST_RESIDUAL * covariance[site, site])

    block = max(16, BLOCK_BYTES // (p * (members if by_members else p) * anomalies.dtype.itemsize))
    every = (sites, around, near)
    b, D = jax.vmap(regress)(every) if n <= block else lax.map(regress, every, batch_size=block)
    return Precision(b, around, D)


def _solve(gram: Array, right: Array) -> Array:
    """gram^+ right, without what belongs to the small singular values of the anomalies."""
    variance, V = jnp.linalg.eigh(gram)
    used = variance > THRESHOLD**2 * variance[-1]
    return V @ jnp.where(used, (V.T @ right) / jnp.where(used, variance, 1), 0)
