"""One update of each filter against a plain NumPy Kalman update, and identities between filters."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compute.filters import REGISTRY, enkf
from compute.localization import RingLocalization, window
from compute.observing import ObservationError

SHAPES = [(5, 12, 4), (20, 12, 12), (20, 12, 3), (30, 10, 10), (4, 40, 33)]
"""Members, sites, observations: fewer and more members than either."""


class Problem:
    """An ensemble and observations of some of its sites, with a variance for each."""

    def __init__(self, random: np.random.Generator, members: int, n: int, m: int) -> None:
        self.ensemble = random.normal(2, 1.5, (members, n)) @ random.normal(0, 0.5, (n, n))
        self.sites = np.sort(random.permutation(n)[:m]).astype(np.int32)
        self.variance = random.uniform(0.2, 2.0, m)
        self.y = self.ensemble.mean(0)[self.sites] + random.normal(0, 1, m)
        self.n = n

    def analyse(self, name: str, localization: Any = None, **parameters: Any) -> np.ndarray:
        def analyse(ensemble: jax.Array, y: jax.Array, variance: jax.Array) -> jax.Array:
            analysis, _ = REGISTRY[name].analyse(
                jax.random.key(5),
                ensemble,
                ensemble[:, self.sites],
                y,
                ObservationError(variance),
                localization,
                parameters,
            )
            return analysis

        return np.asarray(jax.jit(analyse)(self.ensemble, self.y, self.variance))

    def ring(self, taper: str, r: float) -> RingLocalization:
        return RingLocalization(taper, jnp.asarray(r), window(taper, r, self.n), self.n, self.sites)

    def kalman(self, taper: np.ndarray | float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Analysis mean and covariance from the sample one (N - 1); R is divided by the taper."""
        P = np.cov(self.ensemble.T)
        H = np.eye(self.n)[self.sites]
        with np.errstate(divide="ignore"):
            R = np.diag(np.minimum(self.variance / taper, 1e12))
        K = P @ H.T @ np.linalg.inv(H @ P @ H.T + R)
        mean = self.ensemble.mean(0)
        return mean + K @ (self.y - H @ mean), (np.eye(self.n) - K @ H) @ P


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
    S = X[:, problem.sites] / np.sqrt(problem.variance)
    values, vectors = np.linalg.eigh(np.eye(len(S)) + S @ S.T / (len(S) - 1))
    T = vectors / np.sqrt(values) @ vectors.T
    analysis = problem.analyse("etkf")
    np.testing.assert_allclose(analysis - analysis.mean(0), T @ X, atol=1e-9)


def test_enkf_is_the_kalman_update_of_each_member(problem):
    members, m = len(problem.ensemble), len(problem.y)
    P = np.cov(problem.ensemble.T)
    H = np.eye(problem.n)[problem.sites]
    K = P @ H.T @ np.linalg.inv(H @ P @ H.T + np.diag(problem.variance))
    drawn = enkf.perturbations(jax.random.key(5), members, m, jnp.float64)
    perturbed = problem.y + np.asarray(drawn) * np.sqrt(problem.variance)
    expected = problem.ensemble + (perturbed - problem.ensemble @ H.T) @ K.T
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
    tapers = np.asarray(ring.matrix())[:, problem.sites]
    for site in range(problem.n):
        mean, covariance = problem.kalman(tapers[site])
        assert analysis[:, site].mean() == pytest.approx(mean[site], abs=1e-6)
        assert analysis[:, site].var(ddof=1) == pytest.approx(covariance[site, site], abs=1e-6)


def test_letkf_in_blocks_is_letkf(random, monkeypatch):
    problem = Problem(random, 6, 50, 31)
    ring = problem.ring("gaspari-cohn", 2.0)
    whole = problem.analyse("letkf", ring)
    monkeypatch.setattr("compute.filters.letkf.BLOCK", 16)
    np.testing.assert_allclose(problem.analyse("letkf", ring), whole, atol=1e-12)
