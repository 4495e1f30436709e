"""The EnKF with a shrinkage estimate of the background covariance, in its precision form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import cho_factor, cho_solve

from compute.filters._linear import whitened_operator, with_observations
from compute.filters._parameters import spreading
from compute.filters.enkf import perturbations
from compute.inflation import split
from compute.localization import RingLocalization
from compute.observing import ObservationError
from compute.shrinkage import rao_blackwell
from compute.transform import whiten
from learnda.declarations import Method

METHOD = Method(
    name="enkf-shrinkage-precision",
    help="B = (1 - gamma) P + gamma mu I with mu = tr P / n and gamma = min(1, [((N-2)/N) tr P^2 "
    "+ tr^2 P] / [(N+2) (tr P^2 - tr^2 P / n)]); its inverse by Woodbury, and the analysis in the "
    "space of the state, (B^-1 + H'R^-1 H)^-1. The estimator is that of enkf-rblw, so the two "
    "agree to rounding; pyteda's later variants of this name are others. Observations must be "
    "linear.",
    reference="Niño-Ruiz & Sandu (2015), doi:10.1007/s10236-015-0888-9",
    parameters=spreading(),
    refuses=("obs_operator",),
    work="matrix",
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
    """x_i + (B^-1 + H'R^-1 H)^-1 H'R^-1 (y + e_i - H x_i).

    Shapes: ensemble [N, n], observed [N, m], y [m]; W = H'R^-1/2 [n, m].
    """
    members, m = observed.shape
    n = ensemble.shape[1]
    _, anomalies = split(ensemble)
    S, d = whiten(observed, y, error)
    innovations = d - S + perturbations(key, members, m, S.dtype)
    W = whitened_operator(n, localization.sites, error)
    gamma = rao_blackwell(anomalies)
    mu = (anomalies**2).sum() / (members - 1) / n
    target, sample = gamma * mu, (1 - gamma) / (members - 1)
    identity = jnp.eye(n, dtype=S.dtype)
    if n <= members:
        B = sample * anomalies.T @ anomalies + target * identity
        precision = cho_solve(cho_factor(B), identity)
    else:  # (I - A' (target / sample I + AA')^-1 A) / target, without dividing by sample
        inner = target * jnp.eye(members, dtype=S.dtype) + sample * anomalies @ anomalies.T
        explained = sample * anomalies.T @ cho_solve(cho_factor(inner), anomalies)
        precision = (identity - explained) / target
    factor = cho_factor(with_observations(precision, W, localization.sites, error))
    return ensemble + cho_solve(factor, W @ innovations.T).T, {}
