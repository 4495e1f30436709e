"""The rank histogram filter: serial, and Gaussian only in its tails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import ndtri

from compute import serial
from compute.filters._parameters import localization as localized
from compute.filters._parameters import spreading
from compute.localization import Localization
from compute.observing import ObservationError
from learnda.declarations import Method

METHOD = Method(
    name="rhf",
    help="Observations one by one: between neighbouring members lies a mass of 1 / (N + 1), beyond "
    "the outermost a Gaussian tail; Bayes' rule reweighs the pieces with the likelihood itself, "
    "whatever its distribution, and the members move to its new quantiles. The rest follows by "
    "tapered regression. For what is not Gaussian, with enough members.",
    reference="Anderson (2010), doi:10.1175/2010MWR3253.1",
    parameters=(
        *localized(
            "gaspari-cohn",
            "gaspari-cohn",
            "gaussian",
            "box",
            "step",
            "exponential",
            "none",
            radius=4,
        ),
        *spreading(),
    ),
    requires_model=True,
    refuses=("obs_error_correlation",),
    work="serial",
)
SYMMETRIES = frozenset({"permutation"})


def analyse(
    key: Array,
    ensemble: Array,
    observed: Array,
    y: Array,
    error: ObservationError,
    localization: Localization,
    parameters: Mapping[str, Any],
) -> tuple[Array, dict[str, Array]]:
    """Quantiles of the posterior at each observation, spread by regression.

    Shapes: ensemble [N, n], observed [N, m], y [m].
    """
    return serial.assimilate(key, ensemble, observed, y, error, localization, increments), {}


def increments(values: Array, y: Array, error: ObservationError) -> Array:
    """From each member's value to the posterior quantile of its rank: [N].

    The likelihood of an inner piece is the mean of that at its ends, of a tail that of the
    outermost member. A tail has the ensemble's standard deviation and mass 1 / (N + 1).
    """
    members = len(values)
    order = jnp.argsort(values)
    x = values[order]
    std = jnp.std(x, ddof=1)
    log_likelihood = error.log_density((y - x)[:, None])[:, 0]
    likelihood = jnp.exp(log_likelihood - log_likelihood.max())
    weights = jnp.concatenate(
        [likelihood[:1], (likelihood[1:] + likelihood[:-1]) / 2, likelihood[-1:]]
    )
    weights = weights / weights.sum()  # [N + 1], the posterior masses
    cumulated = jnp.cumsum(weights)
    quantiles = jnp.arange(1, members + 1, dtype=x.dtype) / (members + 1)
    piece = jnp.sum(cumulated[None, :] < quantiles[:, None], axis=1)  # [N], 0 .. N
    piece = jnp.minimum(piece, members)
    mass = weights[piece]
    fraction = 1 - (cumulated[piece] - quantiles) / jnp.where(mass > 0, mass, 1)
    fraction = jnp.clip(fraction, 0, 1)
    left, right = x[jnp.maximum(piece - 1, 0)], x[jnp.minimum(piece, members - 1)]
    inside = left + fraction * (right - left)
    tail = 1 / (members + 1)
    tiny = float(np.finfo(x.dtype).eps)
    centre = ndtri(jnp.asarray(tail, x.dtype))
    below = x[0] + std * (ndtri(jnp.clip(fraction * tail, tiny * tail, 1)) - centre)
    above = x[-1] - std * (ndtri(jnp.clip((1 - fraction) * tail, tiny * tail, 1)) - centre)
    moved = jnp.where(piece == 0, below, jnp.where(piece == members, above, inside))
    return jnp.zeros_like(values).at[order].set(moved - x)
