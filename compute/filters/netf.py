"""The nonlinear ensemble transform filter: a particle filter's moments, an ensemble's transform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from compute.filters._parameters import spreading
from compute.inflation import split
from compute.localization import Localization
from compute.observing import ObservationError
from learnda.declarations import Method

METHOD = Method(
    name="netf",
    help="Members are weighted by the likelihood itself; the analysis has the weighted mean and, "
    "but for N / (N - 1), the weighted covariance, by a symmetric square root. Without "
    "observations it leaves the ensemble alone. Rotation belongs to the method in the paper: "
    "switch it on.",
    reference="Toedter & Ahrens (2015), doi:10.1175/MWR-D-14-00108.1",
    parameters=spreading(inf_fact=1.0),
    work="members",
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
    """mean + A'w + sqrt(N) A' (diag w - ww')^1/2, with w from the likelihood.

    Shapes: ensemble [N, n], observed [N, m], y [m].
    """
    return transform(ensemble, error.log_density(y - observed).sum(axis=1))


def transform(ensemble: Array, log_likelihood: Array) -> tuple[Array, dict[str, Array]]:
    """The analysis of the columns of ``ensemble`` [N, k] for the members' log likelihood [N]."""
    members = len(ensemble)
    mean, anomalies = split(ensemble)
    w = jax.nn.softmax(log_likelihood)
    variance, U = jnp.linalg.eigh(jnp.diag(w) - w[:, None] * w)
    root = (U * jnp.sqrt(jnp.maximum(variance, 0) * members)) @ U.T
    analysis = mean + w @ anomalies + root @ anomalies
    return analysis, {"effective_sample_size": 1 / (w**2).sum()}
