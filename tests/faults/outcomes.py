"""What a run must come to, whatever is done to those who carry it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import httpx
from gateway_process import Event, follow, numbered, open_stream, post

STEPS: Final = 20_001
STRIDE: Final = 11
"""Steps between two ``partial`` events: at most 2,000 of a method."""
BODY: Final[dict[str, Any]] = {
    "end_time": (STEPS - 1) / 10,
    "seed": 11,
    "methods": [{"id": "a", "name": "etkf"}, {"id": "b", "name": "enkf", "params": {}}],
}
"""Some seconds of computing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The numbers that a run leaves, to the bit."""

    csv: str
    """Without the run's id."""
    metrics: dict[str, Any]


def outcome(api: httpx.Client, run_id: str) -> Outcome:
    methods = api.get(f"/api/runs/{run_id}").json()["methods"]
    metrics = {key: method["metrics"] for key, method in methods.items()}
    return Outcome(api.get(f"/api/runs/{run_id}/csv").text.replace(run_id, "RUN"), metrics)


def undisturbed_outcome(api: httpx.Client) -> Outcome:
    """Of a run of `BODY` that nobody disturbs."""
    run_id = post(api, BODY)
    follow(api, run_id)
    return outcome(api, run_id)


def check(api: httpx.Client, run_id: str, seen: list[Event], expected: Outcome) -> None:
    """Case 2: numbered 1..n, what was seen unchanged, each (method, step) once, the same bits."""
    events = numbered(follow(api, run_id))
    check_events(events)
    assert events[: len(seen)] == seen, "what a viewer saw has changed"
    assert outcome(api, run_id) == expected, "the numbers are not those of an undisturbed run"


def check_events(events: list[Event], steps: int = STEPS, stride: int = STRIDE) -> None:
    """Numbered 1..n, to the run's end, each (method, step) once."""
    assert [event.number for event in events] == list(range(1, len(events) + 1)), "gaps"
    assert events[-1].type == "run_completed"
    for method in ("a", "b"):
        own = [event for event in events if event.data.get("method_id") == method]
        found = [event.data["step"] for event in own if event.type == "partial"]
        assert found == list(range(0, steps, stride)), "each (method, step) comes once"
        others = [event.type for event in own if event.type != "partial"]
        assert [type_ for type_ in others if type_ != "compiling"] == [
            "method_started",
            "method_completed",
        ]


def watch(api: httpx.Client, run_id: str, count: int) -> list[Event]:
    """The first events of a run that goes on."""
    with open_stream(api, f"/api/runs/{run_id}/events") as events:
        return take(events, count)


def take(events: Iterable[Event], count: int) -> list[Event]:
    """The next numbered events, none of them the last of a run."""
    seen: list[Event] = []
    for event in events:
        assert event.type not in ("run_completed", "run_failed"), "the run was too quick"
        seen += numbered([event])
        if len(seen) == count:
            break
    return seen
