"""From compute's stream to the events of the contract."""

from __future__ import annotations

import json
import math
from uuid import UUID

import pytest
from stream_messages import (
    checkpoint,
    completed,
    experiment,
    method_completed,
    method_started,
    progress,
    started,
    value,
    whole_run,
)

from gateway.carrier import fresh_state
from gateway.events import BrokenStream, Reader, encode, stride
from gateway.records import Batch, Claim, NewEvent, RunState
from learnda.v1 import assimilation_pb2 as pb

RUN = UUID("00000000-0000-4000-8000-000000000001")


def state(*ids: str, steps: int = 10) -> RunState:
    request = experiment(*ids, steps=steps).request()
    return fresh_state(Claim(RUN, 1, 1, steps, request))


def types(batch: Batch) -> list[str]:
    return [event.type for event in batch.events]


def test_order_and_shape() -> None:
    batch = Reader(1).read(state("a", "b"), whole_run("a", "b"))
    assert types(batch) == [
        "run_started",
        *["method_started", *["partial"] * 4, "method_started", *["partial"] * 4],
        *["partial"] * 12,
        *["method_completed", "method_completed", "run_completed"],
    ]
    assert batch.end == "completed"
    assert batch.server == {"versions": {"jax": "1"}, "devices": [{"platform": "cpu", "kind": "x"}]}
    partial = next(e for e in batch.events if e.type == "partial" and e.fields["step"] == 7)
    assert list(partial.fields) == [
        *["method_id", "name", "label", "step", "t", "error_a", "error_b"],
        *["rmse_analysis", "rmse_background", "spread_analysis", "spread_background"],
    ]
    assert partial.fields["error_b"] == value("error_b", 0, 7)
    assert partial.fields["spread_analysis"] == value("spread_analysis", 0, 7)


def test_what_is_committed_is_left_out() -> None:
    """A second carrier replays from step 0: each (method, step) comes once."""
    messages = list(whole_run("a", "b", steps=10, chunk=4))
    whole = Reader(1).read(state("a", "b"), messages)
    for cut in range(len(messages)):
        first = Reader(1).read(state("a", "b"), messages[:cut])
        again = list(whole_run("a", "b", steps=10, chunk=3))  # other chunks, same numbers
        rest = Reader(1).read(first.state, again)
        found = [e for e in first.events + rest.events if e.type == "partial"]
        for method in ("a", "b"):
            steps = [e.fields["step"] for e in found if e.fields["method_id"] == method]
            assert steps == list(range(10))
        others = sorted(t for t in types(first) + types(rest) if t != "partial")
        assert others.count("method_started") == 2
        if first.end is None:
            assert others == sorted(t for t in types(whole) if t != "partial")


def test_points_of_a_span_that_is_partly_known() -> None:
    reader = Reader(1)
    first = reader.read(state("a"), [progress("a", 0, 3, replicates=2)])
    points = reader.read(first.state, [progress("a", 1, 5, replicates=2)]).points[0]
    assert (points.first_step, points.step_count, points.replicate_count) == (3, 3, 2)
    assert list(points.t) == pytest.approx([0.3, 0.4, 0.5])
    assert list(points.series[1]) == [value("error_a", r, k) for r in (0, 1) for k in (3, 4, 5)]


def test_a_gap_is_refused() -> None:
    with pytest.raises(BrokenStream, match="steps 3 to 3 of method 'a' are missing"):
        Reader(1).read(state("a"), [progress("a", 0, 3), progress("a", 4, 1)])


def test_an_unknown_method_and_a_short_series_are_refused() -> None:
    with pytest.raises(BrokenStream, match="'z'"):
        Reader(1).read(state("a"), [method_started("z")])
    short = progress("a", 0, 3)
    short.progress.replicates.error_a.pop()
    with pytest.raises(BrokenStream, match="3 values"):
        Reader(1).read(state("a"), [short])


@pytest.mark.parametrize(
    ("steps", "every", "expected"),
    [(101, 1, 1), (2000, 1, 1), (2001, 1, 2), (10_000, 1, 5), (101, 10, 10), (100_000, 7, 56)],
)
def test_stride(steps: int, every: int, expected: int) -> None:
    assert stride(steps, every) == expected


def test_thinning_is_even_over_chunks_while_points_keep_every_step() -> None:
    messages = [progress("a", first, 7) for first in range(0, 70, 7)]
    batch = Reader(5).read(state("a", steps=70), messages)
    assert [e.fields["step"] for e in batch.events] == list(range(0, 70, 5))
    assert sum(p.step_count for p in batch.points) == 70


def test_method_completed_carries_divergence_and_null_for_what_is_not_finite() -> None:
    message = method_completed("a", pb.METHOD_STATUS_DIVERGED, diverged_step=3)
    batch = Reader(1).read(state("a"), [message])
    fields = batch.events[0].fields
    assert (fields["status"], fields["diverged_step"]) == ("diverged", 3)
    metrics = fields["metrics"]
    assert list(metrics) == [field.name for field in pb.Metrics.DESCRIPTOR.fields]
    assert (metrics["final"], metrics["mean"], metrics["min"]) == (0.5, None, None)
    assert (metrics["cycles_scored"], metrics["diverged_replicates"]) == (10, 0)
    assert Reader(1).read(batch.state, [message]).empty


def test_warnings_reach_the_last_event() -> None:
    batch = Reader(1).read(state("a"), [completed("the truth is not finite")])
    assert batch.events[0].fields["warnings"] == ["the truth is not finite"]
    assert batch.warnings == ("the truth is not finite",)


def test_a_checkpoint_waits_for_all_its_parts() -> None:
    reader = Reader(1)
    one, two, three = checkpoint(5, b"x", b"y", b"z")
    assert reader.read(state("a"), [one, two]).checkpoint is None
    assert reader.read(state("a"), [two]).checkpoint is None  # read again after a failed commit
    whole = reader.read(state("a"), [three]).checkpoint
    assert whole is not None
    assert (whole.step, whole.parts) == (5, (b"x", b"y", b"z"))
    assert reader.read(state("a"), [three]).checkpoint is None


def test_compiling_is_no_event() -> None:
    message = pb.RunExperimentResponse(compiling=pb.Compiling(program="etkf"))
    assert Reader(1).read(state("a"), [message]).empty
    assert Reader(1).read(state("a"), [started(1)]).events[0].type == "run_started"


def test_encode_numbers_without_gaps_and_makes_valid_json() -> None:
    events = [NewEvent("run_started"), *[NewEvent("partial", {"t": math.nan})] * 450]
    rows = encode(RUN, 12.5, 41, events)
    assert [(r.type, r.first_id, r.last_id) for r in rows] == [
        ("run_started", 41, 41),
        ("partial", 42, 241),
        ("partial", 242, 441),
        ("partial", 442, 491),
    ]
    payloads = [json.loads(p) for row in rows for p in row.payloads]
    assert [p["_event_id"] for p in payloads] == list(range(41, 492))
    assert payloads[1] == {
        "type": "partial",
        "run_id": str(RUN),
        "ts": 12.5,
        "_event_id": 42,
        "t": None,
    }
