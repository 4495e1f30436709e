"""One Kalman update of a single state with a covariance that is given: what OI and 3D-Var share.

Observations that are not linear are linearised at the background.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import cho_factor, cho_solve

from compute.observing import ObservationError
from compute.schemes import Estimate, Moment, World, tangent_operator


class Update(NamedTuple):
    """The background with its covariance, the analysis with its own, and how well they fit."""

    background: Estimate
    analysis: Estimate
    covariance: Array
    """[n, n], of the analysis: (I - KH) B."""
    info: dict[str, Array]


def update(world: World, moment: Moment, background: Array, B: Array) -> Update:
    """K = BH' (HBH' + R)^-1 at ``background`` [n] with the covariance B [n, n]."""
    H = tangent_operator(world, background, moment.sites)  # [m, n]
    BHt = B @ H.T
    innovation = moment.y - world.observe(background, moment.sites)
    factor = cho_factor(H @ BHt + moment.error.covariance)
    solved = cho_solve(factor, jnp.concatenate([innovation[:, None], BHt.T], axis=1))
    analysis = background + BHt @ solved[:, 0]
    covariance = B - BHt @ solved[:, 1:]
    left = moment.y - world.observe(analysis, moment.sites)
    info = fit(moment.error, innovation, left, H @ BHt, solved[:, 0])
    spread = jnp.maximum(jnp.diagonal(covariance), 0)
    return Update(
        Estimate(background, jnp.diagonal(B)), Estimate(analysis, spread), covariance, info
    )


def fit(
    error: ObservationError, before: Array, after: Array, HBHt: Array, solved: Array
) -> dict[str, Array]:
    """The numbers of `compute.diagnostics.consistency` for a covariance HBH' [m, m] that is given.

    ``before`` and ``after`` [m] are the departures of y from background and analysis, ``solved``
    [m] is (HBH' + R)^-1 before.
    """
    m = len(before)
    d_b, d_a = error.whiten(jnp.stack([before, after]))
    trace = error.whiten(error.whiten(HBHt).T).trace()
    return {
        "innovation_consistency": before @ solved / m,
        "desroziers_error": d_a @ d_b / m,
        "desroziers_background": (d_b - d_a) @ d_b / jnp.where(trace > 0, trace, jnp.nan),
    }
