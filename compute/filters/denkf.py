"""The deterministic EnKF: the mean is a Kalman update, the anomalies get half its gain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import cho_factor, cho_solve

from compute.filters._parameters import spreading
from compute.inflation import split
from compute.localization import Localization
from compute.observing import ObservationError
from compute.transform import whiten
from learnda.declarations import Method

METHOD = Method(
    name="denkf",
    help="Without perturbed observations: the anomalies are updated with half the Kalman gain, "
    "which leaves the covariance a little larger, P - KHP + KHPH'K'/4. A simple filter that "
    "needs little inflation.",
    reference="Sakov & Oke (2008a), doi:10.1111/j.1600-0870.2007.00299.x",
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
    """mean + K d, A - A H'K' / 2, with K = A'S (S'S + (N-1) I)^-1 in whitened observation space.

    Shapes: ensemble [N, n], observed [N, m], y [m].
    """
    members, m = observed.shape
    mean, anomalies = split(ensemble)
    S, d = whiten(observed, y, error)
    if m <= members:
        factor = cho_factor(S.T @ S + (members - 1) * jnp.eye(m, dtype=S.dtype))
        KT = cho_solve(factor, S.T @ anomalies)  # [m, n]
        return mean + d @ KT + anomalies - S @ KT / 2, {}
    factor = cho_factor(S @ S.T + (members - 1) * jnp.eye(members, dtype=S.dtype))
    weights = cho_solve(factor, anomalies)  # [N, n], by Woodbury
    return mean + (S @ d) @ weights + anomalies - S @ (S.T @ weights) / 2, {}
