"""The symmetric ensemble transform that ETKF and LETKF share, on the smaller side of its matrix.

With S the whitened observation anomalies [N, m] and d the whitened innovation [m], the analysis is
    mean weights       w = S (S'S + (N-1) I)^-1 d
    anomaly transform  T = (I + SS' / (N-1))^-1/2, the symmetric square root.
Both are functions of SS' [N, N] and equally (Woodbury) of S'S [m, m]: the smaller is decomposed.
Hunt, Kostelich & Szunyogh (2007), doi:10.1016/j.physd.2006.11.008; Wang, Bishop & Julier (2004).
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

from compute.inflation import split
from compute.observing import ObservationError


def whiten(observed: Array, y: Array, error: ObservationError) -> tuple[Array, Array]:
    """S [N, m] and d [m]: observation anomalies and innovation, in observation error units."""
    mean, anomalies = split(observed)
    return error.whiten(anomalies), error.whiten(y - mean)


PriorInflation = Callable[[Array, Array], Array]
"""From the spectrum s^2 [k] of S and the innovation [k] in its basis to a factor on the prior's
covariance."""


def transform(
    ensemble: Array, S: Array, d: Array, inflate: PriorInflation | None = None
) -> tuple[Array, Array]:
    """The analysis [N, k] of the columns of ``ensemble`` [N, k], given S [N, m] and d [m]; and the
    chi-square d'(SS' + I)^-1 d of the innovation, for the covariance of the ensemble as it is.
    """
    mean, anomalies = split(ensemble)
    shift, moved, chi_square = update(anomalies, S, d, len(ensemble) - 1, inflate)
    return mean + shift + moved, chi_square


def update(
    rows: Array, S: Array, d: Array, freedom: int, inflate: PriorInflation | None = None
) -> tuple[Array, Array, Array]:
    """The shift of the mean [k] and the transformed rows [K, k] of anomalies ``rows`` [K, k] with
    ``freedom`` = N - 1, given S [K, m] and d [m] in the same coordinates; and the chi-square.
    """
    prior = jnp.ones((), S.dtype)
    if S.shape[1] < len(rows):
        variance, V = jnp.linalg.eigh(S.T @ S)
        variance = jnp.maximum(variance, 0)
        innovation = V.T @ d
        if inflate is not None:
            prior = inflate(variance, innovation)
        a = prior * variance / freedom
        root = jnp.sqrt(1 + a)
        projected = V.T @ (S.T @ rows)  # [m, k]
        gain = prior * innovation / (1 + a) / freedom
        # (1 / root - 1) / variance, without the cancellation
        shrink = -prior / (root * (1 + root)) / freedom
        moved = jnp.sqrt(prior) * (rows + (S @ V * shrink) @ projected)
        return gain @ projected, moved, (innovation**2 / (1 + variance / freedom)).sum()
    variance, U = jnp.linalg.eigh(S @ S.T)
    variance = jnp.maximum(variance, 0)
    coordinates = U.T @ rows  # [K, k]
    seen = U.T @ (S @ d)
    if inflate is not None:
        prior = inflate(variance, seen / jnp.sqrt(jnp.where(variance > 0, variance, jnp.inf)))
    a = prior * variance / freedom
    gain = prior * seen / (1 + a) / freedom
    moved = (U * jnp.sqrt(prior / (1 + a))) @ coordinates
    return gain @ coordinates, moved, d @ d - (seen**2 / (variance + freedom)).sum()
