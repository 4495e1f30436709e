"""One update of each filter against a plain NumPy Kalman update, and identities between filters."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import KEY, SHAPES, Problem

from compute.filters import enkf


@pytest.fixture(params=SHAPES, ids=str)
def problem(request, random):
    return Problem(random, *request.param)


def test_etkf_is_the_kalman_update(problem):
    analysis = problem.analyse("etkf")
    mean, covariance = problem.kalman()
    np.testing.assert_allclose(analysis.mean(0), mean, atol=1e-9)
    np.testing.assert_allclose(np.cov(analysis.T), covariance, atol=1e-9)


def test_etkf_takes_the_symmetric_root(problem):
    """T = (I + SS'/(N-1))^-1/2 by another route: NumPy's decomposition of the member side."""
    X = problem.ensemble - problem.ensemble.mean(0)
    S = X[:, problem.sites] / problem.std
    values, vectors = np.linalg.eigh(np.eye(len(S)) + S @ S.T / (len(S) - 1))
    T = vectors / np.sqrt(values) @ vectors.T
    analysis = problem.analyse("etkf")
    np.testing.assert_allclose(analysis - analysis.mean(0), T @ X, atol=1e-9)


def test_enkf_is_the_kalman_update_of_each_member(problem):
    members, m = len(problem.ensemble), len(problem.y)
    drawn = enkf.perturbations(jax.random.key(KEY), members, m, jnp.float64)
    perturbed = problem.y + np.asarray(drawn) * problem.std
    expected = problem.ensemble + (perturbed - problem.ensemble @ problem.H.T) @ problem.gain().T
    np.testing.assert_allclose(problem.analyse("enkf"), expected, atol=1e-9)


def test_enkf_perturbations_do_not_move_the_mean(problem):
    mean, _ = problem.kalman()
    np.testing.assert_allclose(problem.analyse("enkf").mean(0), mean, atol=1e-9)


def test_enkf_with_many_members_has_the_kalman_covariance(random):
    problem = Problem(random, 40_000, 6, 4)
    _, covariance = problem.kalman()
    found = np.cov(problem.analyse("enkf").T)
    assert np.abs(found - covariance).max() < 0.03 * np.abs(covariance).max()


def test_letkf_without_taper_is_the_etkf(problem):
    np.testing.assert_allclose(problem.analyse("letkf"), problem.analyse("etkf"), atol=1e-12)


def test_letkf_with_a_taper_that_never_falls_is_the_etkf(problem):
    everywhere = problem.ring("gaussian", 1e9)
    np.testing.assert_allclose(
        problem.analyse("letkf", everywhere), problem.analyse("etkf"), atol=1e-9
    )


@pytest.mark.parametrize(("taper", "r"), [("box", 2), ("gaspari-cohn", 1.5), ("exponential", 2.5)])
def test_letkf_is_a_kalman_update_at_each_site(problem, taper, r):
    """Site by site with R divided by the taper: mean and variance there."""
    ring = problem.ring(taper, r)
    analysis = problem.analyse("letkf", ring)
    tapers = np.asarray(ring.state_to_observations())
    for site in range(problem.n):
        mean, covariance = problem.kalman(R=problem.tapered(tapers[site]))
        assert analysis[:, site].mean() == pytest.approx(mean[site], abs=1e-6)
        assert analysis[:, site].var(ddof=1) == pytest.approx(covariance[site, site], abs=1e-6)


def test_letkf_in_blocks_is_letkf(random, monkeypatch):
    problem = Problem(random, 6, 50, 31)
    ring = problem.ring("gaspari-cohn", 2.0)
    whole = problem.analyse("letkf", ring)
    monkeypatch.setattr("compute.filters._local.BLOCK", 16)
    np.testing.assert_allclose(problem.analyse("letkf", ring), whole, atol=1e-12)
