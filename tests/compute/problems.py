"""One analysis of any filter on random numbers, and the Kalman update of them in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from compute.filters import REGISTRY
from compute.localization import RingLocalization, window
from compute.observing import ObservationError

SHAPES = [(20, 12, 3), (30, 10, 10), (5, 12, 4), (4, 40, 33)]
"""Members, sites, observations: fewer and more members than either."""
TWO_SHAPES = [(20, 12, 3), (4, 25, 19)]
"""Members, sites, observations: fewer observations than members, and more."""
QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
"""Compiler options for what runs once."""
KEY = 5
"""Of the draws of an analysis."""


class Problem:
    """An ensemble and observations of some of its sites, with an error of its own for each."""

    def __init__(
        self,
        random: np.random.Generator,
        members: int,
        n: int,
        m: int,
        *,
        correlated: bool = False,
        distribution: Any = "gaussian",
    ) -> None:
        self.ensemble = random.normal(2, 1.5, (members, n)) @ random.normal(0, 0.5, (n, n))
        self.sites = np.sort(random.permutation(n)[:m]).astype(np.int32)
        self.std = random.uniform(0.4, 1.4, m)
        self.y = self.ensemble.mean(0)[self.sites] + random.normal(0, 1, m)
        self.n = n
        self.distribution = distribution
        self.correlation = None
        if correlated:
            d = np.abs(self.sites[:, None] - self.sites)
            self.correlation = np.exp(-np.minimum(d, n - d) / 2.5)
        self.H = np.eye(n)[self.sites]
        R = np.eye(m) if self.correlation is None else self.correlation
        self.R = R * self.std * self.std[:, None]

    @property
    def key(self) -> jax.Array:
        return jax.random.key(KEY)

    @property
    def error(self) -> ObservationError:
        correlation = None if self.correlation is None else jnp.asarray(self.correlation)
        return ObservationError(jnp.asarray(self.std), correlation, self.distribution, 5.0)

    @staticmethod
    def window(taper: str, r: float, n: int) -> int:
        return window(taper, r, n) if taper != "none" else 0

    def ring(self, taper: str = "none", r: float = 1.0) -> RingLocalization:
        reach = self.window(taper, r, self.n)
        sites = jnp.asarray(self.sites)
        return RingLocalization(taper, jnp.asarray(float(r)), reach, self.n, sites)

    def analyse(
        self, name: str, localization: RingLocalization | None = None, **parameters: Any
    ) -> np.ndarray:
        """The analysis of one filter, with its defaults; without localisation unless given one."""
        ring = self.ring() if localization is None else localization
        chosen = tuple({**defaults(name), **parameters}.items())
        run = program(name, ring.taper, ring.window, ring.n, self.distribution, chosen)
        correlation = None if self.correlation is None else jnp.asarray(self.correlation)
        numbers = map(jnp.asarray, (self.ensemble, ring.sites, self.y, self.std, ring.radius))
        return np.asarray(run(self.key, *numbers, correlation))

    def gain(self, P: np.ndarray | None = None, R: np.ndarray | None = None) -> np.ndarray:
        """K [n, m], of the sample covariance (N - 1) unless another is given."""
        P = np.cov(self.ensemble.T) if P is None else P
        R = self.R if R is None else R
        return P @ self.H.T @ np.linalg.inv(self.H @ P @ self.H.T + R)

    def kalman(
        self, P: np.ndarray | None = None, R: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Analysis mean [n] and covariance [n, n]."""
        P = np.cov(self.ensemble.T) if P is None else P
        K, mean = self.gain(P, R), self.ensemble.mean(0)
        return mean + K @ (self.y - self.H @ mean), (np.eye(self.n) - K @ self.H) @ P

    def tapered(self, taper: np.ndarray) -> np.ndarray:
        """Of independent errors, with R divided by the taper [m] of each observation."""
        with np.errstate(divide="ignore"):
            return np.diag(np.minimum(self.std**2 / taper, 1e12))


@cache
def program(
    name: str,
    taper: str,
    window: int,
    n: int,
    distribution: Any,
    parameters: tuple[tuple[str, Any], ...],
) -> Callable[..., jax.Array]:
    """The analysis of one filter, compiled once for all problems of a shape."""

    def analyse(
        key: Any, ensemble: Any, sites: Any, y: Any, std: Any, radius: Any, correlation: Any
    ) -> jax.Array:
        error = ObservationError(std, correlation, distribution, 5.0)
        ring = RingLocalization(taper, radius, window, n, sites)
        observed = ensemble[:, sites]
        return REGISTRY[name].analyse(key, ensemble, observed, y, error, ring, dict(parameters))[0]

    return jax.jit(analyse, compiler_options=QUICK)


def defaults(name: str) -> dict[str, Any]:
    """What a filter declares, but for what decides how it is cycled."""
    return {p.name: p.default for p in REGISTRY[name].declaration.parameters}
