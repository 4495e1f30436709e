"""What keeps an ensemble from collapsing: inflation, relaxation, rotation.

Ensembles are [N, n]: members first. Everything here keeps the ensemble mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from compute.localization import Localization


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


def relax_to_prior_spread(background: Array, analysis: Array, relaxation: Array) -> Array:
    """RTPS: the analysis spread of each site is drawn back to the background's.

    x'_a (1 + relaxation (s_b - s_a) / s_a); Whitaker & Hamill (2012),
    doi:10.1175/MWR-D-11-00276.1.
    """
    mean, anomalies = split(analysis)
    before, after = background.std(axis=0), analysis.std(axis=0)
    excess = jnp.where(after > 0, (before - after) / jnp.where(after > 0, after, 1), 0)
    return mean + anomalies * (1 + relaxation * excess)


def relax_to_prior_perturbations(background: Array, analysis: Array, relaxation: Array) -> Array:
    """RTPP: (1 - relaxation) x'_a + relaxation x'_b; Zhang, Snyder & Sun (2004),
    doi:10.1175/1520-0493(2004)132<1238:IOIEAO>2.0.CO;2.
    """
    mean, anomalies = split(analysis)
    return mean + (1 - relaxation) * anomalies + relaxation * split(background)[1]


def after_analysis(
    background: Array, analysis: Array, key: Array, parameters: Mapping[str, Any]
) -> Array:
    """Relaxation, then rotation drawn from ``key``, then inflation, as ``parameters`` ask for."""
    how = parameters["inflation"]
    if how == "rtps":
        analysis = relax_to_prior_spread(background, analysis, parameters["relaxation"])
    elif how == "rtpp":
        analysis = relax_to_prior_perturbations(background, analysis, parameters["relaxation"])
    if parameters.get("rotate"):
        analysis = rotate(key, analysis)
    return inflate(analysis, parameters["inf_fact"]) if how == "analysis" else analysis


def adapt(
    inflation: Array, S: Array, d: Array, localization: Localization, prior_std: Array
) -> Array:
    """The variance inflation [n] for the next cycle, from how large this cycle's innovations were.

    Miyoshi (2011), doi:10.1175/2010MWR3570.1. ``S`` [N, m] and ``d`` [m] are the whitened
    observation anomalies and innovation of the background that ``inflation`` [n] has inflated. The
    estimate of a site weighs its observations by the taper; without localisation there is one for
    all. It is never below 1.
    """
    variance = (S**2).sum(axis=0) / (S.shape[0] - 1)
    if localization.local:
        observation, weight = localization.neighbourhoods()
        zero = jnp.zeros(1, d.dtype)
        count = weight.sum(axis=1)
        squares = (weight * jnp.concatenate([d**2, zero])[observation]).sum(axis=1)
        trace = (weight * jnp.concatenate([variance, zero])[observation]).sum(axis=1)
    else:
        count, squares, trace = jnp.asarray(d.size, d.dtype), (d**2).sum(), variance.sum()
    seen = (count > 0) & (trace > 0)
    trace = jnp.where(seen, trace, 1)
    estimate = inflation * (squares - count) / trace
    error = 2 / jnp.maximum(count, 1e-6) * (inflation * (trace + count) / trace) ** 2
    trust = prior_std**2 / (prior_std**2 + error)
    updated = inflation + trust * (estimate - inflation)
    return jnp.maximum(jnp.where(seen, updated, inflation), 1)


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
