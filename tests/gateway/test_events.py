"""From compute's stream to the events of the contract."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from uuid import UUID

import pytest
from stream_messages import (
    checkpoint,
    compiling,
    completed,
    experiment,
    gathered,
    gathered_json,
    method_completed,
    method_started,
    progress,
    started,
    value,
    whole_run,
)

from gateway.carrier import fresh_state
from gateway.events import BrokenStream, Reader, encode, stride
from gateway.records import ALL_SERIES, DIAGNOSTIC_SERIES, Batch, Claim, NewEvent, RunState
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


def test_diagnostic_series_of_a_span_that_is_partly_known() -> None:
    """Kept where they tell something of what is new; None where not sent, or NaN throughout."""
    message = progress("a", 1, 5, 2, diagnostic_series=DIAGNOSTIC_SERIES[:3])
    del message.progress.replicates.innovation_consistency[:]
    message.progress.replicates.innovation_consistency.extend([1.0, *[math.nan] * 9])
    message.progress.replicates.desroziers_error[1] = math.nan
    reader = Reader(1)
    first = reader.read(state("a"), [progress("a", 0, 3, 2)])
    assert first.points[0].series[6:] == (None,) * 5
    points = reader.read(first.state, [message]).points[0]
    told = dict(zip(ALL_SERIES, points.series, strict=True))
    crps = told["crps_analysis"]
    assert crps is not None
    assert list(crps) == [value("crps_analysis", r, k) for r in (0, 1) for k in (3, 4, 5)]
    assert told["innovation_consistency"] is None  # its one number was known
    assert told["desroziers_error"] is not None
    assert told["desroziers_background"] is None
    assert told["effective_sample_size"] is None


def test_partials_carry_the_diagnostics_that_the_span_has() -> None:
    message = progress("a", 0, 3, diagnostic_series=("crps_analysis", "effective_sample_size"))
    message.progress.mean.crps_analysis[1] = math.nan
    message.progress.mean.innovation_consistency.extend([math.nan] * 3)
    events = Reader(1).read(state("a"), [message]).events
    (row,) = encode(RUN, 0.0, 1, events)
    payloads = [json.loads(payload) for payload in row.payloads]
    for payload in payloads:
        assert list(payload)[-3:] == ["spread_background", "crps_analysis", "effective_sample_size"]
    assert [p["crps_analysis"] for p in payloads] == [
        value("crps_analysis", 0, 0),
        None,
        value("crps_analysis", 0, 2),
    ]
    later = Reader(1).read(state("a"), [progress("a", 0, 1, diagnostic_series=DIAGNOSTIC_SERIES)])
    assert list(later.events[0].fields)[-3:] == [
        *["crps_analysis", "innovation_consistency", "effective_sample_size"]
    ]


def test_partials_of_replicates_carry_their_bands() -> None:
    message = progress("a", 4, 4, replicates=3)
    for end, column in (("low", [0.1, 0.2, math.nan, 0.4]), ("high", [1.1, 1.2, math.nan, 1.4])):
        for name in ("rmse_analysis", "spread_analysis"):
            getattr(getattr(message.progress, end), name).extend(column)
    methods = {"a": replace(state("a").methods["a"], last_step=4)}
    known = replace(state("a"), methods=methods)
    (row,) = encode(RUN, 0.0, 1, Reader(1).read(known, [message]).events)
    payloads = [json.loads(payload) for payload in row.payloads]
    for name in ("rmse_analysis", "spread_analysis"):
        assert [p[f"{name}_low"] for p in payloads] == [0.2, None, 0.4]
        assert [p[f"{name}_high"] for p in payloads] == [1.2, None, 1.4]
    message.progress.low.rmse_analysis.append(1.0)
    with pytest.raises(BrokenStream, match="rmse_analysis of low"):
        Reader(1).read(known, [message])


def test_the_newest_diagnostics_stay() -> None:
    reader = Reader(1)
    first = reader.read(
        state("a"),
        [
            progress("a", 0, 2, diagnostics=gathered(2)),
            progress("a", 2, 4, diagnostics=gathered(6)),
        ],
    )
    assert first.state.methods["a"].diagnostics == gathered_json(6)
    assert first.changed[0].diagnostics == gathered_json(6)
    replayed = [progress("a", 0, 3, diagnostics=gathered(3)), progress("a", 5, 2)]
    second = reader.read(first.state, replayed)
    assert second.state.methods["a"].diagnostics == gathered_json(6)
    last = reader.read(second.state, [method_completed("a", diagnostics=gathered(10))])
    assert last.events[0].fields["diagnostics"] == gathered_json(10)
    kept = reader.read(second.state, [method_completed("a", diagnostics=pb.Diagnostics())])
    assert kept.events[0].fields["diagnostics"] == gathered_json(6)


def test_without_diagnostics_there_are_none() -> None:
    batch = Reader(1).read(state("a"), whole_run("a"))
    assert batch.changed[0].diagnostics is None
    (done,) = (e for e in batch.events if e.type == "method_completed")
    assert "diagnostics" not in done.fields


def test_uneven_bins_and_a_short_diagnostic_series_are_refused() -> None:
    uneven = gathered(2)
    uneven.spread_counts.pop()
    with pytest.raises(BrokenStream, match="spread_counts"):
        Reader(1).read(state("a"), [progress("a", 0, 2, diagnostics=uneven)])
    short = progress("a", 0, 3, diagnostic_series=["crps_analysis"])
    short.progress.mean.crps_analysis.pop()
    with pytest.raises(BrokenStream, match="crps_analysis has not 3 values"):
        Reader(1).read(state("a"), [short])


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


def test_compiling_is_told_with_its_estimate_where_there_is_one() -> None:
    messages = [started(1), compiling("etkf"), compiling("letkf", 0.0), compiling("truth", 2.5)]
    batch = Reader(1).read(state("a"), [*messages, method_started("a")])
    assert types(batch) == ["run_started", *["compiling"] * 3, "method_started"]
    payloads = [json.loads(p) for row in encode(RUN, 0.0, 1, batch.events) for p in row.payloads]
    assert payloads[1:4] == [
        {"type": "compiling", "run_id": str(RUN), "ts": 0.0, "_event_id": number}
        | {"program": program, "estimated_seconds": seconds}
        for number, program, seconds in ((2, "etkf", None), (3, "letkf", 0.0), (4, "truth", 2.5))
    ]


def test_a_later_attempt_says_anew_what_it_waits_for() -> None:
    first = Reader(1).read(state("a"), [started(9), compiling("etkf"), *list(whole_run("a"))[:3]])
    again = Reader(1).read(first.state, [started(9), compiling("etkf"), *whole_run("a")])
    assert types(again)[:2] == ["compiling", "partial"]


def test_what_is_not_known_is_no_event() -> None:
    assert Reader(1).read(state("a"), [pb.RunExperimentResponse()]).empty


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
