"""The climatological mean, whatever is observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from compute.schemes import Estimate, Moment, Outcome, World
from learnda.declarations import Method

METHOD = Method(
    name="climatology",
    help="Mean and variance of a long run of the truth's model, independent of the truth: what one "
    "knows without forecasts and observations.",
    reference="Lorenz (1996)",
    baseline=True,
    work="none",
    has_members=False,
)


def start(world: World, ensemble: Any) -> tuple[()]:
    """Nothing is carried."""
    return ()


def cycle(world: World, moment: Moment, state: Any, parameters: Mapping[str, Any]) -> Outcome:
    """The same estimate at every time."""
    like = jnp.ones_like(moment.truth)
    estimate = Estimate(like * world.climatology.mean, like * world.climatology.variance)
    return Outcome(state, estimate, estimate, {})
