"""One update of each filter against a plain NumPy Kalman update."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import KEY, SHAPES, TWO_SHAPES, Problem, program

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


@pytest.mark.parametrize("name", ["enkf", "etkf", "estkf", "denkf", "ensrf", "letkf", "lenkf"])
@pytest.mark.parametrize("shape", TWO_SHAPES, ids=str)
def test_correlated_errors_count_in_full(random, shape, name):
    """The mean of the Kalman update with all of R, and the covariance that the filter promises."""
    problem = Problem(random, *shape, correlated=True)
    mean, covariance = problem.kalman()
    if name == "denkf":
        seen = problem.gain() @ problem.H
        covariance = covariance + seen @ np.cov(problem.ensemble.T) @ seen.T / 4
    for ring in (None, problem.ring("gaussian", 1e9))[: 2 if name == "letkf" else 1]:
        analysis = problem.analyse(name, ring)
        np.testing.assert_allclose(analysis.mean(0), mean, atol=1e-8)
        if name not in ("enkf", "lenkf"):
            np.testing.assert_allclose(np.cov(analysis.T), covariance, atol=1e-8)


def test_the_window_of_a_local_analysis_changes_nothing(random):
    """Also where errors are correlated: what lies beyond the taper is not there."""
    for correlated in (False, True):
        problem = Problem(random, 6, 41, 29, correlated=correlated)
        ring = problem.ring("box", 3)
        wide = replace(ring, window=9)
        expected = problem.analyse("letkf", ring)
        np.testing.assert_allclose(problem.analyse("letkf", wide), expected, atol=1e-9)


def test_the_letkf_inverts_the_errors_of_the_observations_in_its_box(random):
    problem = Problem(random, 6, 41, 29, correlated=True)
    analysis = problem.analyse("letkf", problem.ring("box", 3))
    P, mean = np.cov(problem.ensemble.T), problem.ensemble.mean(0)
    for site in range(41):
        d = np.abs(problem.sites - site)
        near = np.minimum(d, 41 - d) <= 3
        H, R = problem.H[near], problem.R[near][:, near]
        K = P[site] @ H.T @ np.linalg.inv(H @ P @ H.T + R)
        departure = problem.y[near] - H @ mean
        assert analysis[:, site].mean() == pytest.approx(mean[site] + K @ departure)
        variance = P[site, site] - K @ H @ P[:, site]
        assert analysis[:, site].var(ddof=1) == pytest.approx(variance)


def test_denkf_updates_the_anomalies_with_half_the_gain(problem):
    P, K, H = np.cov(problem.ensemble.T), problem.gain(), problem.H
    analysis = problem.analyse("denkf")
    mean = problem.ensemble.mean(0)
    expected = (problem.ensemble - mean) @ (np.eye(problem.n) - K @ H / 2).T
    np.testing.assert_allclose(analysis - analysis.mean(0), expected, atol=1e-9)
    np.testing.assert_allclose(analysis.mean(0), problem.kalman()[0], atol=1e-9)
    seen = K @ H
    covariance = P - seen @ P + seen @ P @ seen.T / 4
    np.testing.assert_allclose(np.cov(analysis.T), covariance, atol=1e-9)


@pytest.mark.parametrize("name", ["estkf", "ensrf", "eakf"])
def test_square_root_filters_are_the_kalman_update(problem, name):
    mean, covariance = problem.kalman()
    analysis = problem.analyse(name)
    np.testing.assert_allclose(analysis.mean(0), mean, atol=1e-9)
    np.testing.assert_allclose(np.cov(analysis.T), covariance, atol=1e-9)


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("taper", ["gaussian", "gaspari-cohn", "exponential"])
def test_the_enkf_b_loc_tapers_the_sample_covariance(random, taper, correlated):
    problem = Problem(random, 6, 20, 13, correlated=correlated)
    rho = np.asarray(replace(problem.ring(taper, 2.5), sites=np.arange(20)).between_observations())
    K = problem.gain(P=np.cov(problem.ensemble.T) * rho)
    drawn = np.asarray(enkf.perturbations(problem.key, 6, 13, jnp.float64))
    perturbed = problem.y + drawn @ np.linalg.cholesky(problem.R).T
    expected = problem.ensemble + (perturbed - problem.ensemble @ problem.H.T) @ K.T
    analysis = problem.analyse("enkf-b-loc", problem.ring(taper, 2.5))
    np.testing.assert_allclose(analysis, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("n", "m", "taper", "r"),
    [
        (20, 13, "gaspari-cohn", 3),
        (20, 13, "box", 2),
        (41, 41, "gaspari-cohn", 1.1),
        (12, 12, "exponential", 2),
    ],
)
def test_the_eakf_is_two_steps_for_each_observation(random, n, m, taper, r):
    """Anderson (2003): shift and contract where it is observed, then regress with a taper.

    Also where no more is touched than a window, round the end of the ring.
    """
    problem = Problem(random, 7, n, m)
    rho = np.asarray(replace(problem.ring(taper, r), sites=np.arange(n)).between_observations())
    x = problem.ensemble.copy()
    for k in np.asarray(jax.random.permutation(problem.key, m)):
        site, R, y = problem.sites[k], problem.std[k] ** 2, problem.y[k]
        values = x[:, site].copy()
        prior = values.var(ddof=1)
        posterior = 1 / (1 / prior + 1 / R)
        mean = posterior * (values.mean() / prior + y / R)
        moves = mean + np.sqrt(posterior / prior) * (values - values.mean()) - values
        slopes = [np.cov(x[:, j], values)[0, 1] / prior for j in range(n)]
        x = x + moves[:, None] * slopes * rho[site]
    analysis = problem.analyse("eakf", problem.ring(taper, r))
    np.testing.assert_allclose(analysis, x, atol=1e-9)


def test_enkf_with_many_members_has_the_kalman_covariance(random):
    problem = Problem(random, 40_000, 6, 4)
    _, covariance = problem.kalman()
    found = np.cov(problem.analyse("enkf").T)
    assert np.abs(found - covariance).max() < 0.03 * np.abs(covariance).max()


@pytest.mark.parametrize(("taper", "r"), [("box", 2), ("gaspari-cohn", 1.5), ("exponential", 2.5)])
def test_a_local_filter_is_a_kalman_update_at_each_site(problem, taper, r):
    """Site by site with R divided by the taper: mean and variance there."""
    ring = problem.ring(taper, r)
    analysis, perturbed = (problem.analyse(name, ring) for name in ("letkf", "lenkf"))
    tapers = np.asarray(ring.state_to_observations())
    for site in range(problem.n):
        mean, covariance = problem.kalman(R=problem.tapered(tapers[site]))
        assert analysis[:, site].mean() == pytest.approx(mean[site], abs=1e-6)
        assert perturbed[:, site].mean() == pytest.approx(mean[site], abs=1e-6)
        assert analysis[:, site].var(ddof=1) == pytest.approx(covariance[site, site], abs=1e-6)


def test_letkf_in_blocks_is_letkf(random, monkeypatch):
    problem = Problem(random, 6, 50, 31)
    ring = problem.ring("gaspari-cohn", 2.0)
    whole = problem.analyse("letkf", ring)
    monkeypatch.setattr("compute.filters._local.WHOLE", 20)
    program.cache_clear()
    np.testing.assert_allclose(problem.analyse("letkf", ring), whole, atol=1e-12)
