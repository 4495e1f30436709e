"""How every filter is cycled: forecast, inflation, analysis, relaxation or rotation, inflation.

It makes a scheme of a filter, so that what surrounds the analysis is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from compute import inflation
from compute.filters import Filter
from compute.localization import Localization
from compute.observing import ObservationError
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


class Assimilated(NamedTuple):
    """What one analysis makes of a forecast."""

    background: Array
    """[N, n], the forecast, inflated where that comes before the analysis."""
    observed: Array
    """[N, m], what its members predict."""
    analysis: Array
    """[N, n], inflated, relaxed or rotated: what is forecast next."""
    inflation: Array
    """[n], the adaptive inflation for the next cycle."""
    info: dict[str, Array]


class Draws(NamedTuple):
    """The keys of one cycle's random numbers."""

    analysis: Array
    rotation: Array


Observe = Callable[[Array, Array | float], Array]
"""From an inflated ensemble [N, n], and what its anomalies were multiplied by, to what its members
predict [N, m]."""


def assimilate(
    entry: Filter,
    forecast: Array,
    adaptive: Array,
    observe: Observe,
    y: Array,
    error: ObservationError,
    localization: Localization,
    draws: Draws,
    parameters: Mapping[str, Any],
) -> Assimilated:
    """The analysis with the inflation around it, of a forecast [N, n] with the adaptive inflation
    [n] that it comes with.
    """
    how = parameters.get("inflation")
    factor: Array | float = 1.0
    background = forecast
    if how == "background":
        factor = parameters["inf_fact"]
        background = inflation.inflate(forecast, factor)
    elif how == "adaptive":
        factor = jnp.sqrt(adaptive)
        background = inflation.inflate(forecast, factor)
    observed = observe(background, factor)
    analysis, info = entry.analyse(
        draws.analysis, background, observed, y, error, localization, parameters
    )
    adapted = adaptive
    if how == "adaptive":
        S, d = whiten(observed, y, error)
        adapted = inflation.adapt(adaptive, S, d, localization, parameters["adaptation_std"])
        adapted = jnp.broadcast_to(adapted, adaptive.shape)
    if how is not None:
        analysis = inflation.after_analysis(background, analysis, draws.rotation, parameters)
    return Assimilated(background, observed, analysis, adapted, info)


def cycle(
    entry: Filter, world: World, moment: Moment, state: EnsembleState, parameters: Mapping[str, Any]
) -> Outcome:
    """One cycle of one replicate."""
    forecast = world.noisy_forecast(
        state.ensemble, moment.substeps, moment.key(Purpose.FORECAST_MODEL_ERROR)
    )
    done = assimilate(
        entry,
        forecast,
        state.inflation,
        lambda ensemble, _: world.observe(ensemble, moment.sites),
        moment.y,
        moment.error,
        moment.localization,
        Draws(moment.key(Purpose.ANALYSIS), moment.key(Purpose.ROTATION)),
        parameters,
    )
    return Outcome(
        EnsembleState(done.analysis, done.inflation),
        Estimate.of(done.background),
        Estimate.of(done.analysis),
        done.info,
    )
