"""The local particle filter of Poterjoy: observations one by one, resampled particles merged in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from compute.filters._parameters import localization as localized
from compute.filters._parameters import spreading
from compute.filters.pf import systematic
from compute.localization import Localization
from compute.observing import ObservationError
from learnda.declarations import Method, Parameter

METHOD = Method(
    name="lpf",
    help="Weights for each site, from the observations near it; each observation resamples the "
    "particles, and a site gets the mixture of old and resampled ones that has its weighted mean "
    "and variance. The kernel mapping that the paper does at the end is left out.",
    reference="Poterjoy (2016), doi:10.1175/MWR-D-15-0163.1",
    parameters=(
        *localized(
            "gaspari-cohn", "gaspari-cohn", "gaussian", "box", "step", "exponential", "none"
        ),
        Parameter(
            name="certainty",
            type="float",
            default=0.98,
            label="Certainty of weights",
            help="alpha: weights are drawn towards uniform by the rest to 1, so that no "
            "observation can make one particle everything.",
            min=0,
            max=1,
            exclusive_min=True,
            step=0.01,
        ),
        *spreading(inf_fact=1.0),
    ),
    requires_model=True,
    refuses=("obs_error_correlation",),
    work="serial",
)
SYMMETRIES = frozenset[str]()


def analyse(
    key: Array,
    ensemble: Array,
    observed: Array,
    y: Array,
    error: ObservationError,
    localization: Localization,
    parameters: Mapping[str, Any],
) -> tuple[Array, dict[str, Array]]:
    """x_i = mean + r1 (x_k(i) - mean) + r2 (x_i - mean) after each observation, their eqs. 12-16.

    Shapes: ensemble [N, n], observed [N, m], y [m]; k(i) are the resampled particles.
    """
    members, n = ensemble.shape
    m = len(y)
    prior = jnp.concatenate([ensemble, observed], axis=1)
    prior_likelihood = error.log_density(y - observed)  # [N, m]
    order_key, draw_key = jax.random.split(key)
    order = jax.random.permutation(order_key, m)
    tiny = jnp.asarray(1e-12, prior.dtype)

    def one(k: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        particles, log_weights = carry
        j = order[k]
        reach = parameters["certainty"] * jnp.concatenate(
            [localization.to_state(j), localization.to_observations(j)]
        )
        here = error.of(j).log_density((y[j] - particles[:, n + j])[:, None])[:, 0]
        likelihood = jnp.exp(here - here.max())
        softened = 1 + parameters["certainty"] * (likelihood - 1)
        drawn = resample(jax.random.fold_in(draw_key, k), softened / softened.sum())
        of_prior = jnp.exp(prior_likelihood[:, j] - prior_likelihood[:, j].max())
        log_weights = log_weights + jnp.log1p(reach * (of_prior[:, None] - 1))
        weights = jax.nn.softmax(log_weights, axis=0)  # [N, n + m]
        mean = (weights * prior).sum(axis=0)
        variance = (weights * (prior - mean) ** 2).sum(axis=0) * members / (members - 1)
        c = members * (1 - reach) / jnp.maximum(reach * likelihood.sum(), tiny)
        new, old = particles[drawn] - mean, particles - mean
        mixed = ((new + c * old) ** 2).sum(axis=0) / (members - 1)
        r1 = jnp.sqrt(variance / jnp.maximum(mixed, tiny))
        moved = mean + r1 * (new + c * old)
        return jnp.where(reach > 0, moved, particles), log_weights

    start = (prior, jnp.zeros_like(prior))
    particles, log_weights = lax.fori_loop(0, m, one, start)
    weights = jax.nn.softmax(log_weights[:, :n], axis=0)
    return particles[:, :n], {"effective_sample_size": (1 / (weights**2).sum(axis=0)).mean()}


def resample(key: Array, weights: Array) -> Array:
    """Systematic resampling in which a particle that survives stays in its place: [N]."""
    members = len(weights)
    counts = jnp.zeros(members, jnp.int32).at[systematic(key, weights)].add(1)
    stays = counts > 0
    spare = jnp.repeat(jnp.arange(members), jnp.maximum(counts - 1, 0), total_repeat_length=members)
    return jnp.where(stays, jnp.arange(members), spare[jnp.maximum(jnp.cumsum(~stays) - 1, 0)])
