"""How every filter is cycled: forecast, inflation, analysis, relaxation or rotation, inflation.

It makes a scheme of a filter, so that what surrounds the analysis is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from compute import inflation
from compute.filters import Filter
from compute.randomness import Purpose
from compute.schemes import Estimate, Moment, Outcome, Scheme, World
from compute.transform import whiten


class EnsembleState(NamedTuple):
    """What a filter carries from cycle to cycle."""

    ensemble: Array
    """[N, n], after inflation: what is forecast next."""
    inflation: Array
    """[n]: the adaptive inflation of the background variance; 1 where it is not adaptive."""


def scheme_of(entry: Filter) -> Scheme:
    """A filter's analysis with all that surrounds it."""
    return Scheme(entry.declaration, start, partial(cycle, entry))


def start(world: World, ensemble: Any) -> EnsembleState:
    """Before the first analysis: the first ensemble [R, N, n], not inflated."""
    replicates, _, n = ensemble.shape
    inflation: Any = np.ones((replicates, n), ensemble.dtype)
    return EnsembleState(ensemble, inflation)


def cycle(
    entry: Filter, world: World, moment: Moment, state: EnsembleState, parameters: Mapping[str, Any]
) -> Outcome:
    """One cycle of one replicate."""
    background = world.noisy_forecast(
        state.ensemble, moment.substeps, moment.key(Purpose.FORECAST_MODEL_ERROR)
    )
    how = parameters.get("inflation")
    if how == "background":
        background = inflation.inflate(background, parameters["inf_fact"])
    elif how == "adaptive":
        background = inflation.inflate(background, jnp.sqrt(state.inflation))
    observed = world.observe(background, moment.sites)
    analysis, info = entry.analyse(
        moment.key(Purpose.ANALYSIS),
        background,
        observed,
        moment.y,
        moment.error,
        moment.localization,
        parameters,
    )
    adapted = state.inflation
    if how == "adaptive":
        S, d = whiten(observed, moment.y, moment.error)
        adapted = inflation.adapt(adapted, S, d, moment.localization, parameters["adaptation_std"])
        adapted = jnp.broadcast_to(adapted, state.inflation.shape)
    if how is not None:
        rotation = moment.key(Purpose.ROTATION)
        analysis = inflation.after_analysis(background, analysis, rotation, parameters)
    return Outcome(
        EnsembleState(analysis, adapted), Estimate.of(background), Estimate.of(analysis), info
    )
