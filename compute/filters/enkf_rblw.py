"""The EnKF with the Rao-Blackwell Ledoit-Wolf estimate of the background covariance."""

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
from compute.shrinkage import rao_blackwell, shrunk_update
from compute.transform import whiten
from learnda.declarations import Method

METHOD = Method(
    name="enkf-rblw",
    help="As enkf-lw, with the weight that is best for Gaussian members: min(1, [((N-2)/N) tr P^2 "
    "+ tr^2 P] / [(N+2) (tr P^2 - tr^2 P / n)]). Observations must be linear.",
    reference="Chen, Wiesel, Eldar & Hero (2010), doi:10.1109/TSP.2010.2053029",
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
    return ensemble + shrunk_update(anomalies, S, W, innovations, rao_blackwell(anomalies)), {}
