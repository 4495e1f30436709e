"""The model against plain NumPy, its invariants and its order of accuracy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compute import lorenz96
from compute.climatology import climatology


def plain_tendency(x: np.ndarray, forcing: float) -> np.ndarray:
    ahead, behind, two_behind = np.roll(x, -1, -1), np.roll(x, 1, -1), np.roll(x, 2, -1)
    return (ahead - two_behind) * behind - x + forcing


def plain_step(x: np.ndarray, forcing: float, dt: float) -> np.ndarray:
    k1 = plain_tendency(x, forcing)
    k2 = plain_tendency(x + dt / 2 * k1, forcing)
    k3 = plain_tendency(x + dt / 2 * k2, forcing)
    k4 = plain_tendency(x + dt * k3, forcing)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


@pytest.mark.parametrize("n", [4, 5, 7, 8, 9, 40, 41])
def test_tendency_and_step_equal_plain_numpy(random, n):
    x = random.normal(2, 3, (3, n))
    np.testing.assert_allclose(lorenz96.tendency(x, 8.0), plain_tendency(x, 8.0), atol=1e-12)
    np.testing.assert_allclose(lorenz96.step(x, 7.5, 0.05), plain_step(x, 7.5, 0.05), atol=1e-12)


def test_advection_conserves_energy(random):
    """Without damping and forcing, sum x_i dx_i/dt = 0 (Lorenz 1996)."""
    x = random.normal(0, 4, (5, 40))
    advection = lorenz96.tendency(x, 0.0) + x
    assert np.abs((x * advection).sum(-1)).max() < 1e-10


def test_one_state_alone_equals_the_same_state_in_a_batch(random):
    x = random.normal(2, 3, (6, 40))
    together = lorenz96.integrate(x, 8.0, 0.05, 20)
    np.testing.assert_allclose(lorenz96.integrate(x[2], 8.0, 0.05, 20), together[2], atol=1e-10)


def test_halving_the_step_divides_the_error_by_sixteen(random):
    x = np.asarray(lorenz96.integrate(random.normal(2, 3, 40), 8.0, 0.01, 500))
    exact = lorenz96.integrate(x, 8.0, 0.2 / 512, 512)

    def error(steps: int) -> float:
        return float(np.abs(lorenz96.integrate(x, 8.0, 0.2 / steps, steps) - exact).max())

    assert error(8) / error(16) == pytest.approx(16, rel=0.25)


def test_a_shifted_ring_gives_the_shifted_state(random):
    x = random.normal(2, 3, 40)
    shifted = lorenz96.integrate(np.roll(x, 7), 8.0, 0.05, 10)
    np.testing.assert_allclose(shifted, np.roll(lorenz96.integrate(x, 8.0, 0.05, 10), 7))


def test_the_number_of_steps_is_a_value(random):
    x = random.normal(2, 3, 40)
    traces = []

    @jax.jit
    def integrate(steps):
        traces.append(steps)
        return lorenz96.integrate(x, 8.0, 0.05, steps)

    for steps in (0, 1, 5):
        expected = x
        for _ in range(steps):
            expected = plain_step(expected, 8.0, 0.05)
        np.testing.assert_allclose(integrate(steps), expected, atol=1e-12)
    assert len(traces) == 1


@pytest.mark.parametrize(("members", "n"), [(64, 8), (70, 41), (137, 40)])
def test_many_states_in_blocks_are_each_stepped_once(random, monkeypatch, members, n):
    """Also where the last block overlaps the one before, and where there is one only."""
    monkeypatch.setattr(lorenz96, "_BLOCK_BYTES", 50 * (40 + 12) * 8)
    x = random.normal(2, 3, (members, n))
    assert lorenz96._block(members, n, x.dtype) is not None
    integrate = jax.jit(lambda x, steps: lorenz96.integrate(x, 7.5, 0.05, steps))
    expected = x
    for steps in range(4):
        np.testing.assert_allclose(integrate(x, steps), expected, rtol=1e-13, atol=1e-12)
        expected = plain_step(expected, 7.5, 0.05)


def test_mapped_states_are_more_states(random):
    """Also where the forcing is mapped, or nothing but the number of steps."""
    x, forcing = random.normal(2, 3, (5, 3, 13, 8)), np.array([7.0, 7.5, 8.0, 8.5, 9.0])

    def integrate(x, forcing, steps):
        return lorenz96.integrate(x, forcing, 0.05, steps)

    once = jax.vmap(jax.vmap(integrate, (0, None, None)), (0, None, None))
    np.testing.assert_allclose(once(x, 8.0, 1), plain_step(x, 8.0, 0.05), atol=1e-12)
    each = jax.vmap(integrate, (0, 0, None))(x, forcing, 1)
    expected = plain_step(x, forcing[:, None, None, None], 0.05)
    np.testing.assert_allclose(each, expected, atol=1e-12)
    grown = jax.vmap(integrate, (None, None, 0))(x[0], 8.0, jnp.arange(2))
    np.testing.assert_allclose(grown[1], plain_step(x[0], 8.0, 0.05), atol=1e-12)


def test_climatology_is_the_published_one():
    """Lorenz & Emanuel (1998): mean 2.3, standard deviation 3.6 for n = 40, F = 8."""
    moments = climatology(40, jnp.dtype("float64"), jnp.asarray(8.0))
    assert float(moments.mean) == pytest.approx(2.34, abs=0.04)
    assert float(jnp.sqrt(moments.variance)) == pytest.approx(3.64, abs=0.04)


def test_float32_stays_float32(random):
    x = jnp.asarray(random.normal(2, 3, (3, 40)), jnp.float32)
    forcing, dt = jnp.float32(8), jnp.float32(0.05)
    assert lorenz96.integrate(x, forcing, dt, 3).dtype == jnp.float32
