"""A sample covariance drawn towards a multiple of the identity, by as much as its noise asks for.

B = (1 - gamma) P + gamma mu I with P the sample covariance (N - 1) and mu = tr(P) / n, from the
anomalies [N, n]: neither P nor the inner products of the members are formed where they are large.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array


def ledoit_wolf(anomalies: Array) -> Array:
    """gamma of Ledoit & Wolf (2004), doi:10.1016/S0047-259X(03)00096-4, in [0, 1].

    Distances are per site, and the sample covariance in them is divided by N, as there.
    """
    members, n = anomalies.shape
    lengths = (anomalies**2).sum(axis=1)
    trace = lengths.sum() / members
    size = _squared_norm(anomalies) / members**2  # |S|^2
    distance = (size - trace**2 / n) / n  # |S - mu I|^2 / n
    noise = ((lengths**2).sum() / members - size) / (n * members)
    return jnp.where(distance > 0, jnp.clip(noise / distance, 0, 1), 1)


def rao_blackwell(anomalies: Array) -> Array:
    """gamma of the Rao-Blackwell Ledoit-Wolf estimator, Chen, Wiesel, Eldar & Hero (2010),
    doi:10.1109/TSP.2010.2053029: the best for Gaussian members, in [0, 1].
    """
    members, n = anomalies.shape
    trace = (anomalies**2).sum() / (members - 1)
    square = _squared_norm(anomalies) / (members - 1) ** 2  # tr P^2
    above = (members - 2) / members * square + trace**2
    below = (members + 2) * (square - trace**2 / n)
    return jnp.where(below > above, above / jnp.where(below > 0, below, 1), 1)


def _squared_norm(anomalies: Array) -> Array:
    """|A'A|^2 = |AA'|^2, by the smaller of the two."""
    members, n = anomalies.shape
    products = anomalies.T @ anomalies if n < members else anomalies @ anomalies.T
    return (products**2).sum()


def shrunk_update(anomalies: Array, S: Array, W: Array, innovations: Array, gamma: Array) -> Array:
    """B H' (H B H' + R)^-1 of each innovation: increments [N, n], with B shrunk by ``gamma``.

    ``S`` [N, m] and ``innovations`` [N, m] are whitened, W = H'R^-1/2 [n, m].
    """
    members, n = anomalies.shape
    mu = (anomalies**2).sum() / (members - 1) / n
    sample, target = (1 - gamma) / (members - 1), gamma * mu
    BHt = sample * anomalies.T @ S + target * W
    HBHt = sample * S.T @ S + target * W.T @ W
    identity = jnp.eye(S.shape[1], dtype=S.dtype)
    return (BHt @ jnp.linalg.solve(HBHt + identity, innovations.T)).T
