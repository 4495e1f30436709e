"""The truth of the analysis before, as if nothing had happened since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from compute.schemes import Estimate, Moment, Outcome, World
from learnda.declarations import Method

METHOD = Method(
    name="persistence",
    help="The truth of the previous analysis time, without uncertainty: how fast the truth "
    "changes. At the first analysis, the climatological mean.",
    reference="Lorenz (1996)",
    baseline=True,
    work="none",
    has_members=False,
)


def start(world: World, ensemble: Any) -> Array:
    """The climatological mean at every site: [R, n]."""
    replicates, _, n = ensemble.shape
    return jnp.broadcast_to(world.climatology.mean, (replicates, n))


def cycle(world: World, moment: Moment, state: Array, parameters: Mapping[str, Any]) -> Outcome:
    """``state`` [n] is the truth of the analysis before."""
    before = Estimate.certain(state)
    return Outcome(moment.truth, before, before, {})
