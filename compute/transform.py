"""The symmetric ensemble transform that ETKF and LETKF share, on the smaller side of its matrix.

With S the whitened observation anomalies [N, m] and d the whitened innovation [m], the analysis is
    mean weights       w = S (S'S + (N-1) I)^-1 d
    anomaly transform  T = (I + SS' / (N-1))^-1/2, the symmetric square root.
Both are functions of SS' [N, N] and equally (Woodbury) of S'S [m, m]: the smaller is taken.
Hunt, Kostelich & Szunyogh (2007), doi:10.1016/j.physd.2006.11.008; Wang, Bishop & Julier (2004).
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

from compute.columns import by_columns
from compute.inflation import split
from compute.observing import ObservationError
from compute.roots import inverse_root, shrinkage

COLUMNS = 8192
"""Of a large ensemble, updated at a time."""


def whiten(observed: Array, y: Array, error: ObservationError) -> tuple[Array, Array]:
    """S [N, m] and d [m]: observation anomalies and innovation, in observation error units."""
    mean, anomalies = split(observed)
    return error.whiten(anomalies), error.whiten(y - mean)


def transform(ensemble: Array, S: Array, d: Array) -> Array:
    """The analysis [N, k] of the columns of ``ensemble`` [N, k], given S [N, m] and d [m]."""
    update = updating(S, d, len(ensemble) - 1, ensemble.dtype)

    def analyse(columns: Array, _: Array) -> Array:
        mean, anomalies = split(columns)
        shift, moved = update(anomalies)
        return mean + shift + moved

    return by_columns(analyse, ensemble, COLUMNS)


def updating(
    S: Array, d: Array, freedom: int, dtype: jnp.dtype
) -> Callable[[Array], tuple[Array, Array]]:
    """From anomalies [K, k] with ``freedom`` = N - 1 to the shift of their mean [k] and the
    transformed anomalies [K, k], given S [K, m] and d [m] in the same coordinates.
    """
    S64, d64 = S.astype(jnp.float64), d.astype(jnp.float64)
    if S.shape[1] < len(S):
        root = inverse_root(S64.T @ S64 / freedom)
        gain = (root @ (root @ d64) / freedom).astype(dtype)
        # T = I - S (A + A^1/2)^-1 S' / (N-1), with A = I + S'S / (N-1): without cancellation
        shrink = (S64 @ shrinkage(root) / freedom).astype(dtype)

        def by_observations(rows: Array) -> tuple[Array, Array]:
            projected = S.T @ rows  # [m, k]
            return gain @ projected, rows - shrink @ projected

        return by_observations
    T = inverse_root(S64 @ S64.T / freedom)
    gain = (T @ (T @ (S64 @ d64)) / freedom).astype(dtype)
    members = T.astype(dtype)
    return lambda rows: (gain @ rows, members @ rows)
