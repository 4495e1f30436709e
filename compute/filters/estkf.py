"""The error-subspace transform Kalman filter: the ETKF in the N - 1 directions there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from compute.filters._parameters import spreading
from compute.inflation import split
from compute.localization import Localization
from compute.observing import ObservationError
from compute.transform import updating, whiten
from learnda.declarations import Method

METHOD = Method(
    name="estkf",
    help="PDAF's default. The update is computed in the (N - 1)-dimensional error subspace rather "
    "than in the space of the N members. With the symmetric square root, as here, it is the etkf "
    "to rounding.",
    reference="Nerger, Janjic, Schroeter & Hiller (2012), doi:10.1175/MWR-D-11-00102.1",
    parameters=spreading(),
)
SYMMETRIES = frozenset({"shift", "permutation"})


def analyse(
    key: Array,
    ensemble: Array,
    observed: Array,
    y: Array,
    error: ObservationError,
    localization: Localization,
    parameters: Mapping[str, Any],
) -> tuple[Array, dict[str, Array]]:
    """mean + A'Lw + A'LW L', with L [N, N-1] an orthonormal basis of what sums to zero.

    Shapes: ensemble [N, n], observed [N, m], y [m]; S the whitened observation anomalies.
    """
    mean, anomalies = split(ensemble)
    S, d = whiten(observed, y, error)
    rows, seen = to_subspace(anomalies), to_subspace(S)
    shift, moved = updating(seen, d, len(ensemble) - 1, rows.dtype)(rows)
    return mean + shift + from_subspace(moved), {}


# L, their eq. 11: I - c on top with c = 1 / (N (root + 1)), and -root below, with root = N^-1/2. It
# is applied as the rank-one change of I that it is.


def to_subspace(rows: Array) -> Array:
    """L' of anomalies [N, k]: [N-1, k]."""
    root = len(rows) ** -0.5
    top = rows[:-1]
    return top - top.sum(axis=0) / (len(rows) * (root + 1)) - root * rows[-1]


def from_subspace(rows: Array) -> Array:
    """L of coordinates [N-1, k]: anomalies [N, k], which sum to zero."""
    members = len(rows) + 1
    root = members**-0.5
    total = rows.sum(axis=0)
    return jnp.concatenate([rows - total / (members * (root + 1)), -root * total[None]])
