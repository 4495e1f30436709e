"""The ensemble filters: one file each, all of one shape. This folder is the registry.

A file exports
    METHOD      its declaration: name, help, reference, parameters
    SYMMETRIES  what its analysis commutes with: "shift" of the ring, "permutation" of the members
    analyse     one pure function, for one case (batching happens outside):

    analyse(key, ensemble [N, n], observed [N, m], y [m], error, localization, parameters)
        -> analysis ensemble [N, n], info

``observed`` is the ensemble in observation space, ``error`` an ObservationError. ``localization``
is a Localization: where it is ``local``, how far each observation reaches, in any geometry. A
filter that needs the order of the sites, or at which of them the observations are, annotates it as
a RingLocalization. ``parameters`` holds the declared parameters (numbers may be traced, strings and
booleans are Python's), ``info`` a dict of diagnostics. Forecast, inflation, relaxation and rotation
are the same for all filters and stand in `compute.cycling`. Adding a filter is adding a file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_type_hints

from jax import Array

from compute.localization import RingLocalization
from compute.observing import ObservationError
from learnda.declarations import Method

Analyse = Callable[
    [Array, Array, Array, Array, ObservationError, Any, Mapping[str, Any]],
    tuple[Array, dict[str, Array]],
]
"""Its localisation: a `Localization`, or what the filter narrows it to."""
Symmetry = Literal["shift", "permutation"]


@dataclass(frozen=True)
class Filter:
    """A method as its file gives it."""

    declaration: Method
    symmetries: frozenset[Symmetry]
    analyse: Analyse

    @cached_property
    def needs_ring(self) -> bool:
        """True where `analyse` is declared to take no `Localization` but a RingLocalization."""
        return get_type_hints(self.analyse)["localization"] is RingLocalization


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
