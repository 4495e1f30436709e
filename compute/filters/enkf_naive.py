"""The stochastic EnKF as it is first written down: a direct solve in observation space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from compute.filters._parameters import spreading
from compute.filters.enkf import perturbations
from compute.inflation import split
from compute.localization import Localization
from compute.observing import ObservationError
from compute.transform import whiten
from learnda.declarations import Method

METHOD = Method(
    name="enkf-naive",
    help="The enkf with its gain computed literally, by a general solve with HPH' + R in the space "
    "of the m observations. Same numbers, to rounding; slower where members are fewer.",
    reference="Evensen (2003), doi:10.1007/s10236-003-0036-9",
    parameters=spreading(),
    work="observations",
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
    """x_i + PH' (HPH' + R)^-1 (y + e_i - H x_i).

    Shapes: ensemble [N, n], observed [N, m], y [m]; everything observed is in error units.
    """
    members, m = observed.shape
    _, anomalies = split(ensemble)
    S, d = whiten(observed, y, error)
    PHt = anomalies.T @ S / (members - 1)  # [n, m]
    HPHt = S.T @ S / (members - 1)
    innovations = d - S + perturbations(key, members, m, S.dtype)  # [N, m]
    weights = jnp.linalg.solve(HPHt + jnp.eye(m, dtype=S.dtype), innovations.T)
    return ensemble + (PHt @ weights).T, {}
