"""The finite-size EnKF: it asks the innovation how much the small ensemble must be inflated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from compute.filters._parameters import spreading
from compute.inflation import inflate
from compute.localization import Localization
from compute.observing import ObservationError
from compute.transform import transform, whiten
from learnda.declarations import Method, Parameter

METHOD = Method(
    name="enkf-n",
    help="An etkf whose prior allows for the mean and covariance of N members being estimates. It "
    "needs no inflation for sampling error: inf_fact is 1 unless sent, and the run's is not taken. "
    "The prior is the dual form's, with the correction that keeps it neutral without observations.",
    reference="Bocquet (2011), doi:10.5194/npg-18-735-2011; Bocquet, Raanes & Hannart (2015), "
    "doi:10.5194/npg-22-645-2015",
    parameters=(
        Parameter(
            name="xN",
            type="float",
            default=1.0,
            label="Certainty of the prior",
            help="Scales the hyperprior: above 1 it trusts the ensemble's covariance more, "
            "and inflates less.",
            min=0,
            exclusive_min=True,
            step=0.1,
        ),
        *spreading(inf_fact=1.0),
    ),
)
SYMMETRIES = frozenset({"shift", "permutation"})

GRID = 48
SHARPENINGS = 6


def analyse(
    key: Array,
    ensemble: Array,
    observed: Array,
    y: Array,
    error: ObservationError,
    localization: Localization,
    parameters: Mapping[str, Any],
) -> tuple[Array, dict[str, Array]]:
    """The etkf with the prior covariance multiplied by (N-1) / zeta, where zeta minimises the dual.

    Shapes: ensemble [N, n], observed [N, m], y [m].
    """
    S, d = whiten(observed, y, error)
    members = len(ensemble)
    variance, innovation = spectrum(S, d)
    eN, cL = hyperprior(variance, members, parameters["xN"])
    prior = (members - 1) / zeta(variance, innovation, eN, (members - 1) * cL)
    return transform(inflate(ensemble, jnp.sqrt(prior)), jnp.sqrt(prior) * S, d), {}


def spectrum(S: Array, d: Array) -> tuple[Array, Array]:
    """The squared singular values s^2 [k] of S [N, m] and the innovation [k] in their basis, from
    the smaller side: k = min(N, m).
    """
    members, m = S.shape
    if m < members:
        variance, V = jnp.linalg.eigh(S.T @ S)
        return jnp.maximum(variance, 0), V.T @ d
    variance, U = jnp.linalg.eigh(S @ S.T)
    variance, seen = jnp.maximum(variance, 0), U.T @ (S @ d)
    return variance, seen / jnp.sqrt(jnp.where(variance > 0, variance, jnp.inf))


def hyperprior(variance: Array, members: int, xN: Array) -> tuple[Array, Array]:
    """epsilon_N and c_L of the prior on the member weights, |w|^2 being its argument.

    Their eq. 36: the mode is moved, the less so the better the ensemble is observed.
    """
    eN, cL = (members + 1) / members, members / (members - 1)
    unseen = members - variance.shape[0]
    # the mean over N directions of 1 / (1 + HBH'/R)
    free = ((members - 1) / (variance + members - 1)).sum() + max(unseen, 0)
    correction = jnp.sqrt((eN / cL) ** (free / members))
    return xN * eN / correction, xN * cL * correction


def zeta(variance: Array, innovation: Array, eN: Array, weight: Array) -> Array:
    """Where the dual D(zeta) = sum d^2 zeta / (zeta + s^2) + zeta eN - weight log zeta is least.

    ``variance`` s^2 [k] and ``innovation`` d [k] are in the eigenbasis. The dual may have several
    minima: the best of a grid is sharpened by Newton's method in log zeta.
    """
    squares = innovation**2

    def dual(u: Array) -> Array:
        z = jnp.exp(u)
        return (squares * z / (z + variance)).sum() + z * eN - weight * u

    centre = jnp.log(weight / eN)
    grid = centre + jnp.linspace(-9.0, 2.0, GRID).astype(variance.dtype)
    u = grid[jnp.argmin(jax.vmap(dual)(grid))]
    spacing = 11.0 / GRID
    slope, curvature = jax.grad(dual), jax.grad(jax.grad(dual))
    for _ in range(SHARPENINGS):
        bend = curvature(u)
        newton = -slope(u) / jnp.where(bend > 0, bend, 1)
        u = u + jnp.where(bend > 0, jnp.clip(newton, -spacing, spacing), 0)
    return jnp.exp(u)
