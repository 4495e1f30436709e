"""Diagnostics against their definitions in plain NumPy, and inflation and rotation."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compute import diagnostics, inflation


@pytest.mark.parametrize(("members", "n"), [(2, 7), (20, 7), (64, 7), (65, 7), (99, 7), (30, 3000)])
def test_crps_is_the_double_sum(random, members, n):
    x, t = random.normal(1, 2, (members, n)), random.normal(1, 2, n)
    pairs = np.abs(x[:, None] - x[None]).sum((0, 1)) / (2 * members**2)
    expected = (np.abs(x - t).mean(0) - pairs).mean()
    assert float(diagnostics.crps(jnp.asarray(x), jnp.asarray(t))) == pytest.approx(expected)


def test_crps_of_a_large_gaussian_sample_is_the_closed_form(random):
    x = random.normal(0, 1, (20_000, 3))
    t = np.array([-0.5, 0.0, 1.3])
    phi = np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)
    cdf = np.array([0.3085375, 0.5, 0.9031995])
    closed = (t * (2 * cdf - 1) + 2 * phi - 1 / np.sqrt(np.pi)).mean()
    assert float(diagnostics.crps(jnp.asarray(x), jnp.asarray(t))) == pytest.approx(
        closed, abs=0.01
    )


def test_errors_and_spread_are_what_they_say(random):
    x, t = random.normal(1, 2, (9, 30)), random.normal(1, 2, 30)
    mean = x.mean(0)
    assert float(diagnostics.rmse(mean, t)) == pytest.approx(np.sqrt(((mean - t) ** 2).mean()))
    relative = np.linalg.norm(t - mean) / np.linalg.norm(t)
    assert float(diagnostics.relative_error(mean, t)) == pytest.approx(relative)
    spread = np.sqrt(x.var(0, ddof=1).mean())
    assert float(diagnostics.spread(x.var(0, ddof=1))) == pytest.approx(spread)


@pytest.mark.parametrize(
    ("members", "n"), [(2, 5), (7, 40), (20, 40), (41, 40), (42, 40), (90, 12)]
)
def test_rotation_keeps_mean_and_covariance_and_moves_members(random, members, n):
    x = jnp.asarray(random.normal(1, 2, (members, n)))
    rotated = inflation.rotate(jax.random.key(members), x)
    np.testing.assert_allclose(rotated.mean(0), x.mean(0), atol=1e-12)
    np.testing.assert_allclose(np.cov(rotated.T), np.cov(x.T), atol=1e-12)
    assert float(jnp.abs(rotated - x).max()) > 0.1


def test_rotation_is_uniform_over_the_members(random):
    """Averaged over rotations every direction of the member space is equally likely."""
    x = jnp.asarray(random.normal(0, 1, (4, 2)))
    keys = jax.random.split(jax.random.key(3), 4000)
    rotated = jax.vmap(lambda key: inflation.rotate(key, x))(keys) - x.mean(0)
    anomalies = np.asarray(rotated)
    second = (anomalies**2).mean(axis=(0,))  # [members, n]
    expected = np.var(np.asarray(x), axis=0)
    np.testing.assert_allclose(second, np.broadcast_to(expected, second.shape), rtol=0.1)
    np.testing.assert_allclose(anomalies.mean(axis=0), 0, atol=0.05)


def test_inflation_acts_on_anomalies_alone(random):
    x = random.normal(3, 2, (8, 5))
    inflated = np.asarray(inflation.inflate(jnp.asarray(x), 1.3))
    np.testing.assert_allclose(inflated.mean(0), x.mean(0))
    np.testing.assert_allclose(inflated.std(0), 1.3 * x.std(0))
