"""States to look at: kept with the run, read in parts, each step once."""

from __future__ import annotations

import array
import json
import struct
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from gateway_process import follow, numbered, post
from stream_messages import experiment, queued

from gateway.carrier import fresh_state
from gateway.database import Pool
from gateway.events import BrokenStream, Reader
from gateway.records import TRUTH, Claim
from gateway.store import queue, runs, states
from learnda.v1 import assimilation_pb2 as pb

BODY: dict[str, Any] = {
    "seed": 3,
    "end_time": 2.0,
    "record_states": True,
    "methods": [{"id": "a", "name": "etkf"}, {"id": "b", "name": "3dvar"}],
}


@pytest.fixture(scope="module")
def api(stack: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def run_id(api: httpx.Client) -> str:
    made = post(api, BODY)
    follow(api, made)
    return made


def read(answer: httpx.Response) -> tuple[dict[str, Any], tuple[float, ...]]:
    assert answer.status_code == 200, answer.text
    head, _, data = answer.content.partition(b"\n")
    found = json.loads(head)
    count = len(found["steps"]) * found["state_count"] * found["site_count"]
    return found, struct.unpack(f"<{count}e", data)


# ---------------------------------------------------------------- over HTTP


def test_truth_and_methods(api: httpx.Client, run_id: str) -> None:
    """The mean that is shown has the error that is told."""
    head, truth = read(api.get(f"/api/runs/{run_id}/states"))
    assert head == {"steps": list(range(21)), "state_count": 2, "site_count": 40}
    head, kept = read(api.get(f"/api/runs/{run_id}/states", params={"method": "a"}))
    assert (head["state_count"], head["steps"]) == (14, list(range(21)))
    partials = [e.data for e in follow(api, run_id) if e.type == "partial"]
    told = [p["rmse_analysis"] for p in partials if p["method_id"] == "a"]
    for step in range(21):
        mean = kept[step * 14 * 40 : step * 14 * 40 + 40]
        here = truth[step * 2 * 40 : step * 2 * 40 + 40]
        rmse = (sum((m - x) ** 2 for m, x in zip(mean, here, strict=True)) / 40) ** 0.5
        assert rmse == pytest.approx(told[step], abs=0.02)
    head, _ = read(api.get(f"/api/runs/{run_id}/states", params={"method": "b"}))
    assert head["state_count"] == 2


def test_the_rest_after_a_step(api: httpx.Client, run_id: str) -> None:
    path = f"/api/runs/{run_id}/states"
    _, whole = read(api.get(path))
    head, rest = read(api.get(path, params={"since": 17}))
    assert head["steps"] == [18, 19, 20]
    assert array.array("d", rest).tobytes() == array.array("d", whole[-len(rest) :]).tobytes()
    assert api.get(path, params={"since": 20}).status_code == 400


def test_they_are_announced(api: httpx.Client, run_id: str) -> None:
    events = numbered(follow(api, run_id))
    assert [e.number for e in events] == list(range(1, len(events) + 1))
    told = [e.data for e in events if e.type == "states"]
    assert {e["method_id"] for e in told} == {None, "a", "b"}
    for method_id in (None, "a", "b"):
        last = [e["last_step"] for e in told if e["method_id"] == method_id]
        assert last == sorted(last)
        assert last[-1] == 20


def test_what_cannot_be_read(api: httpx.Client, run_id: str) -> None:
    assert api.get(f"/api/runs/{uuid4()}/states").status_code == 404
    answer = api.get(f"/api/runs/{run_id}/states", params={"method": "c"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "method")
    answer = api.get(f"/api/runs/{run_id}/states", params={"since": -2})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "since")


def test_they_are_kept_only_where_asked_for(api: httpx.Client) -> None:
    made = post(api, {**BODY, "record_states": False})
    assert "states" not in {e.type for e in follow(api, made)}
    answer = api.get(f"/api/runs/{made}/states")
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "no states are kept of these steps",
    )


# ---------------------------------------------------------------- in the database


def message(method_id: str, steps: list[int], *, states: int = 2) -> pb.RunExperimentResponse:
    """Each number tells its step."""
    data = b"".join(struct.pack("<e", step) * 3 * states for step in steps)
    return pb.RunExperimentResponse(
        states=pb.States(
            method_id=method_id, steps=steps, state_count=states, site_count=3, data=data
        )
    )


async def commit(pool: Pool, held: Claim, *messages: pb.RunExperimentResponse) -> None:
    batch = Reader(1).read(fresh_state(held), messages)
    await queue.commit(pool, held, batch, lease=30)


async def claimed(pool: Pool) -> Claim:
    await queued(pool, experiment("a", "b"))
    (held,) = await queue.claim(pool, uuid4(), limit=1, lease=30)
    return held


async def test_what_a_takeover_sends_again_counts_once(pool: Pool) -> None:
    """Cut otherwise, or begun at the same step."""
    held = await claimed(pool)
    await commit(pool, held, message("b", [0, 2, 4]), message("b", [6, 8]), message("", [0]))
    await commit(pool, held, message("b", [6, 8, 10]), message("b", [4, 6]), message("b", [12]))
    found = await states.after(pool, held.run_id, 1, -1)
    assert found is not None
    assert found.steps == [0, 2, 4, 6, 8, 10, 12]
    assert struct.unpack(f"<{6 * len(found.steps)}e", found.data) == tuple(
        float(step) for step in found.steps for _ in range(6)
    )
    rest = await states.after(pool, held.run_id, 1, 4)
    assert rest is not None
    assert rest.steps[0] == 6
    truth = await states.after(pool, held.run_id, TRUTH, -1)
    assert truth is not None
    assert truth.steps == [0]
    assert await states.after(pool, held.run_id, 0, -1) is None


async def test_they_go_with_their_run(pool: Pool) -> None:
    held = await claimed(pool)
    await commit(pool, held, message("a", [0]))
    await runs.delete(pool, held.run_id)
    await runs.remove_old(pool, ttl=0, grace=0)
    assert await states.after(pool, held.run_id, 0, -1) is None


@pytest.mark.parametrize("change", [{"site_count": 4}, {"steps": []}, {"data": b"x"}])
async def test_numbers_that_are_missing_are_noticed(pool: Pool, change: dict[str, Any]) -> None:
    broken = message("a", [0, 1])
    for name, value in change.items():
        broken.states.ClearField(name)
        if isinstance(value, list):
            broken.states.steps.extend(value)
        else:
            setattr(broken.states, name, value)
    with pytest.raises(BrokenStream, match="as many numbers"):
        Reader(1).read(fresh_state(await claimed(pool)), [broken])
