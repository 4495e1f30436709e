"""What a method says about itself: the one source of validation, forms, help and API documents.

Pure data. ``compute.filters`` makes declarations, the compute server publishes them, and the
gateway, the page and the client read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Value = bool | int | float | str
ParameterType = Literal["int", "float", "bool", "str"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a method, or one field of a request."""

    name: str
    type: ParameterType
    default: Value | None
    """Used when the parameter is not sent; None where it depends on other fields."""
    label: str
    help: str
    unit: str = ""
    min: float | None = None
    max: float | None = None
    exclusive_min: bool = False
    """True when ``min`` itself is refused."""
    step: float | None = None
    choices: tuple[str, ...] = ()
    only_with: OnlyWith | None = None
    """Taken only where another parameter has one of these values; None: always."""


@dataclass(frozen=True, slots=True)
class OnlyWith:
    """A condition on another parameter of the same method, which has choices."""

    name: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} {' or '.join(self.values)}"


Work = Literal[
    "none",
    "transform",
    "members",
    "serial",
    "observations",
    "matrix",
    "tangent",
    "iterated",
]
"""What an analysis spends its time on; `learnda.cost` says what each comes to."""


@dataclass(frozen=True, slots=True)
class Method:
    """An assimilation method as users meet it."""

    name: str
    help: str
    reference: str
    parameters: tuple[Parameter, ...] = ()
    requires_model: bool = False
    """True when it uses the geometry of the model's grid (localised methods)."""
    baseline: bool = False
    """True for a reference line (free run, climatology ...) rather than a filter."""
    refuses: tuple[str, ...] = ()
    """Fields of the run that must have their defaults: what the method cannot take into account."""
    work: Work = "transform"
    has_members: bool = True
    """False for a method that carries no ensemble."""

    def parameter(self, name: str) -> Parameter | None:
        return next((p for p in self.parameters if p.name == name), None)

    @property
    def inherits_inflation(self) -> bool:
        """True when an instance without ``inf_fact`` takes the run's: it has no default."""
        inflation = self.parameter("inf_fact")
        return inflation is not None and inflation.default is None


Methods = dict[str, Method]
"""Declarations by name."""
