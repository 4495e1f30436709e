"""What is done to an analysis ensemble before it is forecast: inflation and rotation.

Ensembles are [N, n]: members first. Everything here keeps the ensemble mean.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array


def split(ensemble: Array) -> tuple[Array, Array]:
    """Mean [n] and anomalies [N, n] of an ensemble [N, n]."""
    mean = ensemble.mean(axis=0)
    return mean, ensemble - mean


def inflate(ensemble: Array, factor: Array | float) -> Array:
    """The ensemble with its anomalies multiplied by ``factor``.

    Anderson & Anderson (1999), doi:10.1175/1520-0493(1999)127<2741:AMCIOT>2.0.CO;2.
    """
    mean, anomalies = split(ensemble)
    return mean + factor * anomalies


def rotate(key: Array, ensemble: Array) -> Array:
    """The ensemble after a Haar-random rotation among its members that keeps mean and covariance.

    Sakov & Oke (2008b), doi:10.1175/2007MWR2021.1, sec. 4. The anomalies live in the (N-1)-space
    orthogonal to the vector of ones. With more than n + 1 members only a random (N-1) x n frame is
    needed: the coordinates of the anomalies are rewritten as frame x triangular factor, and the
    frame is replaced by a random one.
    """
    members, n = ensemble.shape
    mean, anomalies = split(ensemble)
    coordinates = _reflect(anomalies)[1:]
    width = min(members - 1, n)
    gaussian = jax.random.normal(key, (members - 1, width), ensemble.dtype)
    frame = _haar_frame(gaussian)
    if width < members - 1:
        coordinates = jnp.linalg.qr(coordinates, mode="r")
    rotated = frame @ coordinates
    return mean + _reflect(jnp.concatenate([jnp.zeros((1, n), ensemble.dtype), rotated]))


def _haar_frame(gaussian: Array) -> Array:
    """Orthonormal columns, uniformly distributed, from a Gaussian matrix (Mezzadri 2007)."""
    q, r = jnp.linalg.qr(gaussian)
    return q * jnp.where(jnp.diagonal(r) < 0, -1, 1).astype(q.dtype)


def _reflect(rows: Array) -> Array:
    """The Householder reflection of the members that takes the vector of ones to the first axis."""
    members = rows.shape[0]
    direction = jnp.full((members,), members**-0.5, rows.dtype).at[0].add(-1.0)
    return rows - jnp.outer(direction, direction @ rows) * (2 / (direction @ direction))
