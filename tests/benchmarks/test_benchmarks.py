"""The helpers of the benchmarks: what they print of figures, and that padding changes nothing."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import gpu
from benchmarks.figures import Row, Spread, Target, exponent, ratios, short, table
from benchmarks.integration import Case, compare


def test_ratios_are_of_the_same_repetition() -> None:
    assert ratios([2, 30, 8], [1, 10, 2]) == Spread(2, 3, 4)


def test_the_exponent_of_a_power_law() -> None:
    sizes = [10, 30, 100]
    assert exponent(sizes, [3 * s**1.5 for s in sizes]) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0456, "0.0456"), (12.34, "12.3"), (45_612.0, "45,600"), (1.234e8, "1.23e+08"), (0, "0")],
)
def test_three_digits(value: float, text: str) -> None:
    assert short(value) == text


def test_a_target_judges_the_ratio_where_there_is_one() -> None:
    row = Row("x", Spread.of([5.0]), "s", Spread.of([40.0]), "peer", Target(30))
    assert row.verdict == "met"
    assert Row("x", Spread.of([5.0]), "s", target=Target(3, at_most=True)).verdict == "missed"
    assert "≥ 30.0" in table([row])


def test_a_padded_ensemble_is_analysed_as_it_would_be_alone() -> None:
    with jax.enable_x64(True):
        random = np.random.default_rng(3)
        ensemble, y = jnp.asarray(random.normal(size=(9, 12))), jnp.asarray(random.normal(size=12))
        slots = jnp.concatenate([ensemble, jnp.full((5, 12), 7.0)])
        key = jax.random.key(0)
        count = jnp.array(9)
        alone = np.asarray(gpu.padded_analysis(key, ensemble, count, y))
        padded = np.asarray(gpu.padded_analysis(key, gpu.pad(slots, count), count, y))
    np.testing.assert_allclose(padded[:9], alone, atol=1e-12)
    np.testing.assert_allclose(padded[9:], np.broadcast_to(alone.mean(0), (5, 12)), atol=1e-12)


def test_what_is_meant_for_a_gpu_runs_here_on_a_small_grid() -> None:
    grid, gap = gpu.etkf_grid(gpu.Device(1e10, 1e11), [18, 24], [1.02, 1.05], cycles=200)
    assert grid.figure is not None
    assert gap.ratio is not None
    assert gap.ratio.middle > 0
    assert float(grid.note.rpartition(" ")[2]) < 1.0, "the filters follow the truth"


def test_a_large_cycle_meant_for_a_gpu_runs_here_on_a_small_ring() -> None:
    small = replace(gpu.LETKF, n=2000, members=10, m=1000)
    cycle, gap = gpu.letkf_cycle(gpu.Device(1e10, 1e11), small)
    assert cycle.figure is not None
    assert gap.ratio is not None
    assert gap.ratio.middle > 1, "nothing is faster than its floor"


def test_our_integration_numpys_and_cs_agree() -> None:
    """`compare` refuses to time what does not agree."""
    rows = compare(Case(40, 13, 10), "float64", rounds=1)
    assert rows[0].ratio is not None
