"""Events as messages: nothing is lost or reordered, and no message is larger than 1 MB."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from compute import events
from compute.diagnosis import SERIES
from compute.messages import messages
from learnda.fields import RUN_FIELDS
from learnda.v1 import assimilation_pb2 as pb

MOST_REPLICATES = next(int(f.max or 0) for f in RUN_FIELDS if f.name == "replicates")


def span(steps: int, replicates: int) -> events.Progress:
    rng = np.random.default_rng(1)
    return events.Progress(
        method_id="a",
        first_step=50,
        t=np.arange(50, 50 + steps) * 0.1,
        replicates={name: rng.normal(size=(steps, replicates)).T for name in SERIES},
        mean={name: rng.normal(size=steps) for name in SERIES},
    )


def gathered() -> events.Diagnostics:
    rng = np.random.default_rng(2)
    return events.Diagnostics(
        rank_histogram=rng.integers(0, 2**40, 1025),
        spread_edges=np.append(rng.uniform(size=19).cumsum(), np.inf),
        spread_counts=rng.integers(0, 9, 20),
        spread_rms=np.where(rng.random(20) < 0.5, np.nan, rng.uniform(size=20)),
        error_rms=rng.uniform(size=20),
        lead_rmse=rng.uniform(size=7),
    )


@pytest.mark.parametrize(
    ("steps", "replicates"), [(1, 1), (128, 3), (128, 700), (7, MOST_REPLICATES)]
)
def test_progress_comes_in_parts_that_join(steps: int, replicates: int) -> None:
    event = span(steps, replicates)
    event.replicates["error_a"][0, 0] = np.nan
    parts = [message.progress for message in messages(event)]
    assert all(part.ByteSize() <= 1_000_000 for part in parts)
    assert [part.first_step for part in parts] == [
        50 + sum(p.step_count for p in parts[:i]) for i in range(len(parts))
    ]
    np.testing.assert_array_equal(np.concatenate([part.t for part in parts]), event.t)
    for name in SERIES:
        columns = [
            np.array(getattr(part.replicates, name)).reshape(part.replicate_count, part.step_count)
            for part in parts
        ]
        np.testing.assert_array_equal(np.hstack(columns), event.replicates[name])
        means = [getattr(part.mean, name) for part in parts]
        np.testing.assert_array_equal(np.concatenate(means), event.mean[name])


def test_every_series_and_metric_has_its_field() -> None:
    assert set(SERIES) == {field.name for field in pb.Series.DESCRIPTOR.fields}


@pytest.mark.parametrize("steps", [1, 128])
def test_what_was_gathered_comes_once_and_whole(steps: int) -> None:
    """With the last of the parts, for it is what was gathered up to there."""
    expected = gathered()
    parts = [m.progress for m in messages(replace(span(steps, 700), diagnostics=expected))]
    assert [part.HasField("diagnostics") for part in parts] == [False] * (len(parts) - 1) + [True]
    completed = events.MethodCompleted("a", "completed", {}, 0.5, None, expected)
    (last,) = messages(completed)
    for found in (parts[-1].diagnostics, last.method_completed.diagnostics):
        for field in fields(expected):
            np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name))


def test_absent_values_are_absent() -> None:
    metrics = {"final": None, "mean": 2.0}
    event = events.MethodCompleted("a", "diverged", metrics, 0.5, 7, gathered())
    (message,) = messages(event)
    completed = message.method_completed
    assert completed.status == pb.METHOD_STATUS_DIVERGED
    assert (completed.diverged_step, completed.metrics.mean) == (7, 2.0)
    assert not completed.metrics.HasField("final")
    (waiting,) = messages(events.Compiling("letkf", None))
    assert not waiting.compiling.HasField("estimated_seconds")


def test_a_checkpoint_comes_in_parts() -> None:
    parts = [m.checkpoint for m in messages(events.Checkpoint(9, bytes(2_500_000)))]
    assert [(p.part_index, p.part_count, p.step) for p in parts] == [(i, 3, 9) for i in range(3)]
    assert b"".join(p.data for p in parts) == bytes(2_500_000)
