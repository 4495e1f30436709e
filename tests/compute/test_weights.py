"""Filters that take the likelihood itself: NETF, particle filter, rank histogram filter."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import QUICK, TWO_SHAPES, Problem
from scipy import stats

from compute.filters import netf, pf, rhf
from compute.observing import ObservationError


def weights(problem: Problem, power: np.ndarray | float = 1.0) -> np.ndarray:
    """Of each member, by Bayes' rule with Gaussian errors; ``power`` [m] of each likelihood."""
    departures = (problem.y - problem.ensemble[:, problem.sites]) / problem.std
    w = np.exp(-(power * departures**2).sum(1) / 2)
    return w / w.sum()


@pytest.fixture(params=TWO_SHAPES, ids=str)
def problem(request, random):
    """The observations leave several members some weight."""
    problem = Problem(random, *request.param)
    problem.std = problem.std * 6
    return problem


def moments(problem: Problem, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = w @ problem.ensemble
    anomalies = problem.ensemble - mean
    members = len(w)
    return mean, (anomalies.T * w) @ anomalies * members / (members - 1)


def test_netf_has_the_weighted_moments(problem):
    mean, covariance = moments(problem, weights(problem))
    analysis = problem.analyse("netf")
    np.testing.assert_allclose(analysis.mean(0), mean, atol=1e-9)
    np.testing.assert_allclose(np.cov(analysis.T), covariance, atol=1e-7)


@pytest.mark.parametrize(("taper", "r"), [("gaspari-cohn", 1.5), ("box", 2), ("exponential", 3)])
def test_lnetf_has_them_at_each_site(problem, taper, r):
    ring = problem.ring(taper, r)
    analysis = problem.analyse("lnetf", ring)
    for site, power in enumerate(np.asarray(ring.state_to_observations())):
        mean, covariance = moments(problem, weights(problem, power))
        assert analysis[:, site].mean() == pytest.approx(mean[site], abs=1e-9)
        assert analysis[:, site].var(ddof=1) == pytest.approx(covariance[site, site], abs=1e-7)


def test_the_effective_sample_size_is_that_of_the_weights(problem):
    w = weights(problem)
    expected = 1 / (w**2).sum()
    observed = problem.ensemble[:, problem.sites]
    arguments = (problem.key, problem.ensemble, observed, problem.y, problem.error, problem.ring())
    for filter_ in (netf, pf):
        _, info = filter_.analyse(*arguments, {"jitter": 0.1})
        assert float(info["effective_sample_size"]) == pytest.approx(expected)
    assert 1 < expected < len(w)


def test_correlated_errors_count_in_full(random):
    problem = Problem(random, 20, 12, 3, correlated=True)
    problem.std, problem.R = problem.std * 6, problem.R * 36
    departures = problem.y - problem.ensemble[:, problem.sites]
    w = np.exp([-d @ np.linalg.inv(problem.R) @ d / 2 for d in departures])
    mean, covariance = moments(problem, w / w.sum())
    analysis = problem.analyse("netf")
    np.testing.assert_allclose(analysis.mean(0), mean, atol=1e-9)
    np.testing.assert_allclose(np.cov(analysis.T), covariance, atol=1e-7)


# ---------------------------------------------------------------- particle filter


def test_systematic_resampling_draws_floor_or_ceiling(random):
    for members in (2, 7, 64):
        w = random.dirichlet(np.full(members, 0.4))
        keys = jax.random.split(jax.random.key(members), 2000)
        drawn = jax.jit(jax.vmap(lambda key, w=w: pf.systematic(key, jnp.asarray(w))))(keys)
        drawn = np.asarray(drawn)
        assert (np.diff(drawn, axis=1) >= 0).all()
        counts = (drawn[..., None] == np.arange(members)).sum(axis=1)  # [keys, members]
        assert (counts >= np.floor(members * w - 1e-9)).all()
        assert (counts <= np.ceil(members * w + 1e-9)).all()
        np.testing.assert_allclose(counts.mean(axis=0), members * w, atol=0.05)


def test_the_particle_filter_without_jitter_copies_members_by_their_weights(random):
    problem = Problem(random, 8, 6, 4)
    problem.std = problem.std * 4
    observed = problem.ensemble[:, problem.sites]

    def draw(key: jax.Array) -> jax.Array:
        rest = (problem.ensemble, observed, problem.y, problem.error, problem.ring())
        return pf.analyse(key, *map(jnp.asarray, rest[:3]), *rest[3:], {"jitter": 0.0})[0]

    drawn = np.asarray(jax.jit(jax.vmap(draw))(jax.random.split(jax.random.key(3), 3000)))
    copies = (drawn[:, :, None] == problem.ensemble).all(axis=-1)  # [keys, drawn, member]
    assert (copies.sum(axis=-1) == 1).all()
    np.testing.assert_allclose(copies.mean(axis=(0, 1)), weights(problem), atol=0.01)


def test_jitter_has_the_spread_of_so_much_of_the_background(random):
    problem = Problem(random, 60, 5, 2)
    problem.std = problem.std * 1e6
    problem.ensemble[:] = random.normal(0, 1, (60, 5)) @ random.normal(0, 1, (5, 5))
    copies, moved = (problem.analyse("pf", jitter=jitter) for jitter in (0.0, 0.3))
    noise = moved - copies
    expected = 0.09 * np.cov(problem.ensemble.T)
    np.testing.assert_allclose(noise.mean(0), 0, atol=1e-9)
    assert np.abs(np.cov(noise.T) - expected).max() < 0.5 * np.abs(expected).max()


# ---------------------------------------------------------------- rank histogram filter


def gaussian_members(random: np.random.Generator, members: int) -> np.ndarray:
    """The quantiles of N(1, 2^2), in no order."""
    return random.permutation(stats.norm.ppf((np.arange(members) + 0.5) / members, 1, 2))


@cache
def increments(distribution: str) -> Callable[..., jax.Array]:
    def of(x: jax.Array, y: jax.Array, std: jax.Array) -> jax.Array:
        return rhf.increments(x, y, ObservationError(std[None], None, distribution, 5.0))

    return jax.jit(of, compiler_options=QUICK)


def move(x: np.ndarray, y: float, std: float, distribution: str) -> np.ndarray:
    """Where the members go, given y of so large an error."""
    return x + np.asarray(increments(distribution)(*map(jnp.asarray, (x, y, std))))


def test_rhf_approaches_the_kalman_posterior(random):
    x, y, std = gaussian_members(random, 2000), 2.7, 1.3
    moved = move(x, y, std, "gaussian")
    variance = 1 / (1 / 4 + 1 / std**2)
    posterior = stats.norm(variance * (1 / 4 + y / std**2), np.sqrt(variance))
    assert moved.mean() == pytest.approx(posterior.mean(), abs=0.005)
    assert moved.std() == pytest.approx(posterior.std(), abs=0.01)
    assert stats.kstest(moved, posterior.cdf).statistic < 0.005


@pytest.mark.parametrize("distribution", ["laplace", "student"])
@pytest.mark.parametrize("y", [2.7, 6.0])
def test_rhf_follows_the_likelihood_itself(random, distribution, y):
    """Against quadrature of Bayes' rule on a fine grid."""
    x, std = gaussian_members(random, 2000), 1.3
    moved = move(x, y, std, distribution)
    likelihood = {
        "laplace": stats.laplace(0, std / np.sqrt(2)),
        "student": stats.t(5, 0, std * np.sqrt(3 / 5)),
    }[distribution]
    grid = np.linspace(-15, 25, 200_001)
    density = stats.norm.pdf(grid, 1, 2) * likelihood.pdf(y - grid)
    density /= density.sum()
    mean = density @ grid
    assert moved.mean() == pytest.approx(mean, abs=0.02)
    assert moved.std() == pytest.approx(np.sqrt(density @ (grid - mean) ** 2), abs=0.03)
    cumulated = np.cumsum(density)
    assert stats.kstest(moved, lambda v: np.interp(v, grid, cumulated)).statistic < 0.01


@pytest.mark.parametrize("members", [2, 3, 20])
def test_rhf_keeps_the_order_of_the_members(random, members):
    for y in (-30.0, 0.5, 40.0):
        x = random.normal(1, 2, members)
        for distribution in ("gaussian", "laplace", "student"):
            moved = move(x, y, 0.8, distribution)
            assert (np.diff(moved[np.argsort(x)]) >= 0).all()
            assert np.isfinite(moved).all()


def test_rhf_leaves_everything_where_the_likelihood_is_flat(random):
    x = random.normal(1, 2, 9)
    np.testing.assert_allclose(move(x, 3.0, 1e8, "gaussian"), x, atol=1e-9)
