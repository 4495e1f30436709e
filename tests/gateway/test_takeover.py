"""Carriers and compute servers that die, sleep or stop in the middle of a run: real kills."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from gateway_process import (
    HOST,
    Event,
    GatewayProcess,
    follow,
    numbered,
    open_stream,
    post,
)

from learnda.local.probes import is_ready
from learnda.local.services import ComputeService, free_port

LEASE = 1.5
SETTINGS = {
    "LEARNDA_LEASE_SECONDS": str(LEASE),
    "POLL_INTERVAL_SECONDS": "0.2",
    "LEARNDA_RETRY_SECONDS": "0.2",
}
BODY: dict[str, Any] = {
    "end_time": 2000.0,
    "seed": 11,
    "methods": [{"id": "a", "name": "etkf"}, {"id": "b", "name": "enkf", "params": {}}],
}
"""20,001 steps of two methods: some seconds."""


class Two:
    """Two gateways on one database: ``first`` carries a run, of which ``seen`` was seen."""

    def __init__(self, database_url: str, compute: str, stack: ExitStack, **settings: str) -> None:
        self.database_url = database_url
        both = [GatewayProcess(database_url, compute, **SETTINGS, **settings) for _ in range(2)]
        for gateway in both:
            stack.enter_context(gateway)
            wait_ready(gateway)
        with client(both[0]) as api:
            self.run_id = post(api, BODY)
            self.seen = view(api, self.run_id, 300)
        self.first, self.second = both if carries(both[0]) else both[::-1]
        assert carries(self.first), "the run was too quick"

    def ask(self, sql: str) -> int:
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute(sql).fetchone()
        assert row is not None
        return int(row[0])


def client(gateway: GatewayProcess) -> httpx.Client:
    return httpx.Client(base_url=gateway.url, timeout=30)


def wait_ready(gateway: GatewayProcess) -> None:
    deadline = time.monotonic() + 30
    while not is_ready(gateway.url):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def carries(gateway: GatewayProcess) -> bool:
    return "learnda_runs_carried 1.0" in httpx.get(f"{gateway.url}/metrics").text


def view(api: httpx.Client, run_id: str, count: int) -> list[Event]:
    """The first events of a run that goes on."""
    seen = []
    with open_stream(api, f"/api/runs/{run_id}/events") as events:
        for event in events:
            assert event.type not in ("run_completed", "run_failed"), "the run was too quick"
            seen += numbered([event])
            if len(seen) == count:
                break
    return seen


@pytest.fixture(scope="module")
def undisturbed(compute_address: str, new_database: Any) -> tuple[str, dict[str, Any]]:
    """The CSV without its run_id, and the metrics, of a run that nobody disturbs."""
    with GatewayProcess(new_database(), compute_address) as gateway:
        wait_ready(gateway)
        with client(gateway) as api:
            run_id = post(api, BODY)
            follow(api, run_id)
            return results(api, run_id)


def results(api: httpx.Client, run_id: str) -> tuple[str, dict[str, Any]]:
    methods = api.get(f"/api/runs/{run_id}").json()["methods"]
    metrics = {key: method["metrics"] for key, method in methods.items()}
    return api.get(f"/api/runs/{run_id}/csv").text.replace(run_id, "RUN"), metrics


def check(
    api: httpx.Client, run_id: str, seen: list[Event], expected: tuple[str, dict[str, Any]]
) -> None:
    """Case 2: numbered 1..n, what was seen unchanged, each (method, step) once, the same bits."""
    events = numbered(follow(api, run_id))
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert events[: len(seen)] == seen
    assert events[-1].type == "run_completed"
    for method in ("a", "b"):
        own = [event for event in events if event.data.get("method_id") == method]
        steps = [event.data["step"] for event in own if event.type == "partial"]
        assert steps == list(range(0, 20_001, 11))
        assert [e.type for e in own if e.type != "partial"] == [
            "method_started",
            "method_completed",
        ]
    assert results(api, run_id) == expected


@pytest.mark.parametrize("checkpoint_seconds", ["0.1", "3600"])
def test_a_killed_carrier(
    compute_address: str, postgres_url: str, undisturbed: Any, checkpoint_seconds: str
) -> None:
    """kill -9: taken over within the lease plus one poll, from a checkpoint or from step 0."""
    with ExitStack() as stack:
        settings = {"LEARNDA_CHECKPOINT_SECONDS": checkpoint_seconds}
        two = Two(postgres_url, compute_address, stack, **settings)
        two.first.kill()
        checkpoints = two.ask("SELECT count(*) FROM learnda.checkpoint")
        assert (checkpoints > 0) == (checkpoint_seconds == "0.1")
        killed = time.monotonic()
        with client(two.second) as api:
            known = two.ask("SELECT last_event FROM learnda.run")
            with open_stream(api, f"/api/runs/{two.run_id}/events", since=known) as events:
                next(event for event in events if numbered([event]))
            assert time.monotonic() - killed < LEASE + 0.2 + 2.0  # and what it takes to get there
            check(api, two.run_id, two.seen, undisturbed)


def test_a_carrier_that_sleeps_past_its_lease(
    compute_address: str, postgres_url: str, undisturbed: Any
) -> None:
    """Case 3: when it wakes, every write of its is refused and it drops the run."""
    with ExitStack() as stack:
        two = Two(postgres_url, compute_address, stack)
        two.first.kill(signal.SIGSTOP)
        with client(two.second) as api:
            check(api, two.run_id, two.seen, undisturbed)
            whole = follow(api, two.run_id)
        two.first.kill(signal.SIGCONT)
        with client(two.first) as api:
            deadline = time.monotonic() + 10
            while "learnda_runs_carried 0.0" not in api.get("/metrics").text:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert follow(api, two.run_id) == whole


def test_a_carrier_that_is_told_to_stop(
    compute_address: str, postgres_url: str, undisturbed: Any
) -> None:
    """Case 27: it ends its streams, exits within the grace, and the other goes on at once."""
    with ExitStack() as stack:
        two = Two(postgres_url, compute_address, stack)
        with client(two.first) as viewer:
            with open_stream(viewer, f"/api/runs/{two.run_id}/events") as events:
                next(events)
                told = time.monotonic()
                two.first.kill(signal.SIGTERM)
                types = [event.type for event in events]
                assert "done" not in types
            assert two.first.process.wait(5) == 0
            assert time.monotonic() - told < 3
        with client(two.second) as api:
            check(api, two.run_id, two.seen, undisturbed)


def test_a_killed_compute_server(postgres_url: str, undisturbed: Any) -> None:
    with ExitStack() as stack:
        cache = Path(__file__).resolve().parent.parent.parent / ".cache" / "jax"
        service = ComputeService(HOST, free_port(HOST), cache)
        compute = stack.enter_context(computing(service))
        gateway = stack.enter_context(GatewayProcess(postgres_url, service.address, **SETTINGS))
        wait_ready(gateway)
        with client(gateway) as api:
            run_id = post(api, BODY)
            seen = view(api, run_id, 300)
            compute.kill()
            compute.wait()
            later = post(api, {**BODY, "end_time": 1.0})  # waits until compute is back
            assert api.get("/api/methods").status_code == 200
            assert api.get("/readyz").json()["compute"] is False
            stack.enter_context(computing(service))
            check(api, run_id, seen, undisturbed)
            assert numbered(follow(api, later))[-1].type == "run_completed"


@contextmanager
def computing(service: ComputeService) -> Iterator[Any]:
    process = service.spawn()
    try:
        deadline = time.monotonic() + 60
        while not is_ready(service.address):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()
