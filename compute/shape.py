"""What the programs of an experiment are made for and called with: sizes, values, arrays.

Axes, everywhere: K cycles of a buffer, I method instances that share a program, R replicates,
N members, n sites, m observations, L leads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax import Array, lax

from compute import observing
from compute.observing import ObservationError

BLOCK = 8


@dataclass(frozen=True)
class Shape:
    """All that selects a program besides the method: sizes and static choices."""

    n: int
    members: int
    m: int
    replicates: int
    """Of one call: those of an experiment may be shared out over several."""
    buffer: int
    """Cycles that one call can run at most: a power of two."""
    dtype: str
    network: observing.Network
    initial: str
    operator: str = "identity"
    distribution: observing.Distribution = "gaussian"
    correlated: bool = False
    truth_noise: bool = False
    forecast_noise: bool = False
    leads: int = 0
    side_by_side: bool = False
    """Lanes, the replicates of the instances, are vectorised rather than computed in turn."""

    @property
    def block(self) -> int:
        """Cycles that are judged at once."""
        return min(BLOCK, self.buffer)

    def slot(self, step: int | Array) -> Any:
        """Where in the buffers a call that begins with ``step`` begins: its place in its block.

        So a step has the same place among those that are vectorised with it, wherever a run was
        cut: vector and scalar code may differ in the last bit.
        """
        return step % self.block

    def __str__(self) -> str:
        return (
            f"n={self.n} members={self.members} m={self.m} replicates={self.replicates} "
            f"{self.dtype}"
        )


class Setting(NamedTuple):
    """The values of an experiment: changing them compiles nothing."""

    words: Array
    """The seed: uint32 [2]."""
    replicates: Array
    """The numbers of the replicates: uint32 [R]."""
    forcing: Array
    """Of the truth."""
    forecast_forcing: Array
    dt: Array
    substeps: Array
    """Runge-Kutta steps between two analyses, int32."""
    std_obs: Array
    """[n], of the observation error at each site."""
    dof: Array
    """Degrees of freedom of a Student error."""
    correlation: Array
    """Correlation length of the observation error, in sites."""
    truth_noise: Array
    forecast_noise: Array
    initial_std: Array
    first_scored: Array
    """The first step that is scored, int32."""

    def substeps_to(self, step: Array) -> Array:
        """Runge-Kutta steps from the analysis before; step 0 is where the experiment starts."""
        return jnp.where(step > 0, self.substeps, 0)

    def error(self, shape: Shape, sites: Array) -> ObservationError:
        """Of observations at ``sites`` [m]."""
        correlation = None
        if shape.correlated:
            correlation = observing.ring_correlation(sites, shape.n, self.correlation)
        return ObservationError(self.std_obs[sites], correlation, shape.distribution, self.dof)


class Observed(NamedTuple):
    """A chunk of nature: what every method of the run is given."""

    truth: Array
    """[K, R, n]"""
    sites: Array
    """[K, R, m] int32"""
    y: Array
    """[K, R, m]"""


class Lanes(Protocol):
    """What says how many lanes an instance has, and how they are computed."""

    @property
    def replicates(self) -> int: ...
    @property
    def side_by_side(self) -> bool: ...


def over_lanes(shape: Lanes, lane: Callable[..., Any], per_lane: Any, per_instance: Any) -> Any:
    """``lane(number, per_lane, per_instance)`` for each replicate of each instance: arrays
    [I, R, ...] and [I, ...] in, [I, R, ...] out.

    Side by side on a GPU. On a processor one after the other: there a lane's arrays stay in the
    nearest cache from cycle to cycle, which gains more than longer loops do.
    """
    replicates = shape.replicates
    instances = len(jax.tree.leaves(per_lane)[0])
    lanes = instances * replicates

    def of_lane(number: Array, per_lane: Any) -> Any:
        instance = number // replicates
        return lane(number, per_lane, jax.tree.map(lambda a: a[instance], per_instance))

    flat = jax.tree.map(lambda a: a.reshape(lanes, *a.shape[2:]), per_lane)
    numbers = jnp.arange(lanes)
    if lanes == 1:
        found = of_lane(numbers[0], jax.tree.map(lambda a: a[0], flat))
        return jax.tree.map(lambda a: a[None, None], found)
    if shape.side_by_side:
        found = jax.vmap(of_lane)(numbers, flat)
    else:
        found = lax.map(lambda each: of_lane(*each), (numbers, flat))
    return jax.tree.map(lambda a: a.reshape(instances, replicates, *a.shape[1:]), found)
