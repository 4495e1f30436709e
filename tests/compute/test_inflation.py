"""Relaxation and adaptive inflation against their formulas, and where a cycle applies each."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import Problem

from compute import cycling, inflation
from compute.climatology import Climatology
from compute.filters import REGISTRY
from compute.observing import observe
from compute.schemes import Moment, World


def two(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A background and a narrower analysis elsewhere."""
    background = random.normal(1, 2, (7, 5))
    return background, 3 + 0.4 * background + random.normal(0, 0.3, (7, 5))


@pytest.mark.parametrize("relaxation", [0.0, 0.35, 1.0])
def test_rtps_draws_the_spread_back(random, relaxation):
    background, analysis = two(random)
    found = inflation.relax_to_prior_spread(*map(jnp.asarray, (background, analysis)), relaxation)
    mean, after = analysis.mean(0), analysis.std(0, ddof=1)
    wanted = relaxation * background.std(0, ddof=1) + (1 - relaxation) * after
    np.testing.assert_allclose(found, mean + (analysis - mean) * wanted / after)


@pytest.mark.parametrize("relaxation", [0.0, 0.35, 1.0])
def test_rtpp_draws_the_perturbations_back(random, relaxation):
    background, analysis = two(random)
    found = inflation.relax_to_prior_perturbations(
        *map(jnp.asarray, (background, analysis)), relaxation
    )
    mean = analysis.mean(0)
    perturbations = (1 - relaxation) * (analysis - mean)
    perturbations += relaxation * (background - background.mean(0))
    np.testing.assert_allclose(found, mean + perturbations)


def test_rtps_of_an_ensemble_that_has_collapsed_is_finite(random):
    background, _ = two(random)
    collapsed = jnp.ones((7, 5))
    found = inflation.relax_to_prior_spread(jnp.asarray(background), collapsed, 0.5)
    np.testing.assert_allclose(found, collapsed)


# ---------------------------------------------------------------- adaptive


def miyoshi(
    factor: float, S: np.ndarray, d: np.ndarray, weight: np.ndarray, prior_std: float
) -> float:
    """Miyoshi (2011) for one patch: estimate, its error variance, and their product of Gaussians.

    ``S`` is of the background that has been inflated by ``factor`` (of the variance).
    """
    count = weight.sum()
    raw = (weight * (S**2).sum(0) / (len(S) - 1)).sum() / factor  # tr(R^-1 HBH'), not inflated
    estimate = ((weight * d**2).sum() - count) / raw
    error = 2 / count * ((factor * raw + count) / raw) ** 2
    updated = (factor / prior_std**2 + estimate / error) / (1 / prior_std**2 + 1 / error)
    return max(1.0, float(updated))


def problem_in_units(random: np.random.Generator, size: float) -> tuple[Any, ...]:
    problem = Problem(random, 9, 12, 7)
    return problem, random.normal(0, 1, (9, 7)), random.normal(0, size, 7)


@pytest.mark.parametrize("size", [0.1, 1.0, 6.0])
@pytest.mark.parametrize("prior_std", [0.04, 1.0])
def test_one_inflation_for_all_without_localisation(random, size, prior_std):
    problem, S, d = problem_in_units(random, size)
    S = S - S.mean(0)
    found = inflation.adapt(
        jnp.full(12, 1.3), jnp.asarray(S), jnp.asarray(d), problem.ring(), prior_std
    )
    expected = miyoshi(1.3, S, d, np.ones(7), prior_std)
    np.testing.assert_allclose(found, np.full(12, expected))


@pytest.mark.parametrize("size", [0.1, 1.0, 6.0])
@pytest.mark.parametrize("taper", ["gaspari-cohn", "box"])
def test_an_inflation_for_each_site_with_localisation(random, size, taper):
    problem, S, d = problem_in_units(random, size)
    S = S - S.mean(0)
    before, ring = random.uniform(1, 2, 12), problem.ring(taper, 1)
    found = np.asarray(
        inflation.adapt(jnp.asarray(before), jnp.asarray(S), jnp.asarray(d), ring, 0.3)
    )
    tapers = np.asarray(ring.state_to_observations())
    for site in range(12):
        if tapers[site].sum() == 0:  # nothing near: nothing is learnt
            assert found[site] == before[site]
        else:
            expected = miyoshi(before[site], S, d, tapers[site], 0.3)
            assert found[site] == pytest.approx(expected)
    assert (found >= 1).all()


def test_innovations_of_the_expected_size_change_nothing(random):
    problem, S, _ = problem_in_units(random, 1.0)
    S = S - S.mean(0)
    d = np.sqrt(1 + (S**2).sum(0) / 8) * random.choice([-1, 1], 7)  # R + HBH', site by site
    for ring in (problem.ring(), problem.ring("gaspari-cohn", 2)):
        arguments = (jnp.full(12, 1.7), jnp.asarray(S))
        found = inflation.adapt(*arguments, jnp.asarray(d), ring, 1.0)
        np.testing.assert_allclose(found, np.full(12, 1.7))
        raised = inflation.adapt(*arguments, jnp.asarray(1.5 * d), ring, 1.0)
        lowered = inflation.adapt(*arguments, jnp.asarray(0.8 * d), ring, 1.0)
        assert (np.asarray(raised) > 1.7).all()
        assert (np.asarray(lowered) < 1.7).all()


# ---------------------------------------------------------------- in a cycle


FORECAST = 1.1
"""What the model of these cycles multiplies by."""


def one_cycle(problem: Problem, inflated: np.ndarray | None = None, **parameters: Any) -> Any:
    world = World(
        n=problem.n,
        climatology=Climatology(jnp.asarray(0.0), jnp.zeros(problem.n)),
        forecast=lambda states, substeps: FORECAST * states,
        noisy_forecast=lambda states, substeps, key: FORECAST * states,
        step=lambda state: state,
        forecast_noise=jnp.asarray(0.0),
        observe=lambda states, sites: observe("identity", states, sites),
        operator="identity",
    )
    moment = Moment(
        step=jnp.asarray(3),
        key=lambda purpose: jax.random.fold_in(problem.key, int(purpose)),
        substeps=jnp.asarray(1),
        interval=jnp.asarray(0.1),
        y=jnp.asarray(problem.y),
        error=problem.error,
        localization=problem.ring(),
        truth=jnp.zeros(problem.n),
    )
    factors = np.ones(problem.n) if inflated is None else inflated
    state = cycling.EnsembleState(jnp.asarray(problem.ensemble), jnp.asarray(factors))
    return cycling.cycle(REGISTRY["etkf"], world, moment, state, parameters)


def forecast(problem: Problem, factor: float | np.ndarray = 1.0) -> Problem:
    """The problem that the analysis meets: its ensemble forecast, then inflated."""
    ahead = FORECAST * problem.ensemble
    mean = ahead.mean(0)
    met = replace_ensemble(problem, mean + factor * (ahead - mean))
    return met


def replace_ensemble(problem: Problem, ensemble: np.ndarray) -> Problem:
    other = Problem.__new__(Problem)
    other.__dict__.update(problem.__dict__)
    other.ensemble = ensemble
    return other


@pytest.fixture
def problem(random):
    return Problem(random, 6, 9, 5)


def test_inflation_after_the_analysis_is_in_what_is_reported_and_forecast(problem):
    outcome = one_cycle(problem, inflation="analysis", inf_fact=1.5)
    analysis = forecast(problem).analyse("etkf")
    expected = analysis.mean(0) + 1.5 * (analysis - analysis.mean(0))
    np.testing.assert_allclose(outcome.state.ensemble, expected, atol=1e-9)
    np.testing.assert_allclose(outcome.analysis.members, expected, atol=1e-9)
    np.testing.assert_allclose(outcome.background.members, FORECAST * problem.ensemble)


def test_inflation_of_the_background_comes_before_the_analysis(problem):
    outcome = one_cycle(problem, inflation="background", inf_fact=1.5)
    met = forecast(problem, 1.5)
    np.testing.assert_allclose(outcome.background.members, met.ensemble)
    np.testing.assert_allclose(outcome.state.ensemble, met.analyse("etkf"), atol=1e-9)


@pytest.mark.parametrize("how", ["rtps", "rtpp"])
def test_relaxation_is_to_the_forecast(problem, how):
    outcome = one_cycle(problem, inflation=how, relaxation=0.6)
    met = forecast(problem)
    relax = {
        "rtps": inflation.relax_to_prior_spread,
        "rtpp": inflation.relax_to_prior_perturbations,
    }[how]
    expected = relax(jnp.asarray(met.ensemble), jnp.asarray(met.analyse("etkf")), 0.6)
    np.testing.assert_allclose(outcome.state.ensemble, expected, atol=1e-9)


def test_adaptive_inflation_acts_on_the_next_background(problem):
    factors = np.full(9, 1.44)
    outcome = one_cycle(problem, factors, inflation="adaptive", adaptation_std=0.3)
    met = forecast(problem, 1.2)
    np.testing.assert_allclose(outcome.background.members, met.ensemble)
    np.testing.assert_allclose(outcome.state.ensemble, met.analyse("etkf"), atol=1e-9)
    observed = met.ensemble[:, met.sites]
    S, d = (observed - observed.mean(0)) / met.std, (met.y - observed.mean(0)) / met.std
    expected = miyoshi(1.44, S, d, np.ones(5), 0.3)
    np.testing.assert_allclose(outcome.state.inflation, np.full(9, expected))


def test_a_rotation_keeps_the_moments_of_a_cycle(problem):
    plain, rotated = (
        np.asarray(one_cycle(problem, inflation="analysis", inf_fact=1.2, rotate=r).state.ensemble)
        for r in (False, True)
    )
    np.testing.assert_allclose(rotated.mean(0), plain.mean(0), atol=1e-9)
    np.testing.assert_allclose(np.cov(rotated.T), np.cov(plain.T), atol=1e-9)
    assert np.abs(rotated - plain).max() > 0.01
