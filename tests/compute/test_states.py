"""What is kept of the states: it agrees with the diagnostics, and changes no number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from experiments import experiment, run, series

from compute import messages, states
from compute.engine import Engine
from compute.events import Event, States
from learnda.v1 import assimilation_pb2 as pb

ASKED = {"end_time": 3.0, "ensemble_size": 15, "replicates": 3, "std_obs": 0.5, "m": 20}
METHODS = (("etkf", {}), ("enkf", {}), ("3dvar", {}))
HALF = 2.0**-11
"""Of half precision, relative."""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(hasty=True) as engine:
        yield engine


@pytest.fixture(scope="module")
def found(engine: Engine) -> list[Event]:
    return run(engine, experiment(*METHODS, record_states=True, **ASKED))


def of(events: list[Event], method_id: str) -> tuple[np.ndarray, np.ndarray]:
    chunks = [e for e in events if isinstance(e, States) and e.method_id == method_id]
    steps = np.concatenate([chunk.steps for chunk in chunks])
    return steps, np.concatenate([chunk.values for chunk in chunks]).astype(float)


def test_they_have_the_error_and_the_spread_that_are_told(found: list[Event]) -> None:
    """Of the first replicate: RMSE and spread from what is shown are those of the diagnostics."""
    steps, nature = of(found, "")
    assert steps.tolist() == list(range(31))
    assert nature.shape == (31, 2, 40)
    for method_id, members in (("m0", 12), ("m1", 12), ("m2", 0)):
        steps, kept = of(found, method_id)
        assert steps.tolist() == list(range(31))
        assert kept.shape == (31, 2 + members, 40)
        rmse = np.sqrt(((kept[:, 0] - nature[:, 0]) ** 2).mean(axis=1))
        size = np.abs(nature[:, 0]).max()
        told = series(found, method_id, "rmse_analysis")[0]
        np.testing.assert_allclose(rmse, told, atol=2 * HALF * size)
        spread = np.sqrt((kept[:, 1] ** 2).mean(axis=1))
        np.testing.assert_allclose(
            spread, series(found, method_id, "spread_analysis")[0], rtol=4 * HALF
        )


def test_members_lie_around_their_mean(found: list[Event]) -> None:
    _, kept = of(found, "m0")
    off = (kept[:, 2:] - kept[:, :1]) / kept[:, 1:2]
    assert 0.7 < np.sqrt((off**2).mean()) < 1.2
    assert np.abs(off).max() < 5


def test_observations_lie_where_sites_are_observed(found: list[Event]) -> None:
    _, nature = of(found, "")
    seen = ~np.isnan(nature[:, 1])
    assert (seen.sum(axis=1) == 20).all()
    errors = (nature[:, 1] - nature[:, 0])[seen]
    assert 0.4 < errors.std() < 0.6


def test_keeping_them_changes_no_number(engine: Engine, found: list[Event]) -> None:
    without = run(engine, experiment(*METHODS, **ASKED))
    assert not [e for e in without if isinstance(e, States)]
    for method_id in ("m0", "m1", "m2"):
        for name in ("rmse_analysis", "spread_background", "crps_analysis"):
            np.testing.assert_array_equal(
                series(without, method_id, name), series(found, method_id, name)
            )


def test_a_long_run_is_thinned_evenly(engine: Engine) -> None:
    asked = experiment(("etkf", {}), end_time=100.0, ensemble_size=5, record_states=True)
    events = run(engine, asked)
    for method_id in ("", "m0"):
        steps, kept = of(events, method_id)
        assert steps.tolist() == list(range(0, 1001, 3))
        assert len(kept) == len(steps)


def test_a_large_state_is_shown_in_part(engine: Engine) -> None:
    asked = experiment(("3dvar", {}), end_time=0.3, lorenz96_n=300, m=300, record_states=True)
    events = run(engine, asked)
    _, nature = of(events, "")
    assert nature.shape == (4, 2, 120)
    _, kept = of(events, "m0")
    assert kept.shape == (4, 2, 120)


def test_a_replicate_that_is_not_finite_is_shown_as_nothing(engine: Engine) -> None:
    asked = experiment(
        ("etkf", {"inf_fact": 100.0}), end_time=4.0, ensemble_size=20, m=10, record_states=True
    )
    events = run(engine, asked)
    _, kept = of(events, "m0")
    finite = np.isfinite(series(events, "m0", "rmse_analysis")[0])
    assert 0 < finite.sum() < len(finite)
    assert np.isnan(kept[~finite]).all()


@pytest.mark.parametrize("first_step", [0, 1, 6, 7, 8])
@pytest.mark.parametrize("count", [1, 4, 7, 30])
def test_what_is_kept_of_a_chunk(first_step: int, count: int) -> None:
    all_kept = [step for step in range(first_step, first_step + count) if step % 7 == 0]
    assert states.kept(first_step, count, 7).tolist() == all_kept


def test_a_message_has_at_most_a_megabyte() -> None:
    values = np.random.default_rng(1).normal(0, 5, (400, 14, 120)).astype(np.float16)
    event = States("m", np.arange(0, 800, 2), values)
    sent = [message.states for message in messages.messages(event)]
    assert len(sent) > 1
    assert max(part.ByteSize() for part in sent) <= 1_000_000
    assert [step for part in sent for step in part.steps] == list(range(0, 800, 2))
    read = np.concatenate([_read(part) for part in sent])
    np.testing.assert_array_equal(read, values)


def _read(part: pb.States) -> np.ndarray:
    shape = (len(part.steps), part.state_count, part.site_count)
    return np.frombuffer(part.data, "<f2").reshape(shape)
