"""The stochastic ensemble Kalman filter: each member assimilates observations of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
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
    name="enkf",
    help="Stochastic EnKF with perturbed observations. The perturbations are centred, so that they "
    "do not move the mean; the sample covariance is divided by N - 1. The same perturbations "
    "serve every method of a run that draws any. Without localisation it needs more members than "
    "the model has growing directions (about 14 for n = 40).",
    reference="Burgers, van Leeuwen & Evensen (1998), "
    "doi:10.1175/1520-0493(1998)126<1719:ASITEK>2.0.CO;2",
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
    """x_i + K (y + e_i - H x_i), with K = A'S (S'S + (N-1) I)^-1 in whitened observation space.

    Shapes: ensemble [N, n], observed [N, m], y [m]; S [N, m] the whitened observation anomalies.
    """
    members, m = observed.shape
    _, anomalies = split(ensemble)
    S, d = whiten(observed, y, error)
    innovations = d - S + perturbations(key, members, m, S.dtype)
    if m <= members:
        factor = cho_factor(S.T @ S + (members - 1) * jnp.eye(m, dtype=S.dtype))
        increments = cho_solve(factor, innovations.T).T @ (S.T @ anomalies)
    else:
        factor = cho_factor(S @ S.T + (members - 1) * jnp.eye(members, dtype=S.dtype))
        increments = cho_solve(factor, S @ innovations.T).T @ anomalies  # by Woodbury
    return ensemble + increments, {}


def perturbations(key: Array, members: int, m: int, dtype: jnp.dtype) -> Array:
    """Whitened observation perturbations [N, m], centred over the members."""
    drawn = jax.random.normal(key, (members, m), dtype)
    return drawn - drawn.mean(axis=0)
