"""The ensemble transform Kalman filter, with the symmetric square root."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jax import Array

from compute.filters._parameters import spreading
from compute.localization import Localization
from compute.observing import ObservationError
from compute.transform import transform, whiten
from learnda.declarations import Method

METHOD = Method(
    name="etkf",
    help="Deterministic square-root filter: mean and anomalies are transformed in the space of the "
    "members. The square root is the symmetric one, which keeps the mean and moves the members "
    "least; the sample covariance is divided by N - 1, which LEARN-DA's library had lost.",
    reference="Bishop, Etherton & Majumdar (2001), "
    "doi:10.1175/1520-0493(2001)129<0420:ASWTET>2.0.CO;2; Hunt, Kostelich & Szunyogh (2007)",
    parameters=spreading(),
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
    """mean + A'w + A'T. Shapes: ensemble [N, n], observed [N, m], y [m]."""
    S, d = whiten(observed, y, error)
    return transform(ensemble, S, d), {}
