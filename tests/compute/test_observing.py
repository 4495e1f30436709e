"""What is observed, with what error: against NumPy, SciPy and finite differences."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from compute import lorenz96, observing
from compute.observing import OPERATORS, ObservationError, ring_correlation

DRAWS = 40_000
PLAIN = {
    "identity": lambda x: x,
    "square": np.square,
    "absolute": np.abs,
    "log": lambda x: np.log(1 + np.abs(x)),
    "saturating": lambda x: 10 * np.tanh(x / 10),
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_are_their_formulas(random, operator):
    states, sites = random.normal(2, 5, (3, 20)), random.permutation(20)[:7]
    found = observing.observe(operator, jnp.asarray(states), jnp.asarray(sites))
    np.testing.assert_allclose(found, PLAIN[operator](states[:, sites]))


@pytest.mark.parametrize("operator", OPERATORS)
def test_slopes_are_finite_differences(random, operator):
    state, sites, h = random.normal(2, 5, 20), random.permutation(20)[:7], 1e-6
    found = observing.slope(operator, jnp.asarray(state), jnp.asarray(sites))
    x = state[sites]
    expected = (PLAIN[operator](x + h) - PLAIN[operator](x - h)) / (2 * h)
    np.testing.assert_allclose(found, expected, atol=1e-7)


def drawn(error: ObservationError, seed: int = 1) -> np.ndarray:
    keys = jax.random.split(jax.random.key(seed), DRAWS)
    return np.asarray(jax.jit(jax.vmap(error.draw))(keys))


@pytest.mark.parametrize(
    ("distribution", "dof", "shape"),
    [
        ("gaussian", np.inf, stats.norm(0, 1)),
        ("laplace", np.inf, stats.laplace(0, 1 / np.sqrt(2))),
        ("student", 9.0, stats.t(9, 0, np.sqrt(7 / 9))),
        ("student", 3.0, stats.t(3, 0, np.sqrt(1 / 3))),
    ],
)
def test_errors_have_their_distribution_and_standard_deviation(random, distribution, dof, shape):
    std = random.uniform(0.3, 3, 4)
    error = ObservationError(jnp.asarray(std), None, distribution, dof)
    z = drawn(error) / std
    assert shape.std() == pytest.approx(1)
    np.testing.assert_allclose(z.mean(0), 0, atol=0.03)
    assert np.abs(np.corrcoef(z.T) - np.eye(4)).max() < 0.03
    for column in z.T:
        assert stats.kstest(column, shape.cdf).pvalue > 1e-4
    if dof > 4:  # the fourth moment exists
        np.testing.assert_allclose(z.std(0), 1, rtol=0.03)
        expected = 3 + float(shape.stats(moments="k"))
        np.testing.assert_allclose((z**4).mean(), expected, rtol=0.1)


def test_correlated_errors_are_correlated_as_they_say(random):
    sites, std = np.array([0, 1, 3, 8, 11]), random.uniform(0.3, 3, 5)
    d = np.abs(sites[:, None] - sites)
    expected = np.exp(-np.minimum(d, 12 - d) / 2.5)
    correlation = ring_correlation(jnp.asarray(sites), 12, jnp.asarray(2.5))
    np.testing.assert_allclose(correlation, expected)
    error = ObservationError(jnp.asarray(std), correlation)
    found = drawn(error)
    np.testing.assert_allclose(found.std(0), std, rtol=0.03)
    np.testing.assert_allclose(np.corrcoef(found.T), expected, atol=0.03)
    np.testing.assert_allclose(error.covariance, expected * std * std[:, None])


@pytest.mark.parametrize("n", [4, 5, 40, 41])
@pytest.mark.parametrize("length", [0.1, 1.0, 10.0, 1000.0])
def test_the_ring_correlation_is_positive_definite(n, length):
    matrix = np.asarray(ring_correlation(jnp.arange(n), n, jnp.asarray(length)))
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(np.diag(matrix), 1)
    assert np.linalg.eigvalsh(matrix).min() > 0


@pytest.mark.parametrize("correlated", [False, True])
def test_whitened_errors_are_independent_units(random, correlated):
    std = jnp.asarray(random.uniform(0.3, 3, 6))
    correlation = ring_correlation(jnp.arange(6), 9, jnp.asarray(2.0)) if correlated else None
    error = ObservationError(std, correlation)
    rows = random.normal(1, 2, (2, 3, 6))
    np.testing.assert_allclose(error.colour(error.whiten(jnp.asarray(rows))), rows, atol=1e-12)
    np.testing.assert_allclose(error.whiten(error.colour(jnp.asarray(rows))), rows, atol=1e-12)
    found = np.cov(np.asarray(error.whiten(jnp.asarray(drawn(error)))).T)
    np.testing.assert_allclose(found, np.eye(6), atol=0.03)
    # R^-1/2 of R: exactly
    half = np.asarray(error.whiten(error.covariance))
    np.testing.assert_allclose(error.whiten(jnp.asarray(half.T)), np.eye(6), atol=1e-12)


@pytest.mark.parametrize("distribution", ["gaussian", "laplace", "student"])
def test_densities_are_scipys_up_to_a_constant(random, distribution):
    std, x = random.uniform(0.3, 3, 5), random.normal(0, 4, (30, 5))
    shape = {
        "gaussian": stats.norm(0, std),
        "laplace": stats.laplace(0, std / np.sqrt(2)),
        "student": stats.t(5, 0, std * np.sqrt(3 / 5)),
    }[distribution]
    error = ObservationError(jnp.asarray(std), None, distribution, 5.0)
    difference = np.asarray(error.log_density(jnp.asarray(x))) - shape.logpdf(x)
    np.testing.assert_allclose(difference, np.broadcast_to(difference[0], x.shape), atol=1e-9)


def test_the_density_of_correlated_errors_is_the_joint_one(random):
    correlation = ring_correlation(jnp.arange(5), 7, jnp.asarray(3.0))
    error = ObservationError(jnp.asarray(random.uniform(0.3, 3, 5)), correlation)
    x = random.normal(0, 2, (30, 5))
    expected = stats.multivariate_normal(np.zeros(5), np.asarray(error.covariance)).logpdf(x)
    difference = np.asarray(error.log_density(jnp.asarray(x)).sum(axis=1)) - expected
    np.testing.assert_allclose(difference, difference[0], atol=1e-9)


def test_the_error_of_one_observation(random):
    std = random.uniform(0.3, 3, 5)
    one = ObservationError(jnp.asarray(std), None, "student", 4.0).of(jnp.asarray(3))
    assert (one.std.shape, float(one.std[0])) == ((1,), std[3])
    assert (one.distribution, one.dof, one.correlation) == ("student", 4.0, None)


def test_random_sites_are_distinct_and_uniform():
    keys = jax.random.split(jax.random.key(2), 5000)
    sites = np.asarray(jax.vmap(lambda key: observing.random_sites(key, 9, 4))(keys))
    assert (np.diff(sites, axis=1) > 0).all()
    assert ((sites >= 0) & (sites < 9)).all()
    counts = np.bincount(sites.ravel(), minlength=9)
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize(("n", "m"), [(40, 40), (40, 13), (7, 3), (5, 1)])
def test_regular_sites_are_evenly_spaced(n, m):
    sites = np.asarray(observing.regular_sites(n, m))
    assert sites[0] == 0
    gaps = np.diff(np.append(sites, n))
    assert gaps.max() - gaps.min() <= 1


def test_stochastic_forcing_adds_its_variance(random):
    """From rest the model is linear for a while: x decays at rate one, driven by white noise."""
    noise, dt, steps = 1e-3, 0.01, 150
    states = jnp.zeros((4000, 8))
    found = lorenz96.integrate_noisy(jax.random.key(4), states, 0.0, dt, steps, noise)
    # x_k+1 = a x_k + noise sqrt(dt) e_k with a = exp(-dt), to the order of Runge-Kutta
    a = np.exp(-dt)
    variance = noise**2 * dt * (1 - a ** (2 * steps)) / (1 - a**2)
    assert float(jnp.var(found)) == pytest.approx(variance, rel=0.03)
    assert np.abs(np.corrcoef(np.asarray(found).T) - np.eye(8)).max() < 0.08
    once = lorenz96.integrate_noisy(jax.random.key(5), states, 0.0, dt, 1, noise)
    assert float(jnp.var(once)) == pytest.approx(noise**2 * dt, rel=0.03)


def test_without_noise_the_forcing_is_not_stochastic(random):
    x = jnp.asarray(random.normal(2, 3, (3, 9)))
    found = lorenz96.integrate_noisy(jax.random.key(4), x, 8.0, 0.05, 7, 0.0)
    np.testing.assert_allclose(found, lorenz96.integrate(x, 8.0, 0.05, 7), atol=1e-12)
