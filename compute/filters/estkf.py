"""The error-subspace transform Kalman filter: the ETKF in the N - 1 directions there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from compute.filters._parameters import spreading
from compute.inflation import split
from compute.localization import RingLocalization
from compute.observing import ObservationError
from compute.transform import whiten
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
    localization: RingLocalization,
    parameters: Mapping[str, Any],
) -> tuple[Array, dict[str, Array]]:
    """mean + A'Lw + A'LW L', with L [N, N-1] an orthonormal basis of what sums to zero.

    Shapes: ensemble [N, n], observed [N, m], y [m]; S the whitened observation anomalies.
    """
    members = len(ensemble)
    mean, anomalies = split(ensemble)
    S, d = whiten(observed, y, error)
    L = subspace(members, S.dtype)
    HL = L.T @ S  # [N-1, m]
    variance, U = jnp.linalg.eigh(HL @ HL.T)
    spectrum = 1 + jnp.maximum(variance, 0) / (members - 1)
    w = U @ (U.T @ (HL @ d) / spectrum) / (members - 1)
    W = (U / jnp.sqrt(spectrum)) @ U.T
    basis = L.T @ anomalies  # [N-1, n]
    return mean + w @ basis + L @ (W @ basis), {}


def subspace(members: int, dtype: jnp.dtype) -> Array:
    """The projection of their eq. 11: [N, N-1], orthonormal columns that sum to zero."""
    root = members**-0.5
    top = jnp.eye(members - 1, dtype=dtype) - 1 / (members * (root + 1))
    return jnp.concatenate([top, jnp.full((1, members - 1), -root, dtype)])
