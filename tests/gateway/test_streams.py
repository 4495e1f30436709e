"""Streams: resuming, several runs, many viewers, slow ones; real gateway and compute."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest
from gateway_process import HOST, GatewayProcess, follow, numbered, open_stream, post

METHODS = [{"id": "a", "name": "etkf"}, {"id": "b", "name": "letkf"}]
SHORT: dict[str, Any] = {"end_time": 10.0, "methods": METHODS}
LONG: dict[str, Any] = {"end_time": 300.0, "ensemble_size": 40, "methods": METHODS}
"""Some seconds of computing."""
ENDLESS: dict[str, Any] = {"end_time": 100_000.0, "methods": METHODS[:1]}


@pytest.fixture(scope="module")
def gateway(compute_address: str, new_database: Any) -> Iterator[GatewayProcess]:
    settings = {"KEEPALIVE_SECONDS": "0.3", "EVENTS_FETCH_LIMIT": "50", "LEARNDA_POOL_SIZE": "5"}
    with GatewayProcess(new_database(), compute_address, **settings) as gateway:
        yield gateway


@pytest.fixture
def api(gateway: GatewayProcess) -> Iterator[httpx.Client]:
    limits = httpx.Limits(max_connections=1000)
    with httpx.Client(base_url=gateway.url, timeout=30, limits=limits) as client:
        deadline = time.monotonic() + 20
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield client


def test_the_larger_of_since_and_last_event_id_counts(api: httpx.Client) -> None:
    run_id = post(api, SHORT)
    count = len(numbered(follow(api, run_id)))
    for since, header in ((5, "9"), (9, "5"), (9, "zebra"), (0, f"{run_id}:9")):
        events = numbered(follow(api, run_id, {"Last-Event-ID": header}, since=since))
        assert [event.number for event in events] == list(range(10, count + 1))
    beyond = follow(api, run_id, since=10**12)
    assert [event.type for event in beyond] == ["hello", "done"]


def test_the_first_event_comes_at_once_and_keepalives_while_nothing_happens(
    api: httpx.Client,
) -> None:
    busy = [post(api, ENDLESS) for _ in range(8)]  # all places are taken
    waiting = post(api, ENDLESS)
    begun = time.monotonic()
    with open_stream(api, f"/api/runs/{waiting}/events") as events:
        assert next(events).type == "hello"
        assert next(events).type == "run_created"
        assert time.monotonic() - begun < 1
        assert [next(events).type for _ in range(3)] == ["keepalive"] * 3
        api.delete(f"/api/runs/{waiting}")  # case 26: what its viewer sees
        rest = [event.type for event in events]
        assert rest[-2:] == ["run_cancelled", "done"]
    for run_id in busy:
        api.delete(f"/api/runs/{run_id}")


def test_several_runs_on_one_stream(api: httpx.Client) -> None:
    runs = [post(api, LONG), post(api, SHORT), post(api, SHORT)]
    unknown = str(uuid4())
    alone = numbered(follow(api, runs[1]))
    pairs = [f"{runs[0]}:0", f"{runs[1]}:100", runs[2], f"{unknown}:3"]
    with open_stream(api, "/api/events", run=pairs) as stream:
        events = list(stream)
    assert events[0].type == "hello"
    done = {e.data["run_id"]: e.data for e in events if e.type == "done"}
    assert set(done) == {*runs, unknown}
    assert done[unknown] == {"run_id": unknown, "error": "run not found"}
    for run_id, since in zip(runs, (0, 100, 0), strict=True):
        numbers = [e.number for e in numbered(events) if e.data["run_id"] == run_id]
        assert numbers == list(range(since + 1, numbers[-1] + 1))
        assert next(e for e in events[::-1] if e.data.get("run_id") == run_id).type == "done"
    own = [e.data for e in numbered(events) if e.data["run_id"] == runs[1]]
    assert own == [e.data for e in alone[100:]]


def test_a_stream_of_several_runs_resumes_by_its_last_event_id(api: httpx.Client) -> None:
    runs = [post(api, SHORT), post(api, SHORT)]
    for run_id in runs:
        follow(api, run_id)
    address = {"run": [f"{run_id}:0" for run_id in runs]}
    seen, last = [], None
    for _ in range(40):
        headers = {"Last-Event-ID": last} if last else {}
        with open_stream(api, "/api/events", headers, **address) as stream:
            for event in stream:
                if event.id != last and event.id is not None and seen:
                    last = event.id  # the browser has it before the next event is dispatched
                    break
                seen += [(event.data["run_id"], event.number)] if numbered([event]) else []
            else:
                break
    counts = [len(numbered(follow(api, run_id))) for run_id in runs]
    assert sorted(seen) == sorted(
        (run_id, k) for run_id, n in zip(runs, counts, strict=True) for k in range(1, n + 1)
    )


def test_viewers_of_a_run_share_one_tail(api: httpx.Client) -> None:
    run_id = post(api, LONG)
    with ThreadPoolExecutor(30) as pool:
        starts = [17 * k for k in range(30)]
        views = list(pool.map(lambda since: follow(api, run_id, since=since), starts))
    whole = [event.data for event in numbered(views[0])]
    for since, view in zip(starts, views, strict=True):
        assert [event.data for event in numbered(view)] == whole[since:]
    wait_for_viewers(api, 0)


def raw_stream(port: int, run_id: str, receive_buffer: int | None = None) -> socket.socket:
    """A viewer that has asked, and has not read yet."""
    viewer = socket.socket()
    if receive_buffer is not None:
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    viewer.connect((HOST, port))
    viewer.sendall(f"GET /api/runs/{run_id}/events HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    return viewer


def wait_for_viewers(api: httpx.Client, count: int) -> None:
    deadline = time.monotonic() + 10
    while f"learnda_viewers {float(count)}" not in api.get("/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.05)
