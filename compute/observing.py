"""What is observed: which sites of the ring, and with what error."""

from __future__ import annotations

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

Network = Literal["random", "fixed", "regular", "explicit"]


class ObservationError(NamedTuple):
    """The error that a filter assumes: independent, Gaussian."""

    variance: Array
    """[m], squared state units."""


def regular_sites(n: int, m: int) -> Array:
    """``m`` evenly spaced sites of a ring of ``n``, from site 0: int32 [m]."""
    return (jnp.arange(m) * n // m).astype(jnp.int32)


def random_sites(key: Array, n: int, m: int) -> Array:
    """``m`` distinct sites of ``n``, uniformly drawn, ascending: int32 [m]."""
    if m == n:
        return jnp.arange(n, dtype=jnp.int32)
    order = jnp.argsort(jax.random.bits(key, (n,), jnp.uint32))
    return jnp.sort(order[:m]).astype(jnp.int32)


def observe(state: Array, sites: Array) -> Array:
    """The observed part of states [..., n] at ``sites`` [m]: [..., m]."""
    return state[..., sites]
