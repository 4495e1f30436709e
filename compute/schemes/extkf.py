"""The extended Kalman filter: the covariance is carried by the tangent-linear model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from compute.schemes import Moment, Outcome, World
from compute.variational import update
from learnda.declarations import Method, Parameter

METHOD = Method(
    name="extkf",
    help="One state and its covariance, carried by the Jacobian of each Runge-Kutta step at the "
    "state before the step; the first covariance is the identity. inflation_per_time multiplies "
    "the covariance per unit of model time. Costs as many forecasts as there are sites.",
    reference="Jazwinski (1970); Evensen (1992), doi:10.1029/92JC01972",
    parameters=(
        Parameter(
            name="inflation_per_time",
            type="float",
            default=10.0,
            label="Inflation per time",
            help="Factor on the covariance per unit of model time: the forecast's covariance is "
            "multiplied by its power of the interval.",
            unit="per model time",
            min=0,
            exclusive_min=True,
            step=1,
        ),
    ),
    baseline=True,
    work="tangent",
    has_members=False,
)


class State(NamedTuple):
    """The analysis before."""

    mean: Array
    """[n]"""
    covariance: Array
    """[n, n]"""


def start(world: World, ensemble: Any) -> State:
    """The mean of the first ensemble, and P = I."""
    replicates, _, n = ensemble.shape
    identity = jnp.eye(n, dtype=ensemble.dtype)
    return State(jnp.mean(ensemble, axis=1), jnp.broadcast_to(identity, (replicates, n, n)))


def cycle(world: World, moment: Moment, state: State, parameters: Mapping[str, Any]) -> Outcome:
    """P = M P M' (with the stochastic forcing's Q) over each step, then a Kalman update."""
    interval = moment.interval / jnp.maximum(moment.substeps, 1)
    Q = world.forecast_noise**2 * interval * jnp.eye(world.n, dtype=state.mean.dtype)

    def step(_: Array, before: State) -> State:
        M = jax.jacfwd(world.step)(before.mean)
        return State(world.step(before.mean), M @ before.covariance @ M.T + Q)

    forecast = lax.fori_loop(0, moment.substeps, step, state)
    P = forecast.covariance * parameters["inflation_per_time"] ** moment.interval
    found = update(world, moment, forecast.mean, P)
    covariance = (found.covariance + found.covariance.T) / 2
    return Outcome(
        State(found.analysis.mean, covariance), found.background, found.analysis, found.info
    )
