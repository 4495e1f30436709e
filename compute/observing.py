"""What is observed: which sites of the ring, which quantity there, and with what error."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import solve_triangular

Network = Literal["random", "fixed", "regular", "explicit"]
Distribution = Literal["gaussian", "laplace", "student"]

SATURATION = 10.0
"""State units at which the saturating operator levels off."""

OPERATORS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda x: x,
    "square": lambda x: x**2,
    "absolute": jnp.abs,
    "log": lambda x: jnp.log1p(jnp.abs(x)),
    "saturating": lambda x: SATURATION * jnp.tanh(x / SATURATION),
}
"""What is observed of the state at a site; each is differentiable almost everywhere."""


@dataclass(frozen=True)
class ObservationError:
    """The errors of m observations of one cycle, as drawn and as filters are told."""

    std: Array
    """[m], in units of what is observed."""
    correlation: Array | None = None
    """[m, m]; None: independent. Gaussian errors only."""
    distribution: Distribution = "gaussian"
    dof: Array | float = math.inf
    """Degrees of freedom of the Student distribution, > 2."""

    @property
    def covariance(self) -> Array:
        """R [m, m]."""
        if self.correlation is None:
            return jnp.diag(self.std**2)
        return self.correlation * self.std[:, None] * self.std

    def whiten(self, rows: Array) -> Array:
        """Rows [..., m] in error units: R^-1/2 of each, by the Cholesky factor of R."""
        scaled = rows / self.std
        if self.correlation is None:
            return scaled
        factor = jnp.linalg.cholesky(self.correlation)
        flat = scaled.reshape(-1, scaled.shape[-1])
        return solve_triangular(factor, flat.T, lower=True).T.reshape(scaled.shape)

    def colour(self, rows: Array) -> Array:
        """The inverse of `whiten`: rows [..., m] of unit errors in units of what is observed."""
        if self.correlation is None:
            return rows * self.std
        return rows @ jnp.linalg.cholesky(self.correlation).T * self.std

    def draw(self, key: Array) -> Array:
        """Errors [m], of mean 0 and covariance R."""
        shape, dtype = self.std.shape, self.std.dtype
        match self.distribution:
            case "gaussian":
                unit = jax.random.normal(key, shape, dtype)
            case "laplace":
                unit = jax.random.laplace(key, shape, dtype) / math.sqrt(2)
            case "student":
                unit = jax.random.t(key, self.dof, shape, dtype) * jnp.sqrt(1 - 2 / self.dof)
        if self.correlation is not None:
            unit = jnp.linalg.cholesky(self.correlation) @ unit
        return self.std * unit

    def log_density(self, departures: Array) -> Array:
        """Log density of each departure from an observation [..., m], up to a constant.

        With correlated errors those are the whitened ones: only their sum has a meaning.
        """
        z = self.whiten(departures)
        match self.distribution:
            case "gaussian":
                return -(z**2) / 2
            case "laplace":
                return -math.sqrt(2) * jnp.abs(z)
            case "student":
                return -(self.dof + 1) / 2 * jnp.log1p(z**2 / (self.dof - 2))

    def of(self, observation: Array) -> ObservationError:
        """The error of one observation, by its number, with m = 1."""
        return ObservationError(self.std[observation][None], None, self.distribution, self.dof)


def ring_correlation(sites: Array, n: int, length: Array) -> Array:
    """exp(-d / length) between ``sites`` [m] of a ring of ``n``: [m, m]; positive definite."""
    d = jnp.abs(sites[:, None] - sites)
    return jnp.exp(-jnp.minimum(d, n - d) / length)


def regular_sites(n: int, m: int) -> Array:
    """``m`` evenly spaced sites of a ring of ``n``, from site 0: int32 [m]."""
    return (jnp.arange(m) * n // m).astype(jnp.int32)


def random_sites(key: Array, n: int, m: int) -> Array:
    """``m`` distinct sites of ``n``, uniformly drawn, ascending: int32 [m]."""
    if m == n:
        return jnp.arange(n, dtype=jnp.int32)
    order = jnp.argsort(jax.random.bits(key, (n,), jnp.uint32))
    return jnp.sort(order[:m]).astype(jnp.int32)


def observe(operator: str, state: Array, sites: Array) -> Array:
    """What is observed of states [..., n] at ``sites`` [m]: [..., m]."""
    return OPERATORS[operator](state[..., sites])


def slope(operator: str, state: Array, sites: Array) -> Array:
    """The derivative of the observed quantities by the state at their own site: [m]."""
    return jax.vmap(jax.grad(OPERATORS[operator]))(state[sites])
