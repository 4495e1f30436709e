"""Where values of a state and observations lie in general, and how far one is from another.

A point is a row of coordinates: [1] on a ring and on an interval, [2] in a plane and on a sphere
(latitude and longitude, in degrees). A ring of integer sites has a localisation of its own, with
the same tapers: `compute.localization`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from compute.localization import REACH, Neighbourhoods, taper

Kind = Literal["ring", "interval", "plane", "sphere"]


@partial(jax.tree_util.register_dataclass, data_fields=["size"], meta_fields=["kind"])
@dataclass(frozen=True)
class Metric:
    """What the distance between two points is: see `ring`, `interval`, `plane` and `sphere`."""

    kind: Kind
    size: Array | float = 1.0
    """Of a ring once around, of a sphere its radius; nothing to the others."""


def ring(length: Array | float) -> Metric:
    """The shorter way around a circle of this length."""
    return Metric("ring", length)


def interval() -> Metric:
    """The absolute difference."""
    return Metric("interval")


def plane() -> Metric:
    """Euclid's."""
    return Metric("plane")


def sphere(radius: Array | float) -> Metric:
    """Along the great circle, in the unit of the radius."""
    return Metric("sphere", radius)


def distance(metric: Metric, a: Array, b: Array) -> Array:
    """Between points ``a`` [..., d] and ``b`` [..., d], which are broadcast: [...]."""
    return _between(metric, _embed(metric, a), _embed(metric, b))


def _embed(metric: Metric, points: Array) -> Array:
    """What `_between` takes, of points [..., d]: on a sphere unit vectors [..., 3]."""
    if metric.kind != "sphere":
        return points
    latitude, longitude = jnp.moveaxis(jnp.deg2rad(points), -1, 0)
    ground = jnp.cos(latitude)
    return jnp.stack(
        [ground * jnp.cos(longitude), ground * jnp.sin(longitude), jnp.sin(latitude)], axis=-1
    )


def _between(metric: Metric, a: Array, b: Array) -> Array:
    """The distance of points that are embedded."""
    difference = a - b
    match metric.kind:
        case "ring":
            once = jnp.abs(difference[..., 0]) % metric.size
            return jnp.minimum(once, metric.size - once)
        case "interval":
            return jnp.abs(difference[..., 0])
        case "plane":
            return jnp.hypot(difference[..., 0], difference[..., 1])
        case "sphere":
            # 2 atan2(|a - b|, |a + b|): accurate for small angles, and for those near 180 degrees
            return 2 * metric.size * jnp.arctan2(_norm(difference), _norm(a + b))


def _norm(vectors: Array) -> Array:
    return jnp.sqrt((vectors**2).sum(axis=-1))


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["radius", "metric", "state", "observations", "near"],
    meta_fields=["taper"],
)
@dataclass(frozen=True)
class PointLocalization:
    """Where state and observations lie, and how far an observation reaches: a `Localization`."""

    taper: str
    """"none": every observation counts fully everywhere."""
    radius: Array
    """Scalar, in the unit of the distance."""
    metric: Metric
    state: Array
    """[n, d]: where each value of the state lies."""
    observations: Array
    """[m, d]: where each observation lies."""
    near: Array | None = None
    """[n, p] int32: the observations within reach of each value of the state, m where a slot is
    empty, as from `neighbours`; None: all are looked at."""

    @property
    def local(self) -> bool:
        """False where every observation counts fully everywhere."""
        return self.taper != "none"

    def neighbourhoods(self) -> Neighbourhoods:
        """The observations near each value of the state."""
        return self.finder()(jnp.arange(len(self.state)))

    def finder(self) -> Callable[[Array], Neighbourhoods]:
        """From k values of the state to the observations near them."""
        m, near = len(self.observations), self.near
        state, observations = self._embedded()

        def of_all(sites: Array) -> Neighbourhoods:
            every = jnp.broadcast_to(jnp.arange(m, dtype=jnp.int32), (len(sites), m))
            return Neighbourhoods(every, self._taper(state[sites][:, None], observations))

        def of_near(sites: Array) -> Neighbourhoods:
            assert near is not None
            observation = near[sites]
            there = observations[jnp.minimum(observation, m - 1)]
            weight = self._taper(state[sites][:, None], there)
            return Neighbourhoods(observation, jnp.where(observation < m, weight, 0))

        return of_all if near is None else of_near

    def to_state(self, observation: Array) -> Array:
        """The taper between one observation (its number) and every value of the state: [n]."""
        state, observations = self._embedded()
        return self._taper(observations[observation], state)

    def to_observations(self, observation: Array) -> Array:
        """The taper between one observation and every observation: [m]."""
        _, observations = self._embedded()
        return self._taper(observations[observation], observations)

    def to_joint(self) -> Callable[[Array], Array]:
        """From an observation to the taper between it and every value of the state, then every
        observation: [n + m].
        """
        n = len(self.state)
        joint = jnp.concatenate(self._embedded())
        return lambda observation: self._taper(joint[n + observation], joint)

    def state_to_observations(self) -> Array:
        """The taper between every value of the state and every observation: [n, m]."""
        state, observations = self._embedded()
        return self._taper(state[:, None], observations)

    def between_observations(self) -> Array:
        """The taper between all pairs of observations: [m, m]."""
        _, observations = self._embedded()
        return self._taper(observations[:, None], observations)

    def _embedded(self) -> tuple[Array, Array]:
        return _embed(self.metric, self.state), _embed(self.metric, self.observations)

    def _taper(self, a: Array, b: Array) -> Array:
        return taper(self.taper, _between(self.metric, a, b), self.radius)


@partial(jax.tree_util.register_dataclass, data_fields=["state", "observations"], meta_fields=[])
@dataclass(frozen=True)
class TaperLocalization:
    """Tapers that are given: a `Localization` without distances."""

    state: Array
    """[n, m] in [0, 1]: between each value of the state and each observation."""
    observations: Array | None = None
    """[m, m]: between observations; None where the method at hand needs none."""

    @property
    def local(self) -> bool:
        """Whatever the tapers are."""
        return True

    def neighbourhoods(self) -> Neighbourhoods:
        """All observations, for each value of the state."""
        return self.finder()(jnp.arange(len(self.state)))

    def finder(self) -> Callable[[Array], Neighbourhoods]:
        """From k values of the state to all observations."""
        every = jnp.arange(self.state.shape[1], dtype=jnp.int32)

        def find(sites: Array) -> Neighbourhoods:
            return Neighbourhoods(
                jnp.broadcast_to(every, (len(sites), len(every))), self.state[sites]
            )

        return find

    def to_state(self, observation: Array) -> Array:
        """The taper between one observation (its number) and every value of the state: [n]."""
        return self.state[:, observation]

    def to_observations(self, observation: Array) -> Array:
        """The taper between one observation and every observation: [m]."""
        return self.between_observations()[observation]

    def to_joint(self) -> Callable[[Array], Array]:
        """From an observation to its tapers, of the state and then of the observations: [n + m]."""
        joint = jnp.concatenate([self.state.T, self.between_observations()], axis=1)
        return lambda observation: joint[observation]

    def state_to_observations(self) -> Array:
        """The tapers of the state: [n, m]."""
        return self.state

    def between_observations(self) -> Array:
        """The tapers between observations: [m, m]. ValueError where none were given."""
        if self.observations is None:
            raise ValueError("this method needs the tapers between observations")
        return self.observations


def neighbours(
    metric: Metric, state: np.ndarray, observations: np.ndarray, reach: float
) -> np.ndarray | None:
    """The observations [m, d] within ``reach`` of each value of the state [n, d], as
    `PointLocalization.near`: int32 [n, p], ascending, m where a slot is empty.

    None where looking at all m is no more work. On the host; its memory is about that of the
    answer. What lies at the reach to within the rounding of the coordinates' dtype is taken in:
    pass them as they are used. p is one of few, for it is a shape that programs are compiled for.
    """
    # Here, for it takes a fifth of a second: a server that starts compiles meanwhile.
    from scipy.spatial import cKDTree  # type: ignore[import-untyped]

    n, m = len(state), len(observations)
    if not math.isfinite(reach):
        return None
    rounding = _ROUNDING * float(np.finfo(observations.dtype).eps)
    bound = _straight(metric, reach + rounding * (reach + _scale(metric, state, observations)))
    points = _spatial(metric, state)
    around = float(metric.size) if metric.kind == "ring" else None
    tree = cKDTree(_spatial(metric, observations), boxsize=around)
    blocks = [slice(at, at + _BLOCK) for at in range(0, n, _BLOCK)]
    most = max(
        int(tree.query_ball_point(points[block], bound, return_length=True).max())
        for block in blocks
    )
    p = _rung(most)
    if p >= m:
        return None
    near = np.empty((n, p), np.int32)
    for block in blocks:
        found = tree.query(points[block], p, distance_upper_bound=bound)[1]
        near[block] = np.sort(found, axis=1)
    return near


def reach(name: str, radius: float) -> float:
    """The distance beyond which a taper is zero; infinite where there is none."""
    return REACH.get(name, math.inf) * radius


_ROUNDING = 16
"""Units in the last place that coordinates and distances of a geometry may be off."""
_BLOCK = 4096
"""Values of the state whose neighbours are looked up at once."""


def _scale(metric: Metric, *points: np.ndarray) -> float:
    """The size of the numbers that distances are made of, which is that of their rounding."""
    if metric.kind == "sphere":
        return float(metric.size)
    extent = max(float(np.abs(part).max(initial=0)) for part in points)
    return max(extent, float(metric.size)) if metric.kind == "ring" else extent


def _straight(metric: Metric, length: float) -> float:
    """The distance of the points that `_spatial` gives: the chord of a unit sphere."""
    if metric.kind != "sphere":
        return length
    chord = 2 * math.sin(min(length / float(metric.size), math.pi) / 2)
    return chord * (1 + _ROUNDING * 2**-52)


def _spatial(metric: Metric, points: np.ndarray) -> np.ndarray:
    """Points [k, d] as a tree takes them, in float64."""
    points = points.astype(np.float64)
    match metric.kind:
        case "ring":
            length = float(metric.size)
            turned = points % length
            return np.where(turned < length, turned, 0)
        case "sphere":
            latitude, longitude = np.deg2rad(points).T
            ground = np.cos(latitude)
            vectors = [ground * np.cos(longitude), ground * np.sin(longitude), np.sin(latitude)]
            return np.stack(vectors, axis=-1)
    return points


def _rung(count: int) -> int:
    """The least of 3, 4, 6, 8, 12, 16 ... that is not below ``count``."""
    power = 1 << max(count - 1, 3).bit_length()
    return power * 3 // 4 if count <= power * 3 // 4 else power
