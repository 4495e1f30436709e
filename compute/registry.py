"""Every method by name, as an experiment runs it: the filters, cycled, and the schemes."""

from __future__ import annotations

from compute import filters, schemes
from compute.cycling import scheme_of
from compute.schemes import Scheme
from learnda.declarations import Methods

METHODS: dict[str, Scheme] = dict(
    sorted(
        {
            **{name: scheme_of(entry) for name, entry in filters.REGISTRY.items()},
            **schemes.REGISTRY,
        }.items()
    )
)


def declarations() -> Methods:
    """What every method says about itself, by name."""
    return {name: scheme.declaration for name, scheme in METHODS.items()}
