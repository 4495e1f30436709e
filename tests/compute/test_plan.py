"""How runs are laid out: batches of instances, groups of replicates, lanes; numbers stay the same.

They stay so to rounding only, which a chaotic model makes grow: so the runs are short.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from experiments import checkpoints, completed, experiment, run, series

from compute.diagnosis import SERIES
from compute.engine import Engine
from compute.plan import Plan
from compute.workers import Workers

SHORT = {"end_time": 1.0, "ensemble_size": 10}
SWEEP = [("letkf", {"r": 2, "inf_fact": 1 + 0.02 * i}) for i in range(5)]


@pytest.fixture(scope="module")
def in_turn() -> Iterator[Engine]:
    """One worker: all replicates and all instances that share a program in one call."""
    with Engine(hasty=True, workers=Workers(1)) as engine:
        yield engine


@pytest.fixture(scope="module")
def spread_out() -> Iterator[Engine]:
    """Three workers, between which nothing comes out even."""
    with Engine(hasty=True, workers=Workers(3)) as engine:
        yield engine


def everything(events, method_id):
    return np.stack([series(events, method_id, name) for name in SERIES])


def assert_same(one, other, methods):
    for i in range(methods):
        np.testing.assert_allclose(
            everything(one, f"m{i}"), everything(other, f"m{i}"), rtol=1e-6, atol=1e-9
        )
        mine, yours = (completed(events, f"m{i}").diagnostics for events in (one, other))
        np.testing.assert_array_equal(mine.rank_histogram, yours.rank_histogram)


@pytest.mark.parametrize(
    ("instances", "replicates", "workers", "groups", "sizes"),
    [
        (1, 1, 2, 1, [1]),
        (5, 1, 1, 1, [5]),
        (5, 1, 3, 1, [2, 2, 2]),
        (5, 7, 3, 3, [5]),
        (5, 2, 4, 2, [3, 3]),
        (100, 1, 2, 1, [50, 50]),
    ],
)
def test_instances_and_replicates_are_shared_out(instances, replicates, workers, groups, sizes):
    asked = experiment(*(SWEEP * 20)[:instances], replicates=replicates)
    plan = Plan(asked, workers)
    assert plan.groups == groups
    assert plan.shape.replicates * plan.groups >= replicates
    assert [batch.size for batch in plan.batches] == sizes
    positions = [position for batch in plan.batches for position in batch.positions]
    assert positions == list(range(instances))
    numbers = np.concatenate([plan.setting(g).replicates for g in range(groups)])
    np.testing.assert_array_equal(numbers, np.arange(len(numbers)))


def test_instances_of_one_window_share_a_program_whatever_their_values():
    asked = experiment(
        ("letkf", {"r": 2}), ("enkf", {}), ("letkf", {"r": 1, "inf_fact": 1.1}),
        ("letkf", {"r": 9}), ("letkf", {"r": 2, "taper": "gaspari-cohn"}),
    )  # fmt: skip
    assert [batch.positions for batch in Plan(asked, 1).batches] == [(0, 2), (1,), (3,), (4,)]


def test_a_sweep_is_one_batch_and_each_cell_is_the_run_of_its_own(in_turn):
    """And the programs of one more value are those of the batch: nothing is compiled."""
    together = run(in_turn, experiment(*SWEEP, **SHORT))
    alone = [run(in_turn, experiment(cell, **SHORT)) for cell in SWEEP]
    for i, events in enumerate(alone):
        np.testing.assert_allclose(
            everything(together, f"m{i}"), everything(events, "m0"), rtol=1e-6, atol=1e-9
        )
    assert completed(together, "m0").metrics != completed(together, "m4").metrics
    compiled = in_turn.compile_count
    run(in_turn, experiment(*SWEEP[::-1], **SHORT, seed=9))
    assert in_turn.compile_count == compiled


def test_sharing_out_changes_nothing(in_turn, spread_out):
    asked = experiment(*SWEEP, ("enkf", {}), replicates=4, **SHORT)
    assert_same(run(in_turn, asked), run(spread_out, asked), 6)
    asked = experiment(*SWEEP, ("enkf", {}), **SHORT)
    assert_same(run(in_turn, asked), run(spread_out, asked), 6)


def test_lanes_side_by_side_as_on_a_gpu(in_turn):
    asked = experiment(*SWEEP[:2], ("enkf", {}), ("3dvar", {}), replicates=3, **SHORT)
    with Engine(hasty=True, workers=Workers(1, side_by_side=True)) as engine:
        assert_same(run(in_turn, asked), run(engine, asked), 4)


def test_a_checkpoint_fits_however_a_run_is_shared_out(in_turn, spread_out):
    asked = experiment(*SWEEP[:2], replicates=4, **SHORT)
    whole = run(spread_out, asked, checkpoint_interval=1e-9)
    kept = checkpoints(whole)[0]
    for engine in (in_turn, spread_out):
        rest = run(engine, asked, resume_from=kept.data)
        for method_id in ("m0", "m1"):
            expected = everything(whole, method_id)[..., kept.step :]
            np.testing.assert_allclose(everything(rest, method_id), expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(everything(rest, "m0"), everything(whole, "m0")[..., kept.step :])
