"""4D-Var over one interval: the state before is corrected by what is observed after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.scipy.linalg import cho_factor, cho_solve

from compute.schemes import Estimate, Moment, Outcome, World, tangent_operator
from compute.schemes._parameters import B_SCALE
from compute.variational import update
from learnda.declarations import Method, Parameter

METHOD = Method(
    name="4dvar",
    help="Strong-constraint, incremental, with a window of one interval: at each analysis the "
    "state one interval earlier is corrected so that its forecast fits the new observations, then "
    "forecast. The background covariance there is b_scale times the climatological one. Each "
    "iteration linearises model and observations anew and solves exactly (Gauss-Newton).",
    reference="Le Dimet & Talagrand (1986), doi:10.3402/tellusa.v38i2.11706; Courtier, Thepaut & "
    "Hollingsworth (1994), doi:10.1002/qj.49712051912",
    parameters=(
        B_SCALE,
        Parameter(
            name="iterations",
            type="int",
            default=3,
            label="Iterations",
            help="Gauss-Newton steps per analysis.",
            min=1,
            max=20,
            step=1,
        ),
    ),
    work="tangent",
    has_members=False,
)


def start(world: World, ensemble: Any) -> Array:
    """The mean of the first ensemble: [R, n]."""
    return jnp.mean(ensemble, axis=1)


def cycle(world: World, moment: Moment, state: Array, parameters: Mapping[str, Any]) -> Outcome:
    """Minimise |x - b|^2_B + |y - H M(x)|^2_R over x, the state [n] one interval before; b is
    ``state``. With G = H M the step is x = b + BG' (GBG' + R)^-1 (y - H M(x) + G (x - b)).
    """
    B = parameters["b_scale"] * world.climatology.matrix()
    R = moment.error.covariance

    def forecast(x: Array) -> Array:
        return world.forecast(x, moment.substeps)

    def tangent(x: Array) -> tuple[Array, Array]:
        """M(x) and its Jacobian [n, n], step by step."""

        def step(_: Array, before: tuple[Array, Array]) -> tuple[Array, Array]:
            x, M = before
            return world.step(x), jax.jacfwd(world.step)(x) @ M

        return lax.fori_loop(0, moment.substeps, step, (x, jnp.eye(world.n, dtype=x.dtype)))

    def gauss_newton(_: Array, x: Array) -> Array:
        ahead, M = tangent(x)
        G = tangent_operator(world, ahead, moment.sites) @ M
        innovation = moment.y - world.observe(ahead, moment.sites) + G @ (x - state)
        BGt = B @ G.T
        return state + BGt @ cho_solve(cho_factor(G @ BGt + R), innovation)

    x = lax.fori_loop(0, parameters["iterations"].astype(jnp.int32), gauss_newton, state)
    background, M = tangent(state)
    analysis = forecast(x)
    # what it believes of its errors: the forecast of B, and the Kalman update of that
    believed = update(world, moment, background, M @ B @ M.T)
    return Outcome(
        analysis,
        believed.background,
        Estimate(analysis, believed.analysis.variance),
        {"innovation_consistency": believed.info["innovation_consistency"]},
    )
