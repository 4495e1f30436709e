"""Observations one by one: each moves the members where it is, and all else by linear regression.

The two steps of Anderson (2003), doi:10.1175/1520-0493(2003)131<0634:ALLSFF>2.0.CO;2. What is still
to be assimilated is moved along with the state, so that any observation operator will do.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax

from compute.localization import RingLocalization
from compute.observing import ObservationError

Increments = Callable[[Array, Array, ObservationError], Array]
"""From the members' value [N] of one quantity, its observation and that one's error (m = 1) to what
each member's value moves by: [N]."""


def assimilate(
    key: Array,
    ensemble: Array,
    observed: Array,
    y: Array,
    error: ObservationError,
    localization: RingLocalization,
    increments: Increments,
) -> Array:
    """The ensemble [N, n] after all m observations, in a random order drawn from ``key``.

    Shapes: ensemble [N, n], observed [N, m], y [m]. The taper multiplies the regression of each
    observation.
    """
    n = ensemble.shape[1]
    m = len(y)
    order = jax.random.permutation(key, m)

    def one(k: Array, joint: Array) -> Array:
        observation = order[k]
        values = joint[:, n + observation]
        moves = increments(values, y[observation], error.of(observation))
        anomalies = values - values.mean()
        variance = (anomalies**2).sum()
        slopes = anomalies @ joint / jnp.where(variance > 0, variance, 1)  # [n + m]
        if localization.local:
            to_state = localization.to_state(observation)
            to_observations = localization.to_observations(observation)
            slopes = slopes * jnp.concatenate([to_state, to_observations])
        return joint + moves[:, None] * slopes

    joint = jnp.concatenate([ensemble, observed], axis=1)
    return lax.fori_loop(0, m, one, joint)[:, :n]
