"""3D-Var: one state is forecast, and corrected with a covariance that never changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from compute.schemes import Moment, Outcome, World
from compute.schemes._parameters import B_SCALE
from compute.variational import update
from learnda.declarations import Method

METHOD = Method(
    name="3dvar",
    help="A single state is cycled; its background covariance is b_scale times the climatological "
    "one at all times. It starts from the mean of the first ensemble. What a filter must beat to "
    "be worth its members.",
    reference="Lorenc (1986), doi:10.1002/qj.49711247414",
    parameters=(B_SCALE,),
    baseline=True,
    work="matrix",
    has_members=False,
)


def start(world: World, ensemble: Any) -> Array:
    """The mean of the first ensemble: [R, n]."""
    return jnp.mean(ensemble, axis=1)


def cycle(world: World, moment: Moment, state: Array, parameters: Mapping[str, Any]) -> Outcome:
    """``state`` [n] is the analysis before."""
    background = world.forecast(state, moment.substeps)
    B = parameters["b_scale"] * world.climatology.matrix()
    found = update(world, moment, background, B)
    return Outcome(found.analysis.mean, found.background, found.analysis, found.info)
