"""The hybrid of EnKF and 3D-Var: sample and climatological covariance, mixed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from compute import inflation
from compute.filters._parameters import spreading_after
from compute.filters.enkf import perturbations
from compute.inflation import split
from compute.randomness import Purpose
from compute.schemes import Estimate, Moment, Outcome, World, tangent_operator
from compute.schemes._parameters import B_SCALE
from compute.variational import fit
from learnda.declarations import Method, Parameter

METHOD = Method(
    name="hybrid",
    help="B = (1 - static_weight) P + static_weight b_scale C, with C the climatological "
    "covariance, in a stochastic EnKF: full rank with few members, and of the day. static_weight "
    "0 is the enkf, 1 an ensemble of 3D-Vars. Observations that are not linear are linearised at "
    "the mean for C.",
    reference="Hamill & Snyder (2000), doi:10.1175/1520-0493(2000)128<2905:AHEKFV>2.0.CO;2",
    parameters=(
        Parameter(
            name="static_weight",
            type="float",
            default=0.3,
            label="Static weight",
            help="Share of the climatological covariance.",
            min=0,
            max=1,
            step=0.05,
        ),
        B_SCALE,
        *spreading_after(),
    ),
    work="matrix",
)


def start(world: World, ensemble: Any) -> Array:
    """The first ensemble: [R, N, n]."""
    return ensemble


def cycle(world: World, moment: Moment, state: Array, parameters: Mapping[str, Any]) -> Outcome:
    """x_i + BH' (HBH' + R)^-1 (y + e_i - H x_i); ``state`` [N, n] is what is forecast."""
    members, m = len(state), len(moment.y)
    background = world.noisy_forecast(
        state, moment.substeps, moment.key(Purpose.FORECAST_MODEL_ERROR)
    )
    observed = world.observe(background, moment.sites)
    mean, anomalies = split(background)
    _, seen = split(observed)
    share = parameters["static_weight"]
    sample = (1 - share) / (members - 1)
    H = tangent_operator(world, mean, moment.sites)
    static = share * parameters["b_scale"] * world.climatology.matrix() @ H.T  # [n, m]
    BHt = sample * anomalies.T @ seen + static
    HBHt = sample * seen.T @ seen + H @ static
    unit = perturbations(moment.key(Purpose.ANALYSIS), members, m, moment.y.dtype)
    departure = moment.y - observed.mean(axis=0)
    innovations = moment.y + moment.error.colour(unit) - observed
    wanted = jnp.concatenate([innovations, departure[None]])
    weights = jnp.linalg.solve(HBHt + moment.error.covariance, wanted.T)
    analysis = background + (BHt @ weights[:, :-1]).T
    left = moment.y - world.observe(analysis, moment.sites).mean(axis=0)
    info = fit(moment.error, departure, left, HBHt, weights[:, -1])
    rotation = moment.key(Purpose.ROTATION)
    analysis = inflation.after_analysis(background, analysis, rotation, parameters)
    return Outcome(analysis, Estimate.of(background), Estimate.of(analysis), info)
