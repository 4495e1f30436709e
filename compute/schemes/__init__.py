"""Methods that are more, or less, than an analysis of an ensemble: baselines, variational ones.

A filter (`compute.filters`) is one analysis; forecast, inflation and rotation are the same for all.
A method that has no members, that forecasts in a way of its own or that needs the climatology is a
scheme: one file here, of one shape. A file exports
    METHOD      its declaration
    start       start(world, ensemble [R, N, n]) -> state: before the first analysis, on the host,
                for R replicates at once: arrays with R as first axis
    cycle       one pure function, for one replicate (batching happens outside):

    cycle(world, moment, state, parameters) -> Outcome

`compute.cycling` makes a scheme of every filter, so that an experiment knows only schemes.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from compute import observing
from compute.climatology import Climatology
from compute.localization import RingLocalization
from compute.observing import ObservationError
from compute.randomness import Purpose
from learnda.declarations import Method


class Estimate(NamedTuple):
    """What a method says of the truth at one time."""

    mean: Array
    """[n]"""
    variance: Array
    """[n], of a site; zero for a method that gives no uncertainty."""
    members: Array | None = None
    """[N, n]"""

    @classmethod
    def of(cls, ensemble: Array) -> Estimate:
        """The sample mean and variance (N - 1) of an ensemble [N, n]."""
        return cls(ensemble.mean(axis=0), jnp.var(ensemble, axis=0, ddof=1), ensemble)

    @classmethod
    def certain(cls, state: Array) -> Estimate:
        """A state [n] without uncertainty."""
        return cls(state, jnp.zeros_like(state))


class Outcome(NamedTuple):
    """One cycle of a scheme."""

    state: Any
    """What is carried to the next cycle: arrays."""
    background: Estimate
    analysis: Estimate
    info: dict[str, Array]
    """Diagnostics that only the method knows, by the names of `compute.experiment.SERIES`."""


@dataclass(frozen=True)
class World:
    """What is the same at every cycle of an experiment."""

    n: int
    climatology: Climatology
    forecast: Callable[[Array, Array | int], Array]
    """States [..., n] after so many Runge-Kutta steps of the forecast model."""
    noisy_forecast: Callable[[Array, Array | int, Array], Array]
    """The same for the members [N, n], with their stochastic forcing drawn from a key."""
    step: Callable[[Array], Array]
    """One Runge-Kutta step of one state [n]."""
    forecast_noise: Array
    """Standard deviation of the stochastic forcing, per root model time."""
    observe: Callable[[Array, Array], Array]
    """What is observed of states [..., n] at sites [m]: [..., m]."""
    operator: str
    """Its name in `compute.observing.OPERATORS`."""


@dataclass(frozen=True)
class Moment:
    """One analysis time of one replicate."""

    step: Array
    key: Callable[[Purpose], Array]
    """The key of a draw at this time."""
    substeps: Array
    """Runge-Kutta steps since the analysis before; none at step 0."""
    interval: Array
    """Model time since then."""
    y: Array
    """[m], the observations."""
    error: ObservationError
    localization: RingLocalization
    """Where they lie, and how far each one reaches."""
    truth: Array
    """[n]: for baselines that are told it, and for nobody else."""

    @property
    def sites(self) -> Array:
        return self.localization.sites


Cycle = Callable[[World, Moment, Any, Mapping[str, Any]], Outcome]
Start = Callable[[World, Any], Any]


@dataclass(frozen=True)
class Scheme:
    """A method as an experiment runs it."""

    declaration: Method
    start: Start
    cycle: Cycle


def tangent_operator(world: World, state: Array, sites: Array) -> Array:
    """The Jacobian [m, n] of what is observed at ``state`` [n]."""
    slope = observing.slope(world.operator, state, sites)
    return (
        jnp.zeros((len(sites), world.n), state.dtype).at[jnp.arange(len(sites)), sites].set(slope)
    )


def _load() -> dict[str, Scheme]:
    found = {}
    for module_info in pkgutil.iter_modules(__path__):
        if not module_info.name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{module_info.name}")
            found[module.METHOD.name] = Scheme(module.METHOD, module.start, module.cycle)
    return found


REGISTRY: dict[str, Scheme] = _load()
"""Every scheme by name."""
