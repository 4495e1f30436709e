"""The stochastic EnKF with a localised background covariance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from compute.filters._parameters import localization as localized
from compute.filters._parameters import spreading
from compute.filters.enkf import perturbations
from compute.inflation import split
from compute.localization import Localization
from compute.observing import ObservationError
from learnda.declarations import Method

METHOD = Method(
    name="enkf-b-loc",
    help="The taper multiplies the sample covariance (B-localisation): PH' and HPH' each by the "
    "taper at the distance of the two sites. A box or a step would make the product indefinite "
    "and is refused. The perturbations are those of enkf.",
    reference="Houtekamer & Mitchell (2001), doi:10.1175/1520-0493(2001)129<0123:ASEKFF>2.0.CO;2",
    parameters=(
        *localized("gaussian", "gaussian", "gaspari-cohn", "exponential", "none"),
        *spreading(),
    ),
    requires_model=True,
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
    """x_i + (rho o PH') (rho o HPH' + R)^-1 (y + e_i - H x_i).

    Shapes: ensemble [N, n], observed [N, m], y [m].
    """
    members, m = observed.shape
    _, anomalies = split(ensemble)
    _, seen = split(observed)
    PHt = anomalies.T @ seen / (members - 1) * localization.state_to_observations()  # [n, m]
    HPHt = seen.T @ seen / (members - 1) * localization.between_observations()
    drawn = error.colour(perturbations(key, members, m, y.dtype))
    weights = jnp.linalg.solve(HPHt + error.covariance, (y + drawn - observed).T)  # [m, N]
    return ensemble + (PHt @ weights).T, {}
