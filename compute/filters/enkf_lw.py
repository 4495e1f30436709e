"""The EnKF with the Ledoit-Wolf estimate of the background covariance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jax import Array

from compute.filters._linear import whitened_operator
from compute.filters._parameters import spreading
from compute.filters.enkf import perturbations
from compute.inflation import split
from compute.localization import RingLocalization
from compute.observing import ObservationError
from compute.shrinkage import ledoit_wolf, shrunk_update
from compute.transform import whiten
from learnda.declarations import Method

METHOD = Method(
    name="enkf-lw",
    help="The sample covariance is drawn towards a multiple of the identity, with the weight of "
    "Ledoit & Wolf. Full rank, no localisation: it helps with very few members, less than "
    "localisation does. Observations must be linear.",
    reference="Ledoit & Wolf (2004), doi:10.1016/S0047-259X(03)00096-4",
    parameters=spreading(),
    refuses=("obs_operator",),
    work="observations",
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
    """x_i + BH' (HBH' + R)^-1 (y + e_i - H x_i), with B = (1 - gamma) P + gamma (tr P / n) I.

    Shapes: ensemble [N, n], observed [N, m], y [m].
    """
    members, m = observed.shape
    _, anomalies = split(ensemble)
    S, d = whiten(observed, y, error)
    innovations = d - S + perturbations(key, members, m, S.dtype)
    W = whitened_operator(ensemble.shape[1], localization.sites, error)
    return ensemble + shrunk_update(anomalies, S, W, innovations, ledoit_wolf(anomalies)), {}
