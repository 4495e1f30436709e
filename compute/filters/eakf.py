"""The ensemble adjustment Kalman filter: serial, with a taper on each regression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from compute import serial
from compute.filters._parameters import localization as localized
from compute.filters._parameters import spreading
from compute.localization import Localization
from compute.observing import ObservationError
from learnda.declarations import Method

METHOD = Method(
    name="eakf",
    help="Observations one by one, in a random order each cycle: the members are shifted and "
    "contracted where the observation is, and the taper multiplies the regression of everything "
    "else on it. With taper none it is the ensrf.",
    reference="Anderson (2001), doi:10.1175/1520-0493(2001)129<2884:AEAKFF>2.0.CO;2; Anderson "
    "(2003), doi:10.1175/1520-0493(2003)131<0634:ALLSFF>2.0.CO;2",
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
    """The product of two Gaussians at each observation, spread by regression.

    Shapes: ensemble [N, n], observed [N, m], y [m].
    """
    return serial.assimilate(key, ensemble, observed, y, error, localization, increments), {}


def increments(values: Array, y: Array, error: ObservationError) -> Array:
    """To the posterior mean, contracted to the posterior variance: [N]."""
    prior, noise = jnp.var(values, ddof=1), error.std[0] ** 2
    posterior = prior * noise / (prior + noise)
    mean = values.mean()
    # posterior (mean / prior + y / noise), also where the ensemble has collapsed
    updated = mean + posterior / noise * (y - mean)
    contraction = jnp.sqrt(noise / (prior + noise))
    return updated + contraction * (values - mean) - values
