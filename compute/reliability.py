"""What is gathered over scored cycles: is the forecast's spread honest, how does its error grow?

Counts and sums are carried from cycle to cycle in bounded memory; recording them changes no other
number. The background is judged: it has not seen the observations.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from compute.schemes import Estimate

MAX_RANKS = 1025
"""Bins of the rank histogram at most: larger ensembles share bins among neighbouring ranks."""
SPREAD_BINS = 20
SPREAD_DECADES = 3.0
"""The bins of spread are evenly spaced in its logarithm, over so many decades below one and a half
climatological standard deviations; smaller spreads are in the first, larger ones in the last."""


class Gathered(NamedTuple):
    """Sums over the scored cycles of one replicate."""

    ranks: Array
    """[N + 1] int: how often the truth had so many members below it; [0] without members."""
    spread_counts: Array
    """[SPREAD_BINS] int: sites and cycles by the background's standard deviation."""
    spread_variance: Array
    """[SPREAD_BINS] sum of the background's variance."""
    spread_error: Array
    """[SPREAD_BINS] sum of the squared error of its mean."""
    lead_total: Array
    """[L] sum of the RMSE of a forecast from the analysis mean, 1 .. L cycles ahead."""
    lead_counts: Array
    """[L] int"""


def nothing(members: int, leads: int, replicates: int) -> Gathered:
    """Before the first cycle, for R replicates; ``members`` is 0 for a method without."""
    bins = min(members + 1, MAX_RANKS) if members else 0
    zeros: Any = partial(np.zeros, (replicates, SPREAD_BINS))
    return Gathered(
        np.zeros((replicates, bins), np.int64),  # type: ignore[arg-type]  # the host's arrays do
        zeros(np.int64),
        zeros(np.float64),
        zeros(np.float64),
        np.zeros((replicates, leads), np.float64),  # type: ignore[arg-type]
        np.zeros((replicates, leads), np.int64),  # type: ignore[arg-type]
    )


def spread_edges(climatological_std: float) -> NDArray[np.float64]:
    """Upper edges of the bins of standard deviation, in state units; the last is infinite."""
    top = 1.5 * climatological_std
    edges = top * 10 ** np.linspace(-SPREAD_DECADES, 0, SPREAD_BINS)
    edges[-1] = np.inf
    return edges


def gather(
    gathered: Gathered,
    key: Array,
    background: Estimate,
    truth: Array,
    climatological_std: Array,
    lead_rmse: Array,
    leads_known: Array,
    scored: Array,
) -> Gathered:
    """With one more cycle, where it is ``scored``. ``key`` breaks ties of ranks; ``lead_rmse`` [L]
    holds the errors of the forecasts that end now, of which the first ``leads_known`` are known.
    """
    ranks = gathered.ranks
    if background.members is not None:
        ranks = ranks + jnp.where(scored, _rank_counts(key, background.members, truth), 0)
    top = 1.5 * jnp.maximum(climatological_std, np.finfo(truth.dtype).tiny)
    per_decade = (SPREAD_BINS - 1) / SPREAD_DECADES
    variance = background.variance
    height = jnp.log10(jnp.maximum(jnp.sqrt(variance) / top, np.finfo(truth.dtype).tiny))
    place = jnp.clip(jnp.ceil((height + SPREAD_DECADES) * per_decade), 0, SPREAD_BINS - 1)
    inside = (place[:, None] == jnp.arange(SPREAD_BINS)) & scored
    known = (jnp.arange(gathered.lead_counts.shape[0]) < leads_known) & scored
    squared = (background.mean - truth) ** 2
    return Gathered(
        ranks,
        gathered.spread_counts + inside.sum(axis=0),
        gathered.spread_variance + jnp.where(inside, variance[:, None], 0).sum(axis=0),
        gathered.spread_error + jnp.where(inside, squared[:, None], 0).sum(axis=0),
        gathered.lead_total + jnp.where(known, lead_rmse, 0),
        gathered.lead_counts + known,
    )


def _rank_counts(key: Array, members: Array, truth: Array) -> Array:
    """How many sites' truth has so many members below it: [bins]; ties are broken at random, and so
    is where a rank counts that two bins share.
    """
    count = members.shape[0]
    below = (members < truth).sum(axis=0)
    ties = (members == truth).sum(axis=0)
    chance = jax.random.uniform(key, truth.shape, jnp.float32).astype(jnp.float64) * (ties + 1)
    rank = below + jnp.minimum(chance.astype(below.dtype), ties)
    bins = min(count + 1, MAX_RANKS)
    if bins < count + 1:
        within = rank + chance % 1  # chance has been used up to its integer part
        place = jnp.minimum((within * bins / (count + 1)).astype(rank.dtype), bins - 1)
    else:
        place = rank
    return jnp.zeros(bins, jnp.int64).at[place].add(1)
