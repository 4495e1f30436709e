"""The iterative ensemble Kalman filter and smoother in Gauss-Newton form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from compute import inflation
from compute.filters._parameters import spreading_after
from compute.inflation import split
from compute.randomness import Purpose
from compute.schemes import Estimate, Moment, Outcome, World
from learnda.declarations import Method, Parameter

METHOD = Method(
    name="ienks",
    help="Minimises the cost of the etkf with the observations, and for lag 1 the forecast since "
    "the analysis before, linearised anew at each iteration by the ensemble itself. lag 0: for "
    "nonlinear observations (the MLEF); lag 1: for nonlinear dynamics, the IEnKF. With lag 0 and "
    "one iteration it is the etkf. Forecasts the ensemble once per iteration at lag 1.",
    reference="Bocquet & Sakov (2014), doi:10.1002/qj.2236; Sakov, Oliver & Bertino (2012), "
    "doi:10.1175/MWR-D-11-00176.1",
    parameters=(
        Parameter(
            name="lag",
            type="int",
            default=1,
            label="Lag",
            help="Intervals between what is corrected and what is observed.",
            unit="cycles",
            min=0,
            max=1,
            step=1,
        ),
        Parameter(
            name="iterations",
            type="int",
            default=10,
            label="Iterations",
            help="At most so many; it ends earlier when the mean moves less than a ten-thousandth "
            "of the ensemble's spread.",
            min=1,
            max=50,
            step=1,
        ),
        *spreading_after(),
    ),
    work="iterated",
)
TOLERANCE = 1e-4


class Iterate(NamedTuple):
    """One point of the minimisation, in the space of the members."""

    number: Array
    w: Array
    """[N], the mean's weights."""
    T: Array
    """[N, N], the transform of the anomalies."""
    inverse: Array
    """[N, N], of T."""
    size: Array
    """Root mean square of the last step, times that of the members."""


def start(world: World, ensemble: Any) -> Array:
    """The first ensemble: [R, N, n]."""
    return ensemble


def cycle(world: World, moment: Moment, state: Array, parameters: Mapping[str, Any]) -> Outcome:
    """``state`` [N, n] is the analysis before, after inflation: what is forecast."""
    members = len(state)
    lag = parameters["lag"].astype(jnp.int32)
    noise = moment.key(Purpose.FORECAST_MODEL_ERROR)
    background = world.noisy_forecast(state, moment.substeps, noise)
    first = jnp.where(lag > 0, state, background)  # what is corrected
    ahead = lag * moment.substeps
    mean, anomalies = split(first)

    def forecast(w: Array, T: Array) -> Array:
        return world.noisy_forecast(mean + w @ anomalies + T @ anomalies, ahead, noise)

    def gauss_newton(at: Iterate) -> Iterate:
        observed = world.observe(forecast(at.w, at.T), moment.sites)
        centre, spread = split(observed)
        S = at.inverse @ moment.error.whiten(spread)  # the sensitivity to the first anomalies
        d = moment.error.whiten(moment.y - centre)
        variance, U = jnp.linalg.eigh(S @ S.T)
        hessian = jnp.maximum(variance, 0) + members - 1
        gradient = S @ d - (members - 1) * at.w
        step = U @ (U.T @ gradient / hessian)
        root = jnp.sqrt((members - 1) / hessian)
        return Iterate(
            at.number + 1,
            at.w + step,
            (U * root) @ U.T,
            (U / root) @ U.T,
            jnp.sqrt((step**2).mean() * members),
        )

    def going_on(at: Iterate) -> Array:
        return (at.number < parameters["iterations"].astype(jnp.int32)) & (at.size > TOLERANCE)

    identity = jnp.eye(members, dtype=state.dtype)
    far = jnp.full((), jnp.inf, state.dtype)
    begin = Iterate(
        jnp.zeros((), jnp.int32), jnp.zeros(members, state.dtype), identity, identity, far
    )
    end = lax.while_loop(going_on, gauss_newton, begin)
    analysis = forecast(end.w, end.T)
    rotation = moment.key(Purpose.ROTATION)
    analysis = inflation.after_analysis(background, analysis, rotation, parameters)
    return Outcome(analysis, Estimate.of(background), Estimate.of(analysis), {})
