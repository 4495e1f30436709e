"""An analysis for every site from the observations near it: what local filters share."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from compute.columns import by_columns
from compute.localization import Localization

WHOLE = 512
"""Up to so many sites are analysed at once."""
_LEAST_BLOCK, _MOST_BLOCK = 16, 48
"""Of larger rings 1/64, within these: so the local problems need no more memory than the ensemble
(20 members, 33 slots), and no more time than on a small ring."""

Local = Callable[[Array, Array, Array], Array]
"""From a site's column of the ensemble [N], the numbers [p] of the observations near it and the
roots [p] of their tapers to the column's analysis [N]."""


def over_sites(local: Local, ensemble: Array, localization: Localization) -> Array:
    """The analysis [N, n] of an ensemble [N, n], site by site.

    Slots that are empty name the observation m, of no weight: see `padded`.
    """
    n = ensemble.shape[1]
    find = localization.finder()

    def analyse(columns: Array, sites: Array) -> Array:
        """Of ``columns`` [N, k] at ``sites`` [k]."""
        observation, weight = find(sites)
        return jax.vmap(local)(columns.T, observation, jnp.sqrt(weight)).T

    size = n if n <= WHOLE else min(_MOST_BLOCK, max(_LEAST_BLOCK, n // 64))
    return by_columns(analyse, ensemble, size)


def padded(observed: Array) -> Array:
    """``observed`` [..., m] with a zero behind it, for the slots that are empty: [..., m + 1]."""
    return jnp.pad(observed, [(0, 0)] * (observed.ndim - 1) + [(0, 1)])
