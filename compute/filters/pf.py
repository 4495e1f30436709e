"""The bootstrap particle filter with systematic resampling and jitter."""

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
from learnda.declarations import Method, Parameter

JITTER = Parameter(
    name="jitter",
    type="float",
    default=0.1,
    label="Jitter",
    help="After resampling the particles are moved apart by random combinations of the background "
    "anomalies of so many times the background's spread; without, copies of a particle stay "
    "together in a deterministic model.",
    min=0,
    step=0.05,
)
METHOD = Method(
    name="pf",
    help="Weights from the likelihood itself, whatever its distribution; systematic resampling at "
    "each analysis. Exact with infinitely many members, and needs exponentially more of them as "
    "the observed directions grow: on 40 sites it loses the truth with any affordable ensemble.",
    reference="Gordon, Salmond & Smith (1993), doi:10.1049/ip-f-2.1993.0015",
    parameters=(JITTER, *spreading(inf_fact=1.0)),
)
SYMMETRIES = frozenset({"shift"})


def analyse(
    key: Array,
    ensemble: Array,
    observed: Array,
    y: Array,
    error: ObservationError,
    localization: Localization,
    parameters: Mapping[str, Any],
) -> tuple[Array, dict[str, Array]]:
    """Draw members in proportion to p(y | x_i), then move them apart.

    Shapes: ensemble [N, n], observed [N, m], y [m].
    """
    weights = jax.nn.softmax(error.log_density(y - observed).sum(axis=1))
    draw, move = jax.random.split(key)
    chosen = ensemble[systematic(draw, weights)]
    _, anomalies = split(ensemble)
    analysis = chosen + parameters["jitter"] * like(move, anomalies)
    return analysis, {"effective_sample_size": 1 / (weights**2).sum()}


def systematic(key: Array, weights: Array) -> Array:
    """Numbers of the members drawn [N]: each floor or ceiling of N times its weight, in order."""
    members = len(weights)
    offset = jax.random.uniform(key, (), weights.dtype)
    places = (jnp.arange(members, dtype=weights.dtype) + offset) / members
    drawn = jnp.searchsorted(jnp.cumsum(weights), places)
    return jnp.minimum(drawn, members - 1)


def like(key: Array, anomalies: Array) -> Array:
    """Gaussian anomalies [N, n] with mean 0 and, on average, the covariance of the given ones."""
    members, n = anomalies.shape
    basis = anomalies / jnp.sqrt(jnp.asarray(members - 1, anomalies.dtype))
    if n < members:
        variance, V = jnp.linalg.eigh(basis.T @ basis)
        basis = jnp.sqrt(jnp.maximum(variance, 0))[:, None] * V.T
    drawn = jax.random.normal(key, (members, len(basis)), anomalies.dtype)
    return (drawn - drawn.mean(axis=0)) @ basis
