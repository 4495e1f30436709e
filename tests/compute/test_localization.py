"""Tapers against their formulas, neighbourhoods against a plain search of the ring."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compute.localization import RingLocalization, gaspari_cohn, taper, window

TAPERS = ["box", "step", "gaspari-cohn", "gaussian", "exponential"]


def test_gaspari_cohn_is_the_self_convolution_of_a_triangle():
    """Their eq. 4.10 in three dimensions, here by the values that define it."""
    z = jnp.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0])
    expected = [1, 0.6848958333, 0.2083333333, 0.0164930556, 0, 0]
    np.testing.assert_allclose(gaspari_cohn(z), expected, atol=1e-9)


def test_gaspari_cohn_is_smooth_where_its_pieces_meet():
    slope = jax.vmap(jax.grad(gaspari_cohn))
    for seam in (1.0, 2.0):
        below, above = slope(jnp.array([seam - 1e-6, seam + 1e-6]))
        assert float(below) == pytest.approx(float(above), abs=1e-4)


def test_gaspari_cohn_has_its_documented_scale():
    r = jnp.asarray(4.0)
    weights = taper("gaspari-cohn", jnp.array([4.0, 3.65 * 4, 3.6 * 4]), r)
    assert float(weights[0]) == pytest.approx(0.63, abs=0.01)
    assert float(weights[1]) == 0
    assert float(weights[2]) > 0


@pytest.mark.parametrize("name", TAPERS)
def test_weights_fall_from_one_with_distance(name):
    weights = np.asarray(taper(name, jnp.arange(20), jnp.asarray(3.0)))
    assert weights[0] == 1
    assert (np.diff(weights) <= 0).all()
    assert (weights >= 0).all()
    assert weights[19] < 0.01


@pytest.mark.parametrize("name", TAPERS)
@pytest.mark.parametrize(("n", "m"), [(40, 40), (40, 13), (41, 30), (5, 2), (200, 190)])
@pytest.mark.parametrize("radius", [1.0, 3.0])
def test_neighbourhoods_hold_every_observation_that_counts(random, name, n, m, radius):
    sites = np.sort(random.permutation(n)[:m]).astype(np.int32)
    ring = RingLocalization(name, jnp.asarray(radius), window(name, radius, n), n, sites)
    observation, weight = (np.asarray(part) for part in jax.jit(ring.neighbourhoods)())
    d = np.abs(sites - np.arange(n)[:, None])
    expected = np.asarray(taper(name, np.minimum(d, n - d), jnp.asarray(radius)))
    for site in range(n):
        found = np.zeros(m + 1)
        np.add.at(found, observation[site], weight[site])
        np.testing.assert_allclose(found[:m], expected[site], atol=1e-15)
        assert found[m] == 0


def test_a_window_serves_all_radii_up_to_it():
    assert window("box", 2, 40) == window("box", 1, 40)
    assert window("gaspari-cohn", 2.0, 400) == window("gaspari-cohn", 2.1, 400)
    assert window("gaspari-cohn", 30.0, 40) == 20
    assert window("gaussian", 1.0, 40) == 20


def test_between_observations_and_state_it_is_one_taper(random):
    sites = np.array([3, 17, 38], np.int32)
    ring = RingLocalization("gaspari-cohn", jnp.asarray(3.0), 16, 40, sites)
    d = np.abs(np.arange(40)[:, None] - np.arange(40))
    matrix = np.asarray(taper("gaspari-cohn", np.minimum(d, 40 - d), jnp.asarray(3.0)))
    np.testing.assert_allclose(ring.state_to_observations(), matrix[:, sites])
    np.testing.assert_allclose(ring.between_observations(), matrix[sites][:, sites])
    np.testing.assert_allclose(ring.by_distance(), matrix[0, :21])
    for j, site in enumerate(sites):
        np.testing.assert_allclose(ring.to_state(j), matrix[site])
        np.testing.assert_allclose(ring.to_observations(j), matrix[site, sites])
        joint = np.concatenate([matrix[site], matrix[site, sites]])
        np.testing.assert_allclose(ring.to_joint()(j), joint)


def test_without_a_taper_every_observation_counts_fully(random):
    sites = np.sort(random.permutation(9)[:4]).astype(np.int32)
    ring = RingLocalization("none", jnp.asarray(1.0), 0, 9, sites)
    assert not ring.local
    assert (np.asarray(ring.state_to_observations()) == np.ones((9, 4))).all()
    assert (np.asarray(ring.between_observations()) == np.ones((4, 4))).all()
