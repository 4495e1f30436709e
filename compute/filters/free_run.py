"""The ensemble without assimilation: what every filter must beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jax import Array

from compute.localization import Localization
from compute.observing import ObservationError
from learnda.declarations import Method

METHOD = Method(
    name="free-run",
    help="The first ensemble is forecast and never sees an observation. Its error grows to the "
    "climatological one; a filter that is no better does nothing.",
    reference="Lorenz (1996)",
    baseline=True,
    work="none",
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
    """The ensemble as it is. Shapes: ensemble [N, n], observed [N, m], y [m]."""
    return ensemble, {}
