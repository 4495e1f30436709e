"""Filters that must give the same numbers, or the same mean and covariance, in exact arithmetic."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import TWO_SHAPES, Problem

from compute.filters import enkf_n
from compute.transform import whiten


@pytest.fixture(params=TWO_SHAPES, ids=str)
def problem(request, random):
    return Problem(random, *request.param)


def same(a: np.ndarray, b: np.ndarray, atol: float = 1e-9) -> None:
    np.testing.assert_allclose(a, b, atol=atol)


def same_moments(a: np.ndarray, b: np.ndarray) -> None:
    same(a.mean(0), b.mean(0))
    same(np.cov(a.T), np.cov(b.T))


@pytest.mark.parametrize(
    ("local", "whole"), [("letkf", "etkf"), ("lenkf", "enkf"), ("lnetf", "netf")]
)
def test_a_local_filter_without_taper_is_the_filter(problem, local, whole):
    expected = problem.analyse(whole)
    same(problem.analyse(local), expected)
    same(problem.analyse(local, problem.ring("gaussian", 1e9)), expected)


@pytest.mark.parametrize("taper", ["gaussian", "gaspari-cohn"])
def test_a_taper_that_never_falls_is_none(problem, taper):
    everywhere = problem.ring(taper, 1e12)
    for name in ("eakf", "enkf-b-loc"):
        same(problem.analyse(name, everywhere), problem.analyse(name), atol=1e-8)


def test_the_eakf_without_taper_is_the_ensrf(problem):
    """With the same key they take the observations in the same order."""
    same(problem.analyse("eakf"), problem.analyse("ensrf"))


@pytest.mark.parametrize("name", ["ensrf", "eakf", "estkf"])
def test_square_root_filters_share_their_moments(problem, name):
    same_moments(problem.analyse(name), problem.analyse("etkf"))


def test_the_estkf_is_the_etkf(problem):
    same(problem.analyse("estkf"), problem.analyse("etkf"))


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("name", ["enkf-naive", "enkf-cholesky", "enkf-b-loc"])
@pytest.mark.parametrize("shape", TWO_SHAPES, ids=str)
def test_the_gain_of_the_enkf_by_any_route(random, shape, name, correlated):
    problem = Problem(random, *shape, correlated=correlated)
    same(problem.analyse(name), problem.analyse("enkf"))


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("shape", TWO_SHAPES, ids=str)
def test_estimates_of_the_covariance_in_both_their_forms(random, shape, correlated):
    problem = Problem(random, *shape, correlated=correlated)
    same(problem.analyse("enkf-shrinkage-precision"), problem.analyse("enkf-rblw"), atol=1e-8)
    ring = problem.ring("box", 3)
    primal, dual = (
        problem.analyse(name, ring)
        for name in ("enkf-modified-cholesky", "enkf-obs-modified-cholesky")
    )
    same(primal, dual, atol=1e-6 * np.abs(primal).max())


def test_the_enkf_n_is_the_etkf_of_an_inflated_ensemble(problem):
    """Inflated by the root of (N - 1) / zeta, zeta from the decomposition of the member side."""
    members = len(problem.ensemble)
    S, d = (
        np.asarray(x) for x in whiten(problem.ensemble[:, problem.sites], problem.y, problem.error)
    )
    variance, U = np.linalg.eigh(S @ S.T)
    variance = np.maximum(variance, 0)
    seen = U.T @ S @ d
    innovation = np.where(variance > 1e-9, seen / np.sqrt(np.maximum(variance, 1e-9)), 0)
    eN, cL = enkf_n.hyperprior(jnp.asarray(variance), members, 1.0)
    zeta = float(enkf_n.zeta(jnp.asarray(variance), innovation, eN, (members - 1) * cL))
    analysis = problem.analyse("enkf-n")
    mean = problem.ensemble.mean(0)
    problem.ensemble = mean + np.sqrt((members - 1) / zeta) * (problem.ensemble - mean)
    same(analysis, problem.analyse("etkf"), atol=1e-7)


@pytest.mark.parametrize("name", ["etkf", "estkf", "letkf", "denkf", "netf", "enkf-n"])
def test_the_order_of_the_observations_does_not_matter(problem, random, name):
    ring = problem.ring("gaspari-cohn", 2.0) if name == "letkf" else None
    analysis = problem.analyse(name, ring)
    order = random.permutation(len(problem.y))
    for part in ("sites", "std", "y"):
        setattr(problem, part, getattr(problem, part)[order])
    ring = problem.ring("gaspari-cohn", 2.0) if name == "letkf" else None
    same(problem.analyse(name, ring), analysis)


@pytest.mark.parametrize("name", ["ensrf", "eakf"])
def test_another_order_of_a_serial_filter_has_the_same_moments(problem, monkeypatch, name):
    first = problem.analyse(name)
    monkeypatch.setattr("problems.KEY", 6)
    assert (
        jax.random.permutation(problem.key, 3) != jax.random.permutation(jax.random.key(5), 3)
    ).any()
    same_moments(problem.analyse(name), first)
