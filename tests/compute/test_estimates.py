"""Estimates of the background covariance: shrinkage, and precision by modified Cholesky."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import QUICK, TWO_SHAPES, Problem
from sklearn.covariance import ledoit_wolf_shrinkage

from compute.filters import enkf
from compute.localization import RingLocalization
from compute.precision import Precision, modified_cholesky
from compute.shrinkage import ledoit_wolf, rao_blackwell

MEMBERS_AND_SITES = [(2, 5), (5, 40), (20, 12), (300, 8), (13, 13)]


def ensemble(random: np.random.Generator, members: int, n: int) -> np.ndarray:
    """Neighbours are alike."""
    x = random.normal(1, 2, (members, n))
    return x + 0.6 * np.roll(x, 1, axis=1) + 0.3 * random.normal(0, 2, (members, 1))


@pytest.mark.parametrize(("members", "n"), MEMBERS_AND_SITES)
def test_ledoit_wolf_is_scikit_learns(random, members, n):
    x = ensemble(random, members, n)
    anomalies = x - x.mean(0)
    found = float(ledoit_wolf(jnp.asarray(anomalies)))
    assert found == pytest.approx(ledoit_wolf_shrinkage(x), abs=1e-12)
    assert found == pytest.approx(ledoit_wolf_shrinkage(anomalies, assume_centered=True), abs=1e-12)


@pytest.mark.parametrize(("members", "n"), MEMBERS_AND_SITES)
def test_rao_blackwell_is_the_plain_formula(random, members, n):
    x = ensemble(random, members, n)
    P = np.cov(x.T)
    of_square, square = np.trace(P @ P), np.trace(P) ** 2
    above = (members - 2) / members * of_square + square
    expected = min(1, above / ((members + 2) * (of_square - square / n)))
    assert float(rao_blackwell(jnp.asarray(x - x.mean(0)))) == pytest.approx(expected)


def test_shrinkage_is_full_where_the_sample_is_round():
    """P a multiple of I: nothing can be learnt from it but its size."""
    anomalies = jnp.asarray(np.sqrt(3) * np.vstack([np.eye(4), -np.eye(4)]))
    assert float(ledoit_wolf(anomalies)) == 1
    assert float(rao_blackwell(anomalies)) == 1


@pytest.mark.parametrize("name", ["enkf-lw", "enkf-rblw", "enkf-shrinkage-precision"])
@pytest.mark.parametrize("shape", TWO_SHAPES, ids=str)
@pytest.mark.parametrize("correlated", [False, True])
def test_the_shrinkage_filters_are_a_kalman_update_with_the_estimate(
    random, shape, correlated, name
):
    problem = Problem(random, *shape, correlated=correlated)
    x, P, n = problem.ensemble, np.cov(problem.ensemble.T), problem.n
    weight = ledoit_wolf_shrinkage(x)
    if name != "enkf-lw":
        weight = float(rao_blackwell(jnp.asarray(x - x.mean(0))))
    B = (1 - weight) * P + weight * np.trace(P) / n * np.eye(n)
    check_update(problem, problem.analyse(name), B)


def check_update(problem: Problem, analysis: np.ndarray, B: np.ndarray, atol: float = 1e-8) -> None:
    """Each member by the gain of ``B``, with the perturbations of the enkf."""
    members, m = len(problem.ensemble), len(problem.y)
    drawn = np.asarray(enkf.perturbations(problem.key, members, m, jnp.float64))
    perturbed = problem.y + drawn @ np.linalg.cholesky(problem.R).T
    innovations = perturbed - problem.ensemble @ problem.H.T
    expected = problem.ensemble + innovations @ problem.gain(P=B).T
    np.testing.assert_allclose(analysis, expected, atol=atol)


def estimate(x: np.ndarray, ring: RingLocalization) -> Precision:
    once = jax.jit(lambda x: modified_cholesky(x, ring), compiler_options=QUICK)
    return once(jnp.asarray(x))


def plain_precision(x: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """L [n, n] and D [n], by regressions on the anomalies themselves, one after the other."""
    members, n = x.shape
    anomalies = x - x.mean(0)
    L, D = np.eye(n), np.zeros(n)
    for i in range(n):
        before = [j for j in range(i) if min(i - j, n - i + j) <= radius]
        b = np.linalg.pinv(anomalies[:, before], rcond=0.1) @ anomalies[:, i]
        L[i, before] = -b
        residual = anomalies[:, i] - anomalies[:, before] @ b
        D[i] = max((residual**2).sum(), 1e-8 * (anomalies[:, i] ** 2).sum()) / (members - 1)
    return L, D


@pytest.mark.parametrize(
    ("members", "n", "radius"), [(6, 12, 2), (4, 15, 5), (40, 9, 4), (5, 70, 1)]
)
def test_modified_cholesky_is_a_loop_of_regressions(random, members, n, radius):
    x = ensemble(random, members, n)
    ring = RingLocalization("box", jnp.asarray(float(radius)), radius, n, jnp.arange(1))
    found = estimate(x, ring)
    L, D = plain_precision(x, radius)
    np.testing.assert_allclose(found.factor, L, atol=1e-9)
    np.testing.assert_allclose(found.D, D, atol=1e-9)
    np.testing.assert_allclose(found.matrix(), L.T @ np.diag(1 / D) @ L, rtol=1e-6)
    wider = estimate(x, replace(ring, window=min(radius + 2, (n - 1) // 2)))
    np.testing.assert_allclose(wider.factor, L, atol=1e-9)


def test_regressions_in_blocks_are_the_same_regressions(random, monkeypatch):
    monkeypatch.setattr("compute.precision.BLOCK_BYTES", 0)
    x = ensemble(random, 6, 41)
    ring = RingLocalization("box", jnp.asarray(2.0), 2, 41, jnp.arange(1))
    L, D = plain_precision(x, 2)
    found = estimate(x, ring)
    np.testing.assert_allclose(found.factor, L, atol=1e-9)
    np.testing.assert_allclose(found.D, D, atol=1e-9)


def test_on_all_sites_before_it_is_the_inverse_covariance(random):
    x = random.normal(2, 1, (400, 9)) @ (np.eye(9) + 0.1 * random.normal(0, 1, (9, 9)))
    ring = RingLocalization("box", jnp.asarray(4.0), 4, 9, jnp.arange(1))
    found = estimate(x, ring).matrix()
    np.testing.assert_allclose(found, np.linalg.inv(np.cov(x.T)), atol=1e-10)


@pytest.mark.parametrize("name", ["enkf-modified-cholesky", "enkf-obs-modified-cholesky"])
@pytest.mark.parametrize("correlated", [False, True])
def test_the_modified_cholesky_filters_are_a_kalman_update(random, correlated, name):
    problem = Problem(random, 8, 12, 7, correlated=correlated)
    L, D = plain_precision(problem.ensemble, 2)
    B = np.linalg.inv(L.T @ np.diag(1 / D) @ L)
    check_update(problem, problem.analyse(name, problem.ring("box", 2)), B, atol=1e-7)
