"""Observations one by one: each moves the members where it is, and all else by linear regression.

The two steps of Anderson (2003), doi:10.1175/1520-0493(2003)131<0634:ALLSFF>2.0.CO;2. What is still
to be assimilated is moved along with the state, so that any observation operator will do.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax

from compute.localization import Localization, RingLocalization
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
    localization: Localization,
    increments: Increments,
) -> Array:
    """The ensemble [N, n] after all m observations, in a random order drawn from ``key``.

    Shapes: ensemble [N, n], observed [N, m], y [m]. The taper multiplies the regression of each
    observation.
    """
    m = len(y)
    order = jax.random.permutation(key, m)

    def regression(values: Array, observation: Array) -> tuple[Array, Array]:
        """What ``values`` [N] of the observation move by, and what takes the members' values [N] of
        anything to its slope on them.
        """
        moves = increments(values, y[observation], error.of(observation))
        anomalies = values - values.mean()
        variance = (anomalies**2).sum()
        return moves, anomalies / jnp.where(variance > 0, variance, 1)

    if isinstance(localization, RingLocalization) and _windows_are_small(localization, m):
        return _within_windows(order, ensemble, observed, localization, regression)
    return _everywhere(order, ensemble, observed, localization, regression)


def _windows_are_small(ring: RingLocalization, m: int) -> bool:
    """Whether an observation moves but a small part of state and observations."""
    return ring.local and 4 * (2 * ring.window + 1) <= ring.n + m


_Regression = Callable[[Array, Array], tuple[Array, Array]]


def _everywhere(
    order: Array,
    ensemble: Array,
    observed: Array,
    localization: Localization,
    regression: _Regression,
) -> Array:
    """Each observation moves all of state and observations [N, n + m]."""
    n = ensemble.shape[1]
    tapers = localization.to_joint() if localization.local else None

    def one(k: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        joint, held = carry
        observation = order[k]
        # held apart: read while the joint array is written, they would cost a copy of it
        held = held.at[0].set(joint[:, n + observation])
        moves, to_slope = regression(held[0], observation)
        slopes = to_slope @ joint
        if tapers is not None:
            slopes = slopes * tapers(observation)
        return joint + moves[:, None] * slopes, held

    joint = jnp.concatenate([ensemble, observed], axis=1)
    held = jnp.zeros((2, len(ensemble)), joint.dtype)
    return lax.fori_loop(0, len(order), one, (joint, held))[0][:, :n]


def _within_windows(
    order: Array,
    ensemble: Array,
    observed: Array,
    localization: RingLocalization,
    regression: _Regression,
) -> Array:
    """Each observation moves what lies within the window of its site: state and observations as
    [n, 2, N], in which an observation stands beside the state at its site.
    """
    n, sites = localization.n, localization.sites
    offsets = jnp.arange(-localization.window, localization.window + 1)
    taper = localization.by_distance()[jnp.abs(offsets)]

    def one(k: Array, joint: Array) -> Array:
        observation = order[k]
        site = sites[observation]
        moves, to_slope = regression(joint[site, 1], observation)
        window = (site + offsets) % n
        near = joint[window]
        slopes = (near @ to_slope) * taper[:, None]
        near = near + slopes[..., None] * moves
        return joint.at[window].set(near, unique_indices=True, mode="promise_in_bounds")

    joint = jnp.zeros((n, 2, len(ensemble)), ensemble.dtype)
    joint = joint.at[:, 0].set(ensemble.T).at[sites, 1].set(observed.T)
    return lax.fori_loop(0, len(order), one, joint)[:, 0].T
