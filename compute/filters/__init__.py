"""The ensemble filters: one file each, all of one shape. This folder is the registry.

A file exports
    METHOD      its declaration: name, help, reference, parameters
    SYMMETRIES  what its analysis commutes with: "shift" of the ring, "permutation" of the members
    analyse     one pure function, for one case (batching happens outside):

    analyse(key, ensemble [N, n], observed [N, m], y [m], error, localization, parameters)
        -> analysis ensemble [N, n], info

``observed`` is the ensemble in observation space, ``error`` an ObservationError, ``localization``
a RingLocalization: where the observations lie and, where it is ``local``, how far each one reaches.
``parameters`` holds the declared parameters (numbers may be traced, strings and booleans are
Python's), ``info`` a dict of diagnostics. Forecast, inflation, relaxation and rotation are the same
for all filters and stand in `compute.cycling`. Adding a filter is adding a file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jax import Array

from compute.localization import RingLocalization
from compute.observing import ObservationError
from learnda.declarations import Method

Analyse = Callable[
    [Array, Array, Array, Array, ObservationError, RingLocalization, Mapping[str, Any]],
    tuple[Array, dict[str, Array]],
]
Symmetry = Literal["shift", "permutation"]


@dataclass(frozen=True)
class Filter:
    """A method as its file gives it."""

    declaration: Method
    symmetries: frozenset[Symmetry]
    analyse: Analyse


def _load() -> dict[str, Filter]:
    found = {}
    for module_info in pkgutil.iter_modules(__path__):
        if module_info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        method: Method = module.METHOD
        found[method.name] = Filter(method, module.SYMMETRIES, module.analyse)
    return dict(sorted(found.items()))


REGISTRY: dict[str, Filter] = _load()
"""Every filter by name."""
