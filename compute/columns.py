"""Large ensembles, some columns at a time: in the cache, and with no copy of the whole."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax


def by_columns(function: Callable[[Array, Array], Array], ensemble: Array, size: int) -> Array:
    """What ``function`` makes of an ensemble [N, n], ``size`` columns at a time: [N', n].

    It takes columns [N, k] and their numbers [k] to columns [N', k], each for itself: the last
    columns overlap those before.
    """
    n = ensemble.shape[1]
    if n <= size:
        return function(ensemble, jnp.arange(n))

    def one(k: Array, done: Array) -> Array:
        at = jnp.minimum(k * size, n - size)
        columns = lax.dynamic_slice_in_dim(ensemble, at, size, axis=1)
        found = function(columns, at + jnp.arange(size))
        return lax.dynamic_update_slice_in_dim(done, found, at, axis=1)

    like = jax.eval_shape(function, ensemble[:, :1], jnp.arange(1))
    return lax.fori_loop(0, -(-n // size), one, jnp.zeros((len(like), n), like.dtype))
