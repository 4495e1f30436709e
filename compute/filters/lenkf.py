"""The local EnKF: a stochastic EnKF for each site, from what is near it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import cho_factor, cho_solve

from compute.filters import enkf
from compute.filters._local import over_sites, padded
from compute.filters._parameters import ALL_TAPERS, localization, spreading
from compute.localization import Localization
from compute.observing import ObservationError
from compute.transform import whiten
from learnda.declarations import Method

METHOD = Method(
    name="lenkf",
    help="An enkf for every site, with the observations within its neighbourhood; the taper "
    "multiplies R^-1 (R-localisation), and the perturbations are those of the tapered R. The same "
    "perturbations serve all sites. With taper none it is the enkf.",
    reference="Ott et al. (2004), doi:10.1111/j.1600-0870.2004.00076.x; Burgers et al. (1998)",
    parameters=(*localization("box", *ALL_TAPERS), *spreading()),
    requires_model=True,
    refuses=("obs_error_correlation",),
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
    """At each site x_i + a'S_w (S_w'S_w + (N-1) I)^-1 (root (d - S_i) + e_i), S_w = root S.

    Shapes: ensemble [N, n], observed [N, m], y [m]; p observations around each site, ``root`` [p]
    the square root of the taper.
    """
    if not localization.local:
        return enkf.analyse(key, ensemble, observed, y, error, localization, parameters)
    members, m = observed.shape
    S, d = (padded(part) for part in whiten(observed, y, error))
    drawn = padded(enkf.perturbations(key, members, m, S.dtype))

    def local(column: Array, observation: Array, root: Array) -> Array:
        near = S[:, observation] * root  # [N, p]
        innovations = d[observation] * root - near + drawn[:, observation]
        anomaly = column - column.mean()
        side = near.shape[1]
        if side <= members:
            factor = cho_factor(near.T @ near + (members - 1) * jnp.eye(side, dtype=S.dtype))
            gain = cho_solve(factor, near.T @ anomaly)
        else:
            factor = cho_factor(near @ near.T + (members - 1) * jnp.eye(members, dtype=S.dtype))
            gain = near.T @ cho_solve(factor, anomaly)
        return column + innovations @ gain

    return over_sites(local, ensemble, localization), {}
