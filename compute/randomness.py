"""Counter-based random keys: every draw is named by (seed, replicate, purpose, cycle).

No state, no order: a draw does not depend on which others were made, so methods share the truth,
a run can go on from any cycle, and one more method changes nothing for the rest. Threefry, after
Salmon et al. (2011), doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

from enum import IntEnum

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend.random import threefry_2x32


class Purpose(IntEnum):
    """What a draw is for. The numbers are part of what a seed means: never renumber."""

    TRUTH_START = 0
    ENSEMBLE_START = 1
    SITES = 2
    OBSERVATION_ERROR = 3
    ANALYSIS = 4
    ROTATION = 5
    CLIMATOLOGY = 6
    TRUTH_MODEL_ERROR = 7
    FORECAST_MODEL_ERROR = 8
    RANK_TIES = 9


_PURPOSES = np.uint32(256)
"""More than there are: beyond them the first word of a hash names a place as well."""


def seed_words(seed: int) -> np.ndarray:
    """A seed of up to 64 bits as the two words of a Threefry key: uint32 [2]."""
    return np.array([seed >> 32, seed & 0xFFFFFFFF], np.uint32)


def replicate_keys(words: Array, replicates: Array) -> Array:
    """One key for each replicate, by its number: [R] of uint32 [R]."""
    root = jax.random.wrap_key_data(words, impl="threefry2x32")
    return jax.vmap(lambda r: jax.random.fold_in(root, r))(replicates)


def draw_key(replicate_key: Array, purpose: Purpose, cycle: Array | int = 0) -> Array:
    """The key of one draw of one replicate: the hash of (purpose, cycle) under its key.

    One hash rather than two of `jax.random.fold_in`: each is a loop that XLA has to compile.
    """
    pair = jnp.stack([jnp.uint32(purpose), jnp.asarray(cycle).astype(jnp.uint32)])
    words = threefry_2x32(jax.random.key_data(replicate_key), pair)
    return jax.random.wrap_key_data(words, impl="threefry2x32")


def uniform_by_place(replicate_key: Array, purpose: Purpose, cycles: Array, places: int) -> Array:
    """Numbers of 24 bits in [0, 1), one for each cycle of [K] and place: float32 [K, places]. One
    hash draws them all, and each is what it is whatever the other cycles are.
    """
    first = jnp.uint32(purpose) + _PURPOSES * jnp.arange(places, dtype=jnp.uint32)
    pairs = jnp.broadcast_arrays(first, cycles.astype(jnp.uint32)[:, None])
    words = threefry_2x32(jax.random.key_data(replicate_key), jnp.stack(pairs))[0]
    return (words >> 8).astype(jnp.float32) * np.float32(2**-24)
