"""Logs, metrics and readiness, over a gateway and a compute server in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import httpx
import psycopg
import pytest
from gateway_process import HOST, GatewayProcess, follow, post
from prometheus_client.parser import text_string_to_metric_families

from gateway import schemas
from learnda import wire
from learnda.local.probes import is_ready
from learnda.local.processes import die_with_parent
from learnda.local.services import free_port
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub

METHODS = [{"id": "a", "name": "etkf"}, {"id": "b", "name": "enkf"}]
BODY = {"end_time": 20.0, "replicates": 3, "seed": 1, "methods": METHODS}
CYCLES = 2 * 3 * 201
STUCK_SECONDS = 1.0
HEAVY = {
    "lorenz96_n": 1200,
    "m": 100,
    "end_time": 100.0,
    "obs_freq": 1.0,
    "methods": [{"id": "a", "name": "extkf"}],
}
"""Its first four cycles keep the device for some seconds."""


class Compute:
    """``learn-da compute`` with a log and a port for its metrics."""

    def __init__(self, folder: Path) -> None:
        self.port, self.metrics_port = free_port(HOST), free_port(HOST)
        self.address = f"{HOST}:{self.port}"
        self.log = folder / "compute.log"
        settings = {
            "LEARNDA_CACHE_DIR": "",  # what it compiles is counted
            "LEARNDA_WARM_UP": "0",
            "LEARNDA_STUCK_SECONDS": str(STUCK_SECONDS),
            "LEARNDA_COMPUTE_METRICS_PORT": str(self.metrics_port),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "learnda.cli", "compute", "--port", str(self.port)],
            env={**os.environ, **settings},
            stderr=self.log.open("ab"),
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        wait_until(lambda: is_ready(self.address))


@dataclass
class Place:
    """Both of them, and the gateway's client."""

    compute: Compute
    gateway: GatewayProcess
    api: httpx.Client

    def compute_metrics(self) -> dict[str, float]:
        return samples(httpx.get(f"http://{HOST}:{self.compute.metrics_port}/metrics").text)

    def metrics(self) -> dict[str, float]:
        return samples(self.api.get("/metrics").text)


@pytest.fixture(scope="module")
def place(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("logs")
    compute = Compute(folder)
    gateway = GatewayProcess(new_database(), compute.address)
    gateway.log = folder / "gateway.log"
    try:
        with gateway, httpx.Client(base_url=gateway.url, timeout=30) as api:
            wait_until(lambda: is_ready(gateway.url))
            yield Place(compute, gateway, api)
    finally:
        compute.process.kill()
        compute.process.wait()


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Compute]:
    """Another compute server."""
    compute = Compute(tmp_path)
    yield compute
    compute.process.kill()
    compute.process.wait()


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def lines(log: Path | None) -> list[dict[str, Any]]:
    """Every line is a JSON object with a time, a level and what happened."""
    assert log is not None
    found = [json.loads(line) for line in log.read_text().splitlines()]
    for line in found:
        assert {"timestamp", "level", "event", "service", "logger"} <= line.keys()
    return found


def samples(text: str) -> dict[str, float]:
    """By name and labels; a server's label is left out, and must be the only one of its name."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            labels.pop("server", None)
            key = sample.name + "".join(f" {k}={v}" for k, v in sorted(labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


# ---------------------------------------------------------------- logs


def test_every_line_about_a_run_carries_its_id(place: Place) -> None:
    answer = place.api.post("/api/runs", json=BODY, headers={"X-Request-Id": "lesson-7"})
    assert answer.headers["x-request-id"] == "lesson-7"
    run_id = answer.json()["run_id"]
    follow(place.api, run_id)
    assert place.gateway.log is not None
    wait_until(lambda: "the run has ended" in place.gateway.log.read_text())  # its viewers first
    ours = [line for line in lines(place.gateway.log) if run_id in json.dumps(line)]
    by_event = {line["event"]: line for line in ours}
    assert by_event.keys() == {"run posted", "attempt begins", "the run has ended"}
    assert by_event.pop("run posted")["request_id"] == "lesson-7"
    wait_until(lambda: "run ends" in place.compute.log.read_text())
    theirs = [line for line in lines(place.compute.log) if run_id in json.dumps(line)]
    events = [line["event"] for line in theirs]
    assert (events[0], events[-1]) == ("run begins", "run ends")
    assert theirs[-1]["how"] == "completed"
    for line in (*ours, *theirs):
        assert line["run_id"] == run_id
    for line in (*by_event.values(), *theirs):
        assert (line["trace_id"], line["span_id"]) == (UUID(run_id).hex, f"{1:016x}")


@pytest.mark.parametrize("sent", [True, False])
def test_the_trace_of_any_other_client_is_honoured(place: Place, sent: bool) -> None:
    trace_id, span_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    metadata = [("traceparent", f"00-{trace_id}-{span_id}-01")] if sent else []
    known = len(lines(place.compute.log))
    with grpc.insecure_channel(place.compute.address) as channel:
        stub: Any = AssimilationServiceStub(channel)
        list(stub.RunExperiment(wire.request_to_proto(BODY), metadata=metadata))
    wait_until(lambda: lines(place.compute.log)[-1]["event"] == "run ends")
    said = lines(place.compute.log)[known:]
    assert {line["run_id"] for line in said} == {str(UUID(said[0]["trace_id"]))}
    assert {(line["trace_id"], line["span_id"]) == (trace_id, span_id) for line in said} == {sent}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-00"}, "ab" * 16),
        ({"X-Request-Id": "mine", "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-00"}, "mine"),
        ({"X-Request-Id": "no spaces, please"}, None),
        ({"traceparent": "00-zebra"}, None),
        ({}, None),
    ],
)
def test_the_id_of_a_request(place: Place, headers: dict[str, str], expected: str | None) -> None:
    answers = [place.api.get("/healthz", headers=headers) for _ in range(2)]
    first, second = (answer.headers["x-request-id"] for answer in answers)
    if expected is None:
        assert first != second
        assert len(first) == len(second) == 32
    else:
        assert first == second == expected


def test_an_error_of_the_server_is_found_in_its_log(
    place: Place, postgres_url: str, tmp_path: Path
) -> None:
    gateway = GatewayProcess(postgres_url, place.compute.address)
    gateway.log = tmp_path / "gateway.log"
    with gateway, httpx.Client(base_url=gateway.url) as api:
        assert api.get("/api/runs?limit=1").status_code == 200
        with psycopg.connect(postgres_url) as connection:
            connection.execute("DROP TABLE learnda.run CASCADE")
        answer = api.get("/api/runs?limit=1")
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        schemas.Problem.model_validate(problem)
        reference = answer.headers["x-request-id"]
        assert problem["reference"] == reference
        assert reference in problem["error"]
        assert "learnda.run" not in answer.text
    (line,) = [line for line in lines(gateway.log) if line.get("request_id") == reference]
    assert line["level"] == "error"
    assert 'UndefinedTable: relation "learnda.run" does not exist' in line["exception"]


# ---------------------------------------------------------------- metrics


def test_what_was_computed_is_counted(place: Place) -> None:
    before, runs_before = place.compute_metrics(), place.metrics()["learnda_runs status=completed"]
    follow(place.api, post(place.api, BODY))
    through, own = place.metrics(), place.compute_metrics()
    name = "learnda_compute_cycles_total"
    assert through[name] == own[name] == before[name] + CYCLES
    assert own["learnda_compute_runs_active"] == 0
    assert abs(own["learnda_compute_start_time_seconds"] - time.time()) < 600
    label = f'server="{os.uname().nodename}:{place.compute.port}"'
    assert f"{name}{{{label}}}" in place.api.get("/metrics").text
    assert through["learnda_runs status=completed"] == runs_before + 1
    assert (through["learnda_queue_length"], through["learnda_queue_oldest_seconds"]) == (0, 0)


def test_a_compilation_is_counted_with_its_seconds(place: Place) -> None:
    def compiled() -> tuple[float, float]:
        now = place.compute_metrics()
        names = ("compilations", "compile_seconds")
        count, seconds = (now[f"learnda_compute_{name}_total"] for name in names)
        return count, seconds

    body = {**BODY, "end_time": 0.3, "lorenz96_n": 41}
    before = compiled()
    follow(place.api, post(place.api, body))
    after = compiled()
    assert after[0] >= before[0] + 2  # the truth, and a filter
    assert after[1] > before[1] + 0.05
    follow(place.api, post(place.api, body))
    assert compiled() == after


def test_database_time_is_measured(place: Place) -> None:
    before = place.metrics()
    place.api.get("/api/runs")
    after = place.metrics()
    assert after["learnda_database_seconds_count"] > before["learnda_database_seconds_count"]
    assert after["learnda_database_seconds_sum"] > before["learnda_database_seconds_sum"]
    assert after["learnda_database_seconds_sum"] < 600
    assert after["learnda_pool_connections"] >= 1


def test_what_waits_is_counted_and_a_missing_compute_server_is_left_out(
    postgres_url: str,
) -> None:
    """With methods of a compute server that has gone: its numbers are not shown as zeros."""
    nowhere = f"{HOST}:{free_port(HOST)}"
    with GatewayProcess(postgres_url, nowhere) as gateway, httpx.Client(base_url=gateway.url) as a:
        with psycopg.connect(postgres_url) as connection:
            connection.execute(
                "INSERT INTO learnda.run (id, request, step_count, created_at)"
                " SELECT gen_random_uuid(), '{}', 1, clock_timestamp() - make_interval(secs => age)"
                " FROM unnest('{100,5}'::float8[]) AS age"
            )
        found = samples(a.get("/metrics").text)
    assert found["learnda_queue_length"] == found["learnda_runs status=queued"] == 2
    assert 100 <= found["learnda_queue_oldest_seconds"] < 160
    assert found["learnda_compute_connected"] == 0
    assert "learnda_compute_cycles_total" not in found


# ---------------------------------------------------------------- readiness


def test_a_stuck_device_makes_the_gateway_unready_until_it_goes_on(place: Place) -> None:
    assert place.api.get("/readyz").status_code == 200
    run_id = post(place.api, HEAVY)
    wait_until(lambda: place.api.get("/readyz").status_code == 503)
    assert place.api.get("/readyz").json() == {
        "status": "not ready",
        "database": True,
        "compute": False,
    }
    assert place.compute_metrics()["learnda_compute_longest_step_seconds"] > STUCK_SECONDS
    assert place.api.get("/healthz").status_code == 200
    place.api.post(f"/api/runs/{run_id}/cancel")
    wait_until(lambda: place.api.get("/readyz").status_code == 200)
    assert follow(place.api, post(place.api, BODY))[-2].type == "run_completed"
    said = [line["event"] for line in lines(place.compute.log) if line["level"] == "warning"]
    assert said == ["the device is stuck", "the device goes on"]


def test_of_two_compute_servers_the_one_that_is_not_stuck_is_used(
    place: Place, second: Compute, postgres_url: str
) -> None:
    address = f"ipv4:{place.compute.address},{second.address}"
    gateway = GatewayProcess(postgres_url, address)
    with gateway, httpx.Client(base_url=gateway.url, timeout=30) as api:
        wait_until(lambda: is_ready(gateway.url))
        with grpc.insecure_channel(second.address) as channel:
            stub: Any = AssimilationServiceStub(channel)
            call = stub.RunExperiment(wire.request_to_proto(HEAVY))
            wait_until(lambda: not is_ready(second.address))
            for _ in range(4):  # they would go to one after the other
                assert follow(api, post(api, BODY))[-2].type == "run_completed"
                assert api.get("/readyz").status_code == 200
            assert not is_ready(second.address)
            call.cancel()
    begun = [line["steps"] for line in lines(second.log) if line["event"] == "run begins"]
    assert len(begun) == 1
