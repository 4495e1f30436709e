"""Optimal interpolation: the climatology is the prior at every cycle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from compute.schemes import Moment, Outcome, World
from compute.variational import update
from learnda.declarations import Method

METHOD = Method(
    name="optimal-interpolation",
    help="The climatological mean and covariance as prior at every cycle: what the observations of "
    "one time give, without any forecast.",
    reference="Gandin (1963); Daley (1991)",
    baseline=True,
    work="matrix",
    has_members=False,
)


def start(world: World, ensemble: Any) -> tuple[()]:
    """Nothing is carried."""
    return ()


def cycle(world: World, moment: Moment, state: Any, parameters: Mapping[str, Any]) -> Outcome:
    """mean + K (y - H mean), with the climatological covariance."""
    prior = jnp.ones_like(moment.truth) * world.climatology.mean
    found = update(world, moment, prior, world.climatology.matrix())
    return Outcome(state, found.background, found.analysis, found.info)
