"""The symmetric ensemble transform that ETKF and LETKF share, on the smaller side of its matrix.

With S the whitened observation anomalies [N, m] and d the whitened innovation [m], the analysis is
    mean weights       w = S (S'S + (N-1) I)^-1 d
    anomaly transform  T = (I + SS' / (N-1))^-1/2, the symmetric square root.
Both are functions of SS' [N, N] and equally (Woodbury) of S'S [m, m]: the smaller is taken.
Hunt, Kostelich & Szunyogh (2007), doi:10.1016/j.physd.2006.11.008; Wang, Bishop & Julier (2004).
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from compute.inflation import split
from compute.observing import ObservationError
from compute.roots import inverse_root, shrinkage


def whiten(observed: Array, y: Array, error: ObservationError) -> tuple[Array, Array]:
    """S [N, m] and d [m]: observation anomalies and innovation, in observation error units."""
    mean, anomalies = split(observed)
    return error.whiten(anomalies), error.whiten(y - mean)


def transform(ensemble: Array, S: Array, d: Array) -> Array:
    """The analysis [N, k] of the columns of ``ensemble`` [N, k], given S [N, m] and d [m]."""
    mean, anomalies = split(ensemble)
    shift, moved = update(anomalies, S, d, len(ensemble) - 1)
    return mean + shift + moved


def update(rows: Array, S: Array, d: Array, freedom: int) -> tuple[Array, Array]:
    """The shift of the mean [k] and the transformed rows [K, k] of anomalies ``rows`` [K, k] with
    ``freedom`` = N - 1, given S [K, m] and d [m] in the same coordinates.
    """
    dtype = rows.dtype
    S64, d64 = S.astype(jnp.float64), d.astype(jnp.float64)
    if S.shape[1] < len(rows):
        root = inverse_root(S64.T @ S64 / freedom)
        gain = (root @ (root @ d64) / freedom).astype(dtype)
        # T = I - S (A + A^1/2)^-1 S' / (N-1), with A = I + S'S / (N-1): without cancellation
        shrink = (S64 @ shrinkage(root) / freedom).astype(dtype)
        projected = S.T @ rows  # [m, k]
        return gain @ projected, rows - shrink @ projected
    T = inverse_root(S64 @ S64.T / freedom)
    gain = (T @ (T @ (S64 @ d64)) / freedom).astype(dtype)
    return gain @ rows, T.astype(dtype) @ rows
