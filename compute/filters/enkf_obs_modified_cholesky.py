"""The EnKF with B by modified Cholesky, solved in the space of the observations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import cho_factor, cho_solve, solve_triangular

from compute.filters._linear import whitened_operator
from compute.filters._parameters import PREDECESSORS, spreading
from compute.filters.enkf import perturbations
from compute.localization import RingLocalization
from compute.observing import ObservationError
from compute.precision import modified_cholesky
from compute.transform import whiten
from learnda.declarations import Method

METHOD = Method(
    name="enkf-obs-modified-cholesky",
    help="The estimate of enkf-modified-cholesky in its dual form: B = L^-1 D L^-T, and a solve "
    "with HBH' + R for the m observations instead of one for the n sites. Same numbers, to "
    "rounding; cheaper where few sites are observed. Observations must be linear. (The variants "
    "of pyteda under this name also regularise HBH' itself; no paper settles how.)",
    reference="Niño-Ruiz, Sandu & Deng (2018), doi:10.1137/16M1097031",
    parameters=(PREDECESSORS, *spreading()),
    requires_model=True,
    refuses=("obs_operator",),
    work="matrix",
)
SYMMETRIES = frozenset({"permutation"})


def analyse(
    key: Array,
    ensemble: Array,
    observed: Array,
    y: Array,
    error: ObservationError,
    localization: RingLocalization,
    parameters: Mapping[str, Any],
) -> tuple[Array, dict[str, Array]]:
    """x_i + BH' (HBH' + R)^-1 (y + e_i - H x_i).

    Shapes: ensemble [N, n], observed [N, m], y [m]; W = H'R^-1/2 [n, m].
    """
    members, m = observed.shape
    S, d = whiten(observed, y, error)
    innovations = d - S + perturbations(key, members, m, S.dtype)
    W = whitened_operator(ensemble.shape[1], localization.sites, error)
    estimate = modified_cholesky(ensemble, localization)
    L, D = estimate.factor, estimate.D
    U = solve_triangular(L.T, W, lower=False)  # L^-T W
    factor = cho_factor((U.T * D) @ U + jnp.eye(m, dtype=U.dtype))
    weights = cho_solve(factor, innovations.T)  # [m, N]
    increments = solve_triangular(L, D[:, None] * (U @ weights), lower=True)
    return ensemble + increments.T, {}
