"""An analysis for every site from the observations near it: what local filters share."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax

from compute.localization import RingLocalization

BLOCK = 1024
"""Sites analysed at once: bounds the memory of the local problems on large rings."""

Local = Callable[[Array, Array, Array], Array]
"""From a site's column of the ensemble [N], the numbers [p] of the observations near it and the
roots [p] of their tapers to the column's analysis [N]."""


def over_sites(local: Local, ensemble: Array, localization: RingLocalization) -> Array:
    """The analysis [N, n] of an ensemble [N, n], site by site.

    Slots that are empty name the observation m, of no weight: see `padded`.
    """
    observation, weight = localization.neighbourhoods()
    sites = (ensemble.T, observation, jnp.sqrt(weight))

    def one(site: tuple[Array, Array, Array]) -> Array:
        return local(*site)

    n = ensemble.shape[1]
    analysed = jax.vmap(one)(sites) if n <= BLOCK else lax.map(one, sites, batch_size=BLOCK)
    return analysed.T


def padded(observed: Array) -> Array:
    """``observed`` [..., m] with a zero behind it, for the slots that are empty: [..., m + 1]."""
    return jnp.pad(observed, [(0, 0)] * (observed.ndim - 1) + [(0, 1)])
