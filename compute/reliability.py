"""What is gathered over scored cycles: is the forecast's spread honest, how does its error grow?

Counts and sums are carried from cycle to cycle in bounded memory; recording them changes no other
number. The background is judged: it has not seen the observations.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray

from compute.schemes import Estimate

MAX_RANKS = 1025
"""Bins of the rank histogram at most: larger ensembles share bins among neighbouring ranks."""
SPREAD_BINS = 20
SPREAD_DECADES = 3.0
"""The bins of spread are evenly spaced in its logarithm, over so many decades below one and a half
climatological standard deviations; smaller spreads are in the first, larger ones in the last."""


Draw = Callable[[int], Array]
"""Gives uniform numbers [K, sites] for so many sites."""


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


def nothing(members: int, leads: int, lanes: tuple[int, ...]) -> Gathered:
    """Before the first cycle, for so many ``lanes`` [R] or [I, R]; ``members`` is 0 for a method
    without.
    """
    bins = min(members + 1, MAX_RANKS) if members else 0

    def zeros(length: int, dtype: Any) -> Any:
        return np.zeros((*lanes, length), dtype)

    return Gathered(
        zeros(bins, np.int64),
        zeros(SPREAD_BINS, np.int64),
        zeros(SPREAD_BINS, np.float64),
        zeros(SPREAD_BINS, np.float64),
        zeros(leads, np.float64),
        zeros(leads, np.int64),
    )


def spread_edges(climatological_std: float) -> NDArray[np.float64]:
    """Upper edges of the bins of standard deviation, in state units; the last is infinite."""
    top = 1.5 * climatological_std
    edges = top * 10 ** np.linspace(-SPREAD_DECADES, 0, SPREAD_BINS)
    edges[-1] = np.inf
    return edges


class Look(NamedTuple):
    """What one cycle of one replicate leaves for `gather`."""

    below: Array
    """[n] int32: members below the truth; [0] without members."""
    ties: Array
    """[n] int32: members equal to it."""
    variance: Array
    """[n], of the background."""
    squared: Array
    """[n], the squared error of its mean."""
    lead_rmse: Array
    """[L], of the forecasts that end now."""
    leads_known: Array
    """How many of those there are yet."""
    scored: Array
    """bool: does the cycle count?"""


def look(
    background: Estimate, truth: Array, lead_rmse: Array, leads_known: Array, scored: Array
) -> Look:
    """A background against the truth [n]."""
    empty = jnp.zeros(0, jnp.int32)
    members = background.members
    return Look(
        empty if members is None else (members < truth).sum(axis=0, dtype=jnp.int32),
        empty if members is None else (members == truth).sum(axis=0, dtype=jnp.int32),
        background.variance,
        (background.mean - truth) ** 2,
        lead_rmse,
        leads_known,
        scored,
    )


def gather(
    gathered: Gathered, seen: Look, members: int, climatological_std: Array, draw: Draw
) -> Gathered:
    """With K more cycles: the arrays of ``seen`` are [K, ...]. ``draw`` gives uniform numbers
    [K, sites], to break ties of ranks.

    All at once rather than cycle by cycle, which would cost more than many an analysis; but sums of
    numbers with a fraction go in the order of the cycles, so that the cutting changes no bit.
    """
    counts = seen.scored.astype(jnp.int64)  # [K]
    top = 1.5 * jnp.maximum(climatological_std, np.finfo(seen.variance.dtype).tiny)
    per_decade = (SPREAD_BINS - 1) / SPREAD_DECADES
    tiny = np.finfo(seen.variance.dtype).tiny
    height = jnp.log10(jnp.maximum(jnp.sqrt(seen.variance) / top, tiny))
    place = jnp.clip(jnp.ceil((height + SPREAD_DECADES) * per_decade), 0, SPREAD_BINS - 1)
    inside = (place[..., None] == jnp.arange(SPREAD_BINS)) & seen.scored[:, None, None]
    leads = jnp.arange(seen.lead_rmse.shape[-1])
    known = (leads < seen.leads_known[:, None]) & seen.scored[:, None]
    parts = jnp.concatenate(
        [
            jnp.where(inside, seen.variance[..., None], 0).sum(axis=1),
            jnp.where(inside, seen.squared[..., None], 0).sum(axis=1),
            jnp.where(known, seen.lead_rmse, 0),
        ],
        axis=1,
    ).astype(jnp.float64)
    sums = jnp.concatenate([gathered.spread_variance, gathered.spread_error, gathered.lead_total])
    sums = lax.fori_loop(0, len(parts), lambda k, total: total + parts[k], sums)
    return Gathered(
        gathered.ranks + _rank_counts(seen, counts, members, draw),
        gathered.spread_counts + inside.sum(axis=(0, 1)),
        sums[:SPREAD_BINS],
        sums[SPREAD_BINS : 2 * SPREAD_BINS],
        sums[2 * SPREAD_BINS :],
        gathered.lead_counts + known.sum(axis=0),
    )


def _rank_counts(seen: Look, counts: Array, members: int, draw: Draw) -> Array:
    """How many sites' truth has so many members below it: [bins]; ties are broken at random, and so
    is where a rank counts that two bins share.
    """
    sites = seen.below.shape[1]
    bins = min(members + 1, MAX_RANKS) if sites else 0
    if not bins:
        return jnp.zeros(0, jnp.int64)
    shared = bins < members + 1

    # drawing costs more than counting: only where there is something to decide
    if shared:
        chance = draw(sites)
    else:
        undecided = (seen.ties * counts[:, None] > 0).any()
        chance = lax.cond(
            undecided, partial(draw, sites), lambda: jnp.zeros(seen.below.shape, jnp.float32)
        )
    chance = chance.astype(jnp.float64) * (seen.ties + 1)
    place = seen.below + jnp.minimum(chance.astype(jnp.int32), seen.ties)
    if shared:
        within = place + chance % 1  # chance has been used up to its integer part
        place = jnp.minimum((within * bins / (members + 1)).astype(jnp.int32), bins - 1)
    weights = jnp.broadcast_to(counts[:, None], place.shape)
    return jnp.zeros(bins, jnp.int64).at[place].add(weights)
