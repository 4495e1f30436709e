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


def seed_words(seed: int) -> np.ndarray:
    """A seed of up to 64 bits as the two words of a Threefry key: uint32 [2]."""
    return np.array([seed >> 32, seed & 0xFFFFFFFF], np.uint32)


def replicate_keys(words: Array, replicates: Array) -> Array:
    """One key for each replicate, by its number: [R] of uint32 [R]."""
    root = jax.random.wrap_key_data(words, impl="threefry2x32")
    return jax.vmap(lambda r: jax.random.fold_in(root, r))(replicates)


def draw_key(replicate_key: Array, purpose: Purpose, cycle: Array | int = 0) -> Array:
    """The key of one draw of one replicate."""
    of_purpose = jax.random.fold_in(replicate_key, int(purpose))
    return jax.random.fold_in(of_purpose, jnp.asarray(cycle).astype(jnp.uint32))
