"""Which observations an analysis may use at a site, and with what weight.

A filter asks a `Localization`: here the ring of n sites of the experiments, on which distance is
min(d, n - d) and ``radius`` is in sites. Gaspari & Cohn (1999), doi:10.1002/qj.49712555417, for the
compactly supported taper.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import jax.numpy as jnp
from jax import Array

GASPARI_COHN_HALF_WIDTH = 1.82
"""c / r: so scaled, the taper is about 0.63 at r, like a Gaussian of standard deviation r."""

REACH = {"box": 1.0, "step": 1.0, "gaspari-cohn": 2 * GASPARI_COHN_HALF_WIDTH}
"""Distance, in radii, beyond which a taper is zero; the others reach everywhere."""


def taper(name: str, distance: Array, radius: Array) -> Array:
    """The weight in [0, 1] of an observation at ``distance`` >= 0 sites, in ``radius``' dtype."""
    d = distance.astype(radius.dtype)
    match name:
        case "box" | "step":
            return (d <= radius).astype(radius.dtype)
        case "gaspari-cohn":
            return gaspari_cohn(d / (GASPARI_COHN_HALF_WIDTH * radius))
        case "gaussian":
            return jnp.exp(-((d / radius) ** 2) / 2)
        case "exponential":
            return jnp.exp(-d / radius)
        case "none":
            return jnp.ones_like(d)
    raise ValueError(f"unknown taper: {name}")


def gaspari_cohn(z: Array) -> Array:
    """The fifth-order piecewise rational function, zero from z = 2 (their eq. 4.10)."""
    inner = 1 + z**2 * (-5 / 3 + z * (5 / 8 + z * (1 / 2 - z / 4)))
    safe = jnp.maximum(z, 1)  # keeps the unused branch finite
    outer = (
        4 + safe * (-5 + safe * (5 / 3 + safe * (5 / 8 + safe * (-1 / 2 + safe / 12))))
    ) - 2 / (3 * safe)
    return jnp.where(z <= 1, inner, jnp.where(z < 2, jnp.maximum(outer, 0), 0))


def window(name: str, radius: float, n: int) -> int:
    """Sites on each side that a local analysis must look at: one of a short ladder, at most n // 2.

    A radius is a value, a window is a shape: all radii within one window share a program.
    """
    reach = REACH.get(name)
    whole = n // 2
    if reach is None:
        return whole
    needed = math.floor(reach * radius + 1e-9)
    rung = next((w for w in _LADDER if w >= needed), needed)
    return min(rung, whole)


_LADDER = (2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)


class Neighbourhoods(NamedTuple):
    """For each of n sites the observations around it; unused slots have weight 0."""

    observation: Array
    """[n, p] int32: which observation; m where the slot is empty."""
    weight: Array
    """[n, p] in [0, 1]: the taper."""


class Localization(Protocol):
    """What filters ask: about the sites, which are the n values of the state, and m observations.

    A site and an observation are named by their numbers.
    """

    @property
    def local(self) -> bool:
        """False where every observation counts fully everywhere."""

    def neighbourhoods(self) -> Neighbourhoods:
        """The observations near each site."""

    def finder(self) -> Callable[[Array], Neighbourhoods]:
        """From k sites to the observations near them: as `neighbourhoods`, with k for n."""

    def to_state(self, observation: Array) -> Array:
        """The taper between one observation and every site: [n]."""

    def to_observations(self, observation: Array) -> Array:
        """The taper between one observation and every observation: [m]."""

    def to_joint(self) -> Callable[[Array], Array]:
        """From an observation to the taper between it and every site, then every observation:
        [n + m]. What does not depend on the observation is computed once, before.
        """

    def state_to_observations(self) -> Array:
        """The taper between every site and every observation: [n, m]."""

    def between_observations(self) -> Array:
        """The taper between all pairs of observations: [m, m]."""


@dataclass(frozen=True)
class RingLocalization:
    """Where point observations lie on a ring of n sites, and how far each one reaches."""

    taper: str
    """"none": every observation counts fully everywhere."""
    radius: Array
    """Scalar, sites."""
    window: int
    """Sites on each side that a local analysis looks at."""
    n: int
    sites: Array
    """[m] int32: the site of each observation, all distinct."""

    @property
    def local(self) -> bool:
        """False where every observation counts fully everywhere."""
        return self.taper != "none"

    def neighbourhoods(self) -> Neighbourhoods:
        """The observations near each site."""
        return self.finder()(jnp.arange(self.n))

    def finder(self) -> Callable[[Array], Neighbourhoods]:
        """From k sites to the observations near them, as above with k for n: looked up within the
        window, or simply all of them where those are no more than the window has sites.
        """
        m = self.sites.shape[0]
        if m <= 2 * self.window + 1:
            every = jnp.arange(m, dtype=jnp.int32)

            def all_of_them(sites: Array) -> Neighbourhoods:
                return Neighbourhoods(
                    jnp.broadcast_to(every, (len(sites), m)),
                    self._between(sites[:, None], self.sites),
                )

            return all_of_them
        observation_at = (
            jnp.full((self.n,), m, jnp.int32).at[self.sites].set(jnp.arange(m, dtype=jnp.int32))
        )
        offsets = jnp.arange(-self.window, self.window + 1)
        weight = taper(self.taper, jnp.abs(offsets), self.radius)

        def within_window(sites: Array) -> Neighbourhoods:
            observation = observation_at[(sites[:, None] + offsets) % self.n]
            return Neighbourhoods(observation, jnp.where(observation < m, weight, 0))

        return within_window

    def by_distance(self) -> Array:
        """The taper at 0, 1, ... n // 2 sites: all distances on the ring."""
        return taper(self.taper, jnp.arange(self.n // 2 + 1), self.radius)

    def to_state(self, observation: Array) -> Array:
        """The taper between one observation (its number) and every site: [n]."""
        return self._between(self.sites[observation], jnp.arange(self.n))

    def to_observations(self, observation: Array) -> Array:
        """The taper between one observation and every observation: [m]."""
        return self._between(self.sites[observation], self.sites)

    def to_joint(self) -> Callable[[Array], Array]:
        """From an observation to the taper between it and every site, then every observation, by a
        table of all distances: [n + m].
        """
        by_distance = self.by_distance()
        at = jnp.concatenate([jnp.arange(self.n), self.sites])

        def tapers(observation: Array) -> Array:
            d = jnp.abs(at - self.sites[observation])
            return by_distance[jnp.minimum(d, self.n - d)]

        return tapers

    def state_to_observations(self) -> Array:
        """The taper between every site and every observation: [n, m]."""
        return self._between(jnp.arange(self.n)[:, None], self.sites)

    def between_observations(self) -> Array:
        """The taper between all pairs of observations: [m, m]."""
        return self._between(self.sites[:, None], self.sites)

    def _between(self, a: Array, b: Array) -> Array:
        d = jnp.abs(a - b)
        return taper(self.taper, jnp.minimum(d, self.n - d), self.radius)
