"""Distances, neighbours and tapers of general points against plain NumPy, and analyses with them
against the ring's and against a LETKF written here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import KEY, QUICK, Problem, defaults

from compute import geometry
from compute.filters import REGISTRY
from compute.geometry import Metric, PointLocalization, TaperLocalization, distance, neighbours
from compute.inflation import adapt
from compute.localization import Localization, Neighbourhoods, taper
from compute.observing import ObservationError

Points = Callable[[np.random.Generator, int], np.ndarray]
LENGTH, RADIUS = 7.5, 6371.0
METRICS: dict[str, tuple[Metric, Points, float]] = {
    "ring": (geometry.ring(LENGTH), lambda random, k: random.uniform(-9, 20, (k, 1)), 0.6),
    "interval": (geometry.interval(), lambda random, k: random.normal(0, 2, (k, 1)), 0.3),
    "plane": (geometry.plane(), lambda random, k: random.normal(0, 2, (k, 2)), 0.7),
    "sphere": (geometry.sphere(RADIUS), lambda random, k: on_sphere(random, k), 1500.0),
}
"""Of each kind: a metric, points drawn at random, and a distance within which some of them are."""
over_metrics = pytest.mark.parametrize("kind", METRICS)


def on_sphere(random: np.random.Generator, k: int) -> np.ndarray:
    """Uniform, the longitude from -180 to 360; the poles and the date line among them."""
    latitude = np.rad2deg(np.arcsin(random.uniform(-1, 1, k)))
    points = np.stack([latitude, random.uniform(-180, 360, k)], axis=-1)
    points[:6] = [[90, 10], [90, -120], [-90, 0], [0, 180], [0, -180], [0, 179.5]]
    return points


def brute(metric: Metric, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """All distances [k, l] of points [k, d] and [l, d], in NumPy."""
    a, b = (points.astype(np.float64) for points in (a, b))
    match metric.kind:
        case "ring":
            once = (a[:, None, 0] - b[:, 0]) % LENGTH
            return np.minimum(once, LENGTH - once)
        case "interval":
            return np.abs(a[:, None, 0] - b[:, 0])
        case "plane":
            return np.linalg.norm(a[:, None] - b, axis=-1)
    u, v = (unit(points) for points in (a, b))
    across = np.linalg.norm(np.cross(u[:, None], v), axis=-1)
    return RADIUS * np.arctan2(across, u @ v.T)


def unit(points: np.ndarray) -> np.ndarray:
    latitude, longitude = np.deg2rad(points).T
    ground = np.cos(latitude)
    return np.stack(
        [ground * np.cos(longitude), ground * np.sin(longitude), np.sin(latitude)], axis=-1
    )


def tapers(name: str, metric: Metric, a: np.ndarray, b: np.ndarray, radius: float) -> np.ndarray:
    return np.asarray(taper(name, jnp.asarray(brute(metric, a, b)), jnp.asarray(radius)))


# ---------------------------------------------------------------- distances


@over_metrics
def test_distances_are_those_of_plain_numpy(random, kind):
    metric, points, _ = METRICS[kind]
    a, b = points(random, 30), points(random, 40)
    found = distance(metric, jnp.asarray(a)[:, None], jnp.asarray(b))
    np.testing.assert_allclose(found, brute(metric, a, b), rtol=1e-12, atol=1e-8)
    assert (np.asarray(distance(metric, jnp.asarray(a), jnp.asarray(a))) == 0).all()


def test_on_a_sphere_known_distances_are_met():
    """A quarter and half of a great circle, a step across the date line, and one over a pole."""
    a = jnp.array([[0.0, 0], [0, 0], [12, -179.5], [89, 20], [90, 5], [40, 300]])
    b = jnp.array([[0.0, 90], [0, 180], [12, 180.5], [89, 200], [90, 300], [-40, 120]])
    expected = np.deg2rad([90, 180, 0, 2, 0, 180]) * RADIUS
    found = distance(geometry.sphere(RADIUS), a, b)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-8)


@pytest.mark.parametrize("latitude", [0.0, 47.0, -89.0])
def test_on_a_sphere_small_distances_are_not_lost(random, latitude):
    """Some metres, in kilometres: an arc cosine would see none of them in single precision."""
    steps = random.uniform(1e-5, 1e-4, 20)
    here = np.stack([np.full(20, latitude), np.zeros(20)], axis=-1)
    there = here + np.stack([steps, np.zeros(20)], axis=-1)
    found = distance(geometry.sphere(RADIUS), jnp.asarray(here), jnp.asarray(there))
    np.testing.assert_allclose(found, np.deg2rad(there - here)[:, 0] * RADIUS, rtol=1e-8)
    single = distance(geometry.sphere(RADIUS), jnp.float32(here), jnp.float32(there))
    assert np.abs(np.asarray(single) - np.asarray(found)).max() < 2e-3


# ---------------------------------------------------------------- neighbours


def listed(near: np.ndarray, m: int) -> np.ndarray:
    """[n, m]: whether an observation is among the neighbours; each stands there once."""
    found = np.zeros((len(near), m + 1), int)
    np.add.at(found, (np.arange(len(near))[:, None], near), 1)
    assert (found[:, :m] <= 1).all()
    return found[:, :m] == 1


@over_metrics
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_neighbours_are_all_within_reach_and_no_others(random, monkeypatch, kind, dtype):
    monkeypatch.setattr(geometry, "_BLOCK", 32)  # several blocks, the last not full
    metric, points, reach = METRICS[kind]
    state, observations = (points(random, k).astype(dtype) for k in (75, 130))
    near = neighbours(metric, state, observations, reach)
    assert near is not None
    assert near.dtype == np.int32
    assert (np.diff(near, axis=1) >= 0).all()
    found = listed(near, 130)
    d = brute(metric, state, observations)
    rounding = 1e-4 if dtype == "float32" else 1e-12
    assert found[d <= reach * (1 - rounding)].all()
    assert not found[d > reach * (1 + rounding)].any()
    most = int(found.sum(axis=1).max())
    assert most <= near.shape[1] < max(4, 3 * most / 2)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", ["ring", "interval", "plane", "sphere"])
def test_a_neighbour_at_exactly_the_reach_is_kept(kind, dtype):
    """On regular points, where many are: no other has a weight, as it is computed."""
    along = np.arange(60) * 0.1
    if kind in ("ring", "interval"):
        points, reach = along[:, None], 0.4
        metric = geometry.ring(6.0) if kind == "ring" else geometry.interval()
    elif kind == "plane":
        points, reach = np.stack([along, along * 0.75], axis=-1), 0.5
        metric = geometry.plane()
    else:
        points = np.stack([np.arange(60) * 3.0 - 88.5, np.full(60, 33.0)], axis=-1)
        metric, reach = geometry.sphere(RADIUS), float(np.deg2rad(12) * RADIUS)
    points = points.astype(dtype)
    near = neighbours(metric, points, points, reach)
    assert near is not None
    at, radius = jnp.asarray(points), jnp.asarray(reach, dtype)
    box = PointLocalization("box", radius, metric, at, at, jnp.asarray(near))
    count = np.asarray(box.state_to_observations()) > 0
    assert listed(near, 60)[count].all()
    assert (count.sum(axis=1) >= 4).all()


@over_metrics
def test_no_neighbours_are_listed_where_all_are_looked_at(random, kind):
    metric, points, reach = METRICS[kind]
    state, observations = points(random, 30), points(random, 40)
    assert neighbours(metric, state, observations, np.inf) is None
    assert neighbours(metric, state, observations, 100 * reach) is None
    assert neighbours(metric, state, observations[:2], reach) is None


@pytest.mark.parametrize("name", ["box", "step", "gaspari-cohn", "gaussian", "exponential"])
def test_beyond_its_reach_a_taper_is_zero(name):
    reach = geometry.reach(name, 2.5)
    if np.isinf(reach):
        assert float(taper(name, jnp.asarray(50.0), jnp.asarray(2.5))) > 0
        return
    weights = taper(name, jnp.array([0.99, 1 + 1e-9]) * reach, jnp.asarray(2.5))
    assert weights[0] > 0
    assert weights[1] == 0


def test_the_width_of_the_list_is_one_of_few():
    rungs = {geometry._rung(count) for count in range(1, 1025)}
    assert all(geometry._rung(count) >= count for count in range(1, 1025))
    assert len(rungs) == 18


# ---------------------------------------------------------------- localisations


def spread(neighbourhoods: Neighbourhoods, m: int) -> np.ndarray:
    """What the neighbourhoods say, as a matrix [n, m]; of empty slots nothing."""
    observation, weight = (np.asarray(part) for part in neighbourhoods)
    found = np.zeros((len(observation), m + 1))
    np.add.at(found, (np.arange(len(observation))[:, None], observation), weight)
    assert (found[:, m] == 0).all()
    return found[:, :m]


@over_metrics
@pytest.mark.parametrize("name", ["box", "gaspari-cohn", "gaussian"])
def test_a_localisation_says_the_same_in_all_ways(random, kind, name):
    metric, points, reach = METRICS[kind]
    radius = reach if name == "box" else reach / 4
    state, seen = points(random, 50), points(random, 60)
    seen[-1] = state[0]  # so that an empty slot, taken for the last of them, would count
    to_state = tapers(name, metric, state, seen, radius)
    between = tapers(name, metric, seen, seen, radius)
    near = neighbours(metric, state, seen, geometry.reach(name, radius))
    assert (near is None) == (name == "gaussian")
    localization = PointLocalization(
        name, jnp.asarray(radius), metric, jnp.asarray(state), jnp.asarray(seen), near
    )
    says(random, localization, to_state, between)


def test_so_do_given_tapers(random):
    to_state, between = random.uniform(0, 1, (50, 60)), random.uniform(0, 1, (60, 60))
    between = (between + between.T) / 2
    given = TaperLocalization(jnp.asarray(to_state), jnp.asarray(between))
    says(random, given, to_state, between)


def says(
    random: np.random.Generator,
    localization: Localization,
    to_state: np.ndarray,
    between: np.ndarray,
) -> None:
    """Whatever it is asked for is of these tapers [50, 60] and [60, 60]."""
    close = {"atol": 1e-8, "rtol": 0}
    assert localization.local
    chosen, some = random.integers(0, 60, 3), jnp.array([7, 3, 3])

    @jax.jit  # one program for all of it: op by op there would be dozens
    def ask(asked: Localization) -> Any:
        tapered = asked.to_joint()
        return (
            asked.neighbourhoods(),
            asked.finder()(some),
            asked.state_to_observations(),
            asked.between_observations(),
            [(asked.to_state(j), asked.to_observations(j), tapered(j)) for j in chosen],
        )

    every, (observation, weight), of_state, of_observations, of_one = ask(localization)
    np.testing.assert_allclose(spread(every, 60), to_state, **close)
    np.testing.assert_allclose(of_state, to_state, **close)
    np.testing.assert_allclose(of_observations, between, **close)
    for j, (state, observations, joint) in zip(chosen, of_one, strict=True):
        np.testing.assert_allclose(state, to_state[:, j], **close)
        np.testing.assert_allclose(observations, between[j], **close)
        np.testing.assert_allclose(joint, np.append(to_state[:, j], between[j]), **close)
    np.testing.assert_array_equal(observation, every.observation[some])
    np.testing.assert_allclose(weight, every.weight[some], **close)


def test_without_a_taper_every_observation_counts_fully():
    points = jnp.arange(3.0)[:, None]
    localization = PointLocalization("none", jnp.ones(()), geometry.interval(), points, points)
    assert not localization.local
    assert (np.asarray(localization.state_to_observations()) == 1).all()


def test_tapers_between_observations_are_asked_for_where_they_are_needed(random):
    problem = Problem(random, 8, 12, 9)
    given = TaperLocalization(jnp.asarray(random.uniform(0, 1, (12, 9))))
    assert np.isfinite(analyse("letkf", problem, given)).all()
    for name in ("eakf", "lpf", "enkf-b-loc"):
        with pytest.raises(ValueError, match="between observations"):
            analyse(name, problem, given)


# ---------------------------------------------------------------- analyses


def analyse(name: str, problem: Problem, localization: Localization) -> np.ndarray:
    """With the numbers of the localisation traced, as those of the problem are."""
    parameters = defaults(name)

    def one(ensemble: Any, y: Any, std: Any, localization: Any) -> jax.Array:
        observed, error = ensemble[:, problem.sites], ObservationError(std)
        key = jax.random.key(KEY)
        filtered, _ = REGISTRY[name].analyse(
            key, ensemble, observed, y, error, localization, parameters
        )
        return filtered

    run = jax.jit(one, compiler_options=QUICK)
    numbers = map(jnp.asarray, (problem.ensemble, problem.y, problem.std))
    return np.asarray(run(*numbers, localization))


LOCALISED = [
    name
    for name, entry in REGISTRY.items()
    if entry.declaration.parameter("taper") and not entry.needs_ring
]


def around(problem: Problem, name: str, radius: float, looked_up: bool = True) -> PointLocalization:
    """The ring of a problem as points on a circle."""
    metric = geometry.ring(float(problem.n))
    state = np.arange(problem.n, dtype=float)[:, None]
    near = None
    if looked_up:
        near = neighbours(metric, state, state[problem.sites], geometry.reach(name, radius))
        assert near is not None
    seen = jnp.asarray(state[problem.sites])
    return PointLocalization(name, jnp.asarray(radius), metric, jnp.asarray(state), seen, near)


@pytest.mark.parametrize("name", LOCALISED)
def test_points_on_a_circle_give_the_analysis_of_the_ring(random, name):
    problem = Problem(random, 6, 40, 33)
    default = "gaspari-cohn"
    expected = problem.analyse(name, problem.ring(default, 2.0), taper=default)
    found = analyse(name, problem, around(problem, default, 2.0))
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert np.abs(found - problem.ensemble).max() > 0.1


@pytest.mark.parametrize("looked_up", [False, True])
def test_points_on_a_circle_give_the_inflation_of_the_ring(random, looked_up):
    problem = Problem(random, 6, 40, 33)
    inflation, S = 1 + random.uniform(0, 1, 40), random.normal(0, 1, (6, 33))
    arguments = [jnp.asarray(part) for part in (inflation, S - S.mean(0), random.normal(0, 2, 33))]
    prior = jnp.asarray(0.3)
    expected = adapt(*arguments, problem.ring("box", 3.0), prior)
    found = adapt(*arguments, around(problem, "box", 3.0, looked_up), prior)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert (found != inflation).any()


def plain_letkf(problem: Problem, weights: np.ndarray) -> np.ndarray:
    """Hunt et al. (2007), eqs. 20-23, point by point, given tapers [n, m]."""
    members = len(problem.ensemble)
    mean = problem.ensemble.mean(0)
    X = problem.ensemble - mean
    Y, d = X[:, problem.sites], problem.y - mean[problem.sites]
    analysis = np.empty_like(problem.ensemble)
    for site, weight in enumerate(weights):
        C = Y * (weight / problem.std**2)
        P = np.linalg.inv((members - 1) * np.eye(members) + C @ Y.T)
        values, vectors = np.linalg.eigh((members - 1) * P)
        W = vectors * np.sqrt(values) @ vectors.T + (P @ C @ d)[:, None]
        analysis[:, site] = mean[site] + X[:, site] @ W
    return analysis


@pytest.mark.parametrize("kind", ["plane", "sphere"])
def test_a_letkf_of_points_is_that_of_plain_numpy(random, kind):
    metric, points, reach = METRICS[kind]
    problem = Problem(random, 7, 60, 50)
    state = points(random, 60)
    seen, radius = state[problem.sites], reach / 3
    near = neighbours(metric, state, seen, geometry.reach("gaspari-cohn", radius))
    assert near is not None
    localization = PointLocalization(
        "gaspari-cohn", jnp.asarray(radius), metric, jnp.asarray(state), jnp.asarray(seen), near
    )
    expected = plain_letkf(problem, tapers("gaspari-cohn", metric, state, seen, radius))
    np.testing.assert_allclose(analyse("letkf", problem, localization), expected, atol=1e-8)
    assert np.abs(expected - problem.ensemble).max() > 0.1


@pytest.mark.parametrize("name", ["letkf", "eakf", "enkf-b-loc"])
def test_given_tapers_do_what_the_geometry_they_are_of_does(random, name):
    problem = Problem(random, 6, 20, 14)
    points = jnp.asarray(random.normal(0, 2, (20, 2)))
    localization = PointLocalization(
        "gaussian", jnp.asarray(1.0), geometry.plane(), points, points[problem.sites]
    )
    given = TaperLocalization(
        localization.state_to_observations(), localization.between_observations()
    )
    expected = analyse(name, problem, localization)
    np.testing.assert_allclose(analyse(name, problem, given), expected, atol=1e-9)


def test_a_batch_may_have_observations_elsewhere_in_each(random):
    """Made inside a compiled program, of numbers that are traced."""
    state, seen = random.normal(0, 2, (10, 2)), random.normal(0, 2, (3, 6, 2))

    def weights(seen: Any, radius: Any) -> jax.Array:
        made = PointLocalization(
            "gaussian", radius, geometry.sphere(radius * 9), jnp.asarray(state), seen
        )
        return made.state_to_observations()

    found = jax.jit(jax.vmap(weights, (0, None)))(jnp.asarray(seen), jnp.asarray(RADIUS / 9))
    for k in range(3):
        expected = tapers("gaussian", geometry.sphere(RADIUS), state, seen[k], RADIUS / 9)
        np.testing.assert_allclose(found[k], expected, rtol=1e-9)
