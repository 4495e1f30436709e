"""The symmetric ensemble transform that ETKF and LETKF share, on the smaller side of its matrix.

With S the whitened observation anomalies [N, m] and d the whitened innovation [m], the analysis is
    mean weights       w = S (S'S + (N-1) I)^-1 d
    anomaly transform  T = (I + SS' / (N-1))^-1/2, the symmetric square root.
Both are functions of SS' [N, N] and equally (Woodbury) of S'S [m, m]: the smaller is decomposed.
Hunt, Kostelich & Szunyogh (2007), doi:10.1016/j.physd.2006.11.008; Wang, Bishop & Julier (2004).
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from compute.inflation import split
from compute.observing import ObservationError


def whiten(observed: Array, y: Array, error: ObservationError) -> tuple[Array, Array]:
    """S [N, m] and d [m]: observation anomalies and innovation, in observation error units."""
    mean, anomalies = split(observed)
    return error.whiten(anomalies), error.whiten(y - mean)


def transform(ensemble: Array, S: Array, d: Array) -> Array:
    """The analysis [N, k] of the columns of ``ensemble`` [N, k], given S [N, m] and d [m]."""
    members, m = S.shape
    mean, anomalies = split(ensemble)
    if m < members:
        variance, V = jnp.linalg.eigh(S.T @ S)
        a = jnp.maximum(variance, 0) / (members - 1)
        root = jnp.sqrt(1 + a)
        projected = V.T @ (S.T @ anomalies)  # [m, k]
        gain = V.T @ d / (1 + a) / (members - 1)
        # (1 / root - 1) / variance, without the cancellation
        shrink = -1 / (root * (1 + root)) / (members - 1)
        return mean + gain @ projected + anomalies + (S @ V * shrink) @ projected
    variance, U = jnp.linalg.eigh(S @ S.T)
    a = jnp.maximum(variance, 0) / (members - 1)
    coordinates = U.T @ anomalies  # [N, k]
    gain = U.T @ (S @ d) / (1 + a) / (members - 1)
    return mean + gain @ coordinates + (U / jnp.sqrt(1 + a)) @ coordinates
