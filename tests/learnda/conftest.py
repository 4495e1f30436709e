"""Declarations with every kind of rule, independent of the methods that exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from learnda.cost import Limits
from learnda.declarations import Method, Methods, OnlyWith, Parameter
from learnda.experiment import Experiment
from learnda.validation import resolve

INFLATION = Parameter(
    "inf_fact", "float", None, "Inflation", "Not sent: the run's.", min=0, exclusive_min=True
)
ROTATE = Parameter("rotate", "bool", False, "Rotate", "Rotate the anomalies.")
TAPERS = ("box", "gaspari-cohn", "gaussian", "step", "exponential", "none")
RADIUS = Parameter(
    "r",
    "float",
    2,
    "Radius",
    "Radius.",
    unit="sites",
    min=0,
    exclusive_min=True,
    step=1,
    only_with=OnlyWith("taper", TAPERS[:-1]),
)
SCHEME = Parameter(
    "scheme", "str", "plain", "Scheme", "Scheme.", choices=("plain", "relaxed", "other-scheme")
)
RELAXATION = Parameter(
    "relaxation",
    "float",
    0.5,
    "Relaxation",
    "Relaxation.",
    min=0,
    max=1,
    only_with=OnlyWith("scheme", ("relaxed",)),
)

DECLARED = (
    Method("enkf", "Plain.", "A paper", (INFLATION, ROTATE)),
    Method(
        "letkf",
        "Local.",
        "A paper",
        (RADIUS, Parameter("taper", "str", "box", "Taper", "Taper.", choices=TAPERS), INFLATION),
        requires_model=True,
    ),
    Method(
        "adaptive",
        "Adapts.",
        "A paper",
        (
            Parameter("inf_fact", "float", 1.0, "Inflation", "Its own.", min=0, exclusive_min=True),
            Parameter("lag", "int", 0, "Lag", "Lag.", unit="cycles", min=0, max=8),
            SCHEME,
            RELAXATION,
        ),
        refuses=("obs_error_correlation", "obs_operator"),
    ),
    Method("free-run", "Nothing.", "None", baseline=True),
)


@pytest.fixture(scope="session")
def methods() -> Methods:
    return {method.name: method for method in DECLARED}


@pytest.fixture(scope="session")
def resolved(methods: Methods) -> Callable[..., Experiment]:
    """Resolve a request of one LETKF with the given fields laid over it."""

    def make(**fields: Any) -> Experiment:
        body = {"methods": [{"id": "a", "name": "letkf", "label": "A", "params": {}}], **fields}
        return resolve(body, methods, limits=Limits(), draw_seed=lambda: 7)

    return make


@pytest.fixture(scope="session")
def with_params(resolved: Callable[..., Experiment]) -> Callable[..., Experiment]:
    """Resolve a request of one method with these parameters."""

    def make(name: str, params: object, **fields: Any) -> Experiment:
        return resolved(
            methods=[{"id": "a", "name": name, "label": "", "params": params}], **fields
        )

    return make
