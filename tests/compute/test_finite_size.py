"""The finite-size filter's dual against its primal, which SciPy minimises over member weights."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from problems import Problem
from scipy.optimize import minimize

from compute.filters import enkf_n
from compute.transform import whiten

SHAPES = [(20, 12, 3), (4, 25, 19), (8, 12, 8)]


def hyperprior(S: np.ndarray, xN: float) -> tuple[float, float]:
    """Bocquet, Raanes & Hannart (2015): epsilon_N and c_L, with the correction of their eq. 36."""
    members = len(S)
    seen = np.linalg.inv(np.eye(members) + S @ S.T / (members - 1))
    eN, cL = (members + 1) / members, members / (members - 1)
    correction = np.sqrt(eN / cL) ** (np.trace(seen) / members)
    return xN * eN / correction, xN * cL * correction


@pytest.mark.parametrize("draw", range(3))
@pytest.mark.parametrize("xN", [1.0, 2.5])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_dual_finds_the_minimum_of_the_primal(random, shape, xN, draw):
    problem = Problem(random, *shape)
    observed = problem.ensemble[:, problem.sites]
    S, d = (np.asarray(x) for x in whiten(observed, problem.y, problem.error))
    members = len(S)
    eN, cL = hyperprior(S, xN)

    def cost(w: np.ndarray) -> float:
        prior = (members - 1) / 2 * cL * np.log(eN + w @ w)
        return float(((d - S.T @ w) ** 2).sum() / 2 + prior)

    def slope(w: np.ndarray) -> np.ndarray:
        return -S @ (d - S.T @ w) + (members - 1) * cL * w / (eN + w @ w)

    starts = [np.zeros(members), *random.normal(0, 1, (5, members))]
    fits = [minimize(cost, w, jac=slope, method="BFGS", options={"gtol": 1e-10}) for w in starts]
    best = min(fits, key=lambda fit: float(fit.fun)).x

    values, U = np.linalg.eigh(S.T @ S)  # the spectrum in the space of the observations
    variance, innovation = np.maximum(values, 0), U.T @ d
    ours = enkf_n.hyperprior(jnp.asarray(np.sort(variance)[-members:]), members, xN)
    np.testing.assert_allclose(ours, (eN, cL))
    zeta = float(enkf_n.zeta(variance, jnp.asarray(innovation), eN, (members - 1) * cL))
    w = S @ np.linalg.solve(zeta * np.eye(len(d)) + S.T @ S, d)
    assert cost(w) == pytest.approx(cost(best), abs=1e-8)
    np.testing.assert_allclose(w, best, atol=1e-5)
    mean = problem.ensemble.mean(0)
    analysis = problem.analyse("enkf-n", xN=xN)
    np.testing.assert_allclose(analysis.mean(0), mean + best @ (problem.ensemble - mean), atol=1e-4)


def test_without_information_it_leaves_the_ensemble_alone(random):
    """The correction keeps the prior neutral: no observation, no inflation."""
    problem = Problem(random, 9, 12, 7)
    problem.std = np.full(7, 1e7)
    np.testing.assert_allclose(problem.analyse("enkf-n"), problem.ensemble, atol=1e-6)


def test_surprising_innovations_inflate(random):
    problem = Problem(random, 9, 12, 7)
    mean = problem.ensemble.mean(0)[problem.sites]
    spreads = []
    for size in (0.5, 5.0, 50.0):
        problem.y = mean + size * np.array([1, -1, 1, -1, 1, -1, 1])
        spreads.append(problem.analyse("enkf-n").var(0, ddof=1).mean())
    assert spreads[0] < spreads[1] < spreads[2]
