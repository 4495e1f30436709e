"""The EnKF with the inverse of B by modified Cholesky."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jax import Array
from jax.scipy.linalg import cho_factor, cho_solve

from compute.filters._linear import whitened_operator, with_observations
from compute.filters._parameters import PREDECESSORS, spreading
from compute.filters.enkf import perturbations
from compute.localization import RingLocalization
from compute.observing import ObservationError
from compute.precision import modified_cholesky
from compute.transform import whiten
from learnda.declarations import Method

METHOD = Method(
    name="enkf-modified-cholesky",
    help="B^-1 = L'D^-1 L from the ensemble: each site is regressed on the sites before it within "
    "r, so that B^-1 is banded and of full rank with few members. Regressions leave out singular "
    "values below a tenth of the largest. The order of the sites matters: LEARN-DA's and this one "
    "count from site 0. Observations must be linear.",
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
    """x_i + (B^-1 + H'R^-1 H)^-1 H'R^-1 (y + e_i - H x_i).

    Shapes: ensemble [N, n], observed [N, m], y [m]; W = H'R^-1/2 [n, m].
    """
    members, m = observed.shape
    S, d = whiten(observed, y, error)
    innovations = d - S + perturbations(key, members, m, S.dtype)  # [N, m]
    W = whitened_operator(ensemble.shape[1], localization.sites, error)
    precision = modified_cholesky(ensemble, localization).matrix()
    factor = cho_factor(with_observations(precision, W, localization.sites, error))
    return ensemble + cho_solve(factor, W @ innovations.T).T, {}
