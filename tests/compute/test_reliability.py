"""What is gathered and scored, against plain counting, plain inverses and numerical integration."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from compute import diagnostics, reliability
from compute.observing import ObservationError, ring_correlation
from compute.randomness import Purpose, uniform_by_place
from compute.reliability import SPREAD_BINS, Gathered, gather, look, nothing, spread_edges
from compute.schemes import Estimate
from compute.scoring import bands_over_replicates

STD = 3.6


def gathered_over(
    backgrounds: np.ndarray,
    truths: np.ndarray,
    *,
    scored: np.ndarray | None = None,
    lead_rmse: np.ndarray | None = None,
    first_known: int = 99,
) -> Gathered:
    """Cycle after cycle, of ensembles [K, N, n] and truths [K, n]."""
    cycles, members, _ = backgrounds.shape
    lead_rmse = np.zeros((cycles, 0)) if lead_rmse is None else lead_rmse
    scored = np.ones(cycles, bool) if scored is None else scored

    draw = partial(uniform_by_place, jax.random.key(9), Purpose.RANK_TIES, jnp.arange(cycles))
    start = jax.tree.map(jnp.asarray, nothing(members, lead_rmse.shape[1], ()))
    arrays = (backgrounds, truths, lead_rmse, np.arange(cycles) + first_known, scored)

    def all_at_once(*cycle: jax.Array) -> Gathered:
        seen = jax.vmap(lambda x, *rest: look(Estimate.of(x), *rest))(*cycle)
        return gather(start, seen, members, jnp.asarray(STD), draw)

    found = jax.jit(all_at_once)(*map(jnp.asarray, arrays))
    return jax.tree.map(np.asarray, found)


def test_ranks_are_places_among_the_sorted_members(random):
    backgrounds, truths = random.normal(0, 1, (6, 9, 40)), random.normal(0, 1.5, (6, 40))
    found = gathered_over(backgrounds, truths).ranks
    expected = np.zeros(10, int)
    for members, truth in zip(backgrounds, truths, strict=True):
        for site in range(40):
            expected[np.searchsorted(np.sort(members[:, site]), truth[site])] += 1
    np.testing.assert_array_equal(found, expected)
    assert found.sum() == 6 * 40


def test_ties_are_broken_evenly():
    """Two members below the truth, three equal to it, one above: ranks 2 to 5."""
    members = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 2.0])
    backgrounds = np.broadcast_to(members[None, :, None], (200, 6, 40))
    found = gathered_over(backgrounds, np.ones((200, 40))).ranks
    assert found[[0, 1, 6]].sum() == 0
    assert found.sum() == 200 * 40
    assert stats.chisquare(found[2:6]).pvalue > 1e-4


@pytest.mark.parametrize("members", [2, 9, 40, 1500])
def test_a_reliable_ensemble_has_a_flat_histogram(random, members):
    """Members and truth are draws of one distribution, which is another one at each site."""
    cycles = 200 if members < 1000 else 60
    shift, scale = random.normal(0, 3, (cycles, 1, 50)), random.uniform(0.5, 2, (cycles, 1, 50))
    both = shift + scale * random.normal(0, 1, (cycles, members + 1, 50))
    found = gathered_over(both[:, 1:], both[:, 0]).ranks
    assert found.sum() == cycles * 50
    if members > 1024:  # too many bins for so few: join them
        assert len(found) == reliability.MAX_RANKS
        found = found[:1000].reshape(-1, 20).sum(axis=1) * 1.0
    assert stats.chisquare(found).pvalue > 1e-3
    overconfident = gathered_over(shift + 0.5 * (both[:, 1:] - shift), both[:, 0]).ranks
    middle = len(overconfident) // 2
    assert overconfident[0] + overconfident[-1] > 2 * overconfident[middle]


def test_bins_that_ranks_share_are_flat_too():
    """Where 1501 ranks share 1025 bins, each bin holds as much of them as any other."""
    members = 1500
    ladder = np.arange(members, dtype=float)
    truths = np.arange(members + 1) - 0.5  # every rank once in a cycle
    backgrounds = np.broadcast_to(ladder[None, :, None], (40, members, members + 1))
    found = gathered_over(backgrounds, np.broadcast_to(truths, (40, members + 1))).ranks
    expected = 40 * (members + 1) / reliability.MAX_RANKS
    assert found.sum() == 40 * (members + 1)
    assert np.abs(found - expected).max() < 17  # 20 where each rank has one bin


def test_only_scored_cycles_count(random):
    backgrounds, truths = random.normal(0, 1, (6, 9, 40)), random.normal(0, 1.5, (6, 40))
    scored = np.array([False, False, True, True, False, True])
    some = gathered_over(backgrounds, truths, scored=scored)
    assert some.ranks.sum() == some.spread_counts.sum() == 3 * 40
    again = gathered_over(backgrounds[scored], truths[scored])
    for a, b in zip(some[:4], again[:4], strict=True):
        np.testing.assert_allclose(a, b)


def test_spread_bins_are_those_of_numpy(random):
    scale = 10 ** random.uniform(-4, 1, (8, 1, 60))  # from below the first edge to above the last
    backgrounds = 2 + scale * random.normal(0, 1, (8, 7, 60))
    truths = random.normal(2, 1, (8, 60))
    found = gathered_over(backgrounds, truths)
    edges = spread_edges(STD)
    assert len(edges) == SPREAD_BINS
    assert edges[-2] < 1.5 * STD < edges[-1]
    variance = backgrounds.var(axis=1, ddof=1)
    squared = (backgrounds.mean(axis=1) - truths) ** 2
    places = np.searchsorted(edges, np.sqrt(variance))
    for field, values in [
        ("spread_counts", np.ones_like(variance)),
        ("spread_variance", variance),
        ("spread_error", squared),
    ]:
        expected = np.bincount(places.ravel(), values.ravel(), minlength=SPREAD_BINS)
        np.testing.assert_allclose(getattr(found, field), expected)
    assert found.spread_counts[0] > 0
    assert found.spread_counts[-1] > 0
    assert found.spread_counts.sum() == 8 * 60


def test_leads_are_summed_where_they_are_known(random):
    backgrounds, truths = random.normal(0, 1, (5, 3, 4)), random.normal(0, 1, (5, 4))
    rmse = random.uniform(1, 2, (5, 3))
    found = gathered_over(backgrounds, truths, lead_rmse=rmse, first_known=0)
    known = np.arange(3) < np.arange(5)[:, None]  # at step k forecasts of up to k cycles end
    np.testing.assert_array_equal(found.lead_counts, known.sum(axis=0))
    np.testing.assert_allclose(found.lead_total, (rmse * known).sum(axis=0))


def test_a_method_without_members_has_no_ranks(random):
    estimate = Estimate.certain(jnp.asarray(random.normal(0, 1, 6)))
    start = jax.tree.map(jnp.asarray, nothing(0, 0, ()))
    truth = jnp.asarray(random.normal(0, 1, 6))
    seen = look(estimate, truth, jnp.zeros(0), jnp.asarray(0), jnp.asarray(True))
    seen = jax.tree.map(lambda x: x[None], seen)
    found = gather(start, seen, 5, jnp.asarray(STD), lambda sites: 1 / 0)
    assert found.ranks.shape == (0,)
    assert found.spread_counts[0] == 6


# ---------------------------------------------------------------- scores


def test_bands_are_numpys_quantiles_of_the_finite_replicates(random):
    columns = random.normal(0, 1, (50, 7))
    columns[random.random((50, 7)) < 0.3] = np.nan
    columns[0] = np.nan
    columns[1, 1:] = np.inf
    low, high = bands_over_replicates(columns)
    for k, row in enumerate(columns):
        finite = row[np.isfinite(row)]
        if len(finite) < 2:
            assert np.isnan([low[k], high[k]]).all()
        else:
            expected = np.quantile(finite, [0.16, 0.84])
            np.testing.assert_allclose([low[k], high[k]], expected, rtol=1e-12)
    assert np.isnan(low).sum() >= 2


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize(("members", "m"), [(20, 5), (5, 12)])
def test_consistency_is_that_of_plain_inverses(random, members, m, correlated):
    background, analysis = random.normal(1, 2, (members, m)), random.normal(1.5, 0.7, (members, m))
    y, std = random.normal(0, 2, m), random.uniform(0.3, 2, m)
    correlation = ring_correlation(jnp.arange(m), 15, jnp.asarray(2.0)) if correlated else None
    error = ObservationError(jnp.asarray(std), correlation)
    found = diagnostics.consistency(*map(jnp.asarray, (background, analysis, y)), error)
    R, HPHt = np.asarray(error.covariance), np.cov(background.T)
    before, after = y - background.mean(0), y - analysis.mean(0)
    inverse = np.linalg.inv(R)
    expected = {
        "innovation_consistency": before @ np.linalg.inv(HPHt + R) @ before / m,
        "desroziers_error": after @ inverse @ before / m,
        "desroziers_background": (before - after) @ inverse @ before / np.trace(inverse @ HPHt),
    }
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(value)


def test_consistency_is_one_where_the_filter_is_right(random):
    """Truth, members and errors as they are believed to be; the analysis is Kalman's."""
    members, m, draws = 200, 4, 3000
    std = np.array([0.5, 1.0, 1.5, 2.0])
    root = random.normal(0, 1, (m, m))
    B, R = root @ root.T, np.diag(std**2)
    K = B @ np.linalg.inv(B + R)
    background = random.normal(0, 1, (draws, members, m)) @ root.T
    y = random.normal(0, 1, (draws, m)) @ root.T + std * random.normal(0, 1, (draws, m))
    analysis = background + (y - background.mean(axis=1))[:, None] @ K.T
    error = ObservationError(jnp.asarray(std))
    each = jax.jit(jax.vmap(lambda b, a, y: diagnostics.consistency(b, a, y, error)))
    for value in each(background, analysis, y).values():
        assert float(value.mean()) == pytest.approx(1, abs=0.07)


def test_gaussian_crps_is_the_integral(random):
    mean, variance = random.normal(0, 1, 5), random.uniform(0.1, 4, 5)
    truth = random.normal(0, 2, 5)
    grid = np.linspace(-30, 30, 600_001)
    expected = [
        np.trapezoid((stats.norm.cdf(grid, mu, np.sqrt(v)) - (grid >= t)) ** 2, grid)
        for mu, v, t in zip(mean, variance, truth, strict=True)
    ]
    found = diagnostics.gaussian_crps(*map(jnp.asarray, (mean, variance, truth)))
    assert float(found) == pytest.approx(np.mean(expected), abs=1e-4)
    certain = diagnostics.gaussian_crps(jnp.asarray(mean), jnp.zeros(5), jnp.asarray(truth))
    assert float(certain) == pytest.approx(np.abs(truth - mean).mean())
