"""The serial ensemble square-root filter of Whitaker & Hamill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from compute import serial
from compute.filters._parameters import spreading
from compute.localization import Localization
from compute.observing import ObservationError
from learnda.declarations import Method

METHOD = Method(
    name="ensrf",
    help="Observations one by one, in a random order each cycle: the mean by the Kalman gain, the "
    "anomalies by a reduced one, so that no observation is perturbed. Correlated errors are "
    "decorrelated first. LEARN-DA's method of this name was a batch form, equal to etkf.",
    reference="Whitaker & Hamill (2002), doi:10.1175/1520-0493(2002)130<1913:EDAWPO>2.0.CO;2",
    parameters=spreading(),
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
    """For each observation: mean + K d, anomalies - alpha K H A.

    Shapes: ensemble [N, n], observed [N, m], y [m].
    """
    unit = ObservationError(jnp.ones_like(y))
    # linear in the observations: the whitened ones are assimilated, whose errors are independent
    observed, y = error.whiten(observed), error.whiten(y)
    return serial.assimilate(key, ensemble, observed, y, unit, localization, increments), {}


def increments(values: Array, y: Array, error: ObservationError) -> Array:
    """K (y - mean) for all, minus alpha K of a member's own anomaly, at the observation: [N]."""
    HPHt, R = jnp.var(values, ddof=1), error.std[0] ** 2
    K = HPHt / (HPHt + R)
    alpha = 1 / (1 + jnp.sqrt(R / (HPHt + R)))
    return K * (y - values.mean()) - alpha * K * (values - values.mean())
