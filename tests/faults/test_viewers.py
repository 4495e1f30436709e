"""Many viewers, idle ones, slow ones, and those who watch what is deleted."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from crowd import crowd, slowest_of_99_percent
from gateway_process import HOST, GatewayProcess, follow, numbered, open_stream, post
from outcomes import BODY, check_events
from processes import (
    ask,
    carried,
    client,
    gauge,
    playing_compute,
    resident,
    wait_for_methods,
    wait_ready,
)
from waiting import until

SHORT: dict[str, Any] = {
    "end_time": 10.0,
    "methods": [{"id": "a", "name": "etkf"}, {"id": "b", "name": "letkf"}],
}
LONG: dict[str, Any] = {"end_time": 100_000.0, "methods": SHORT["methods"][:1]}
"""Goes on for minutes, with some ten events a second."""
HALF: dict[str, Any] = {"end_time": 0.9, "methods": [{"id": "half", "name": "letkf"}]}
"""Where compute plays: after four steps nothing happens any more."""


@pytest.fixture
def gateway(compute_address: str, postgres_url: str) -> Iterator[GatewayProcess]:
    settings = {"CLEANUP_INTERVAL_SECONDS": "0.2"}
    with GatewayProcess(postgres_url, compute_address, **settings) as gateway:
        wait_ready(gateway)
        yield gateway


@pytest.fixture
def api(gateway: GatewayProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, timeout=30) as client:
        yield client


def test_case_07_idle_viewers_cost_nothing(postgres_url: str) -> None:
    """500 of them with a pool of 5: GET /api/methods under 50 ms at the 99th percentile."""
    with (
        playing_compute() as address,
        GatewayProcess(postgres_url, address, LEARNDA_POOL_SIZE="5") as gateway,
        client(gateway) as api,
    ):
        wait_for_methods(gateway)
        path = f"/api/runs/{post(api, HALF)}/events"
        with crowd(gateway, 500, path) as viewers:
            assert slowest_of_99_percent(gateway, "/api/methods") < 0.050
            assert gauge(gateway, "learnda_viewers") == 500
            assert gauge(gateway, "learnda_pool_waiting") == 0
            viewers.leave()
        until("all are gone", lambda: gauge(gateway, "learnda_viewers") == 0)


def test_case_09_twenty_runs_at_once(gateway: GatewayProcess) -> None:
    """Every stream ends with its terminal event."""
    limits = httpx.Limits(max_connections=40)
    with httpx.Client(base_url=gateway.url, timeout=60, limits=limits) as api:

        def whole(_: int) -> list[str]:
            return [event.type for event in follow(api, post(api, SHORT))]

        with ThreadPoolExecutor(20) as pool:
            for types in pool.map(whole, range(20)):
                assert types[-2:] == ["run_completed", "done"]
                assert types.count("partial") == 202
                assert types.count("method_completed") == 2


@pytest.mark.slow
def test_case_14_readers_slower_than_the_stream(gateway: GatewayProcess, api: httpx.Client) -> None:
    """What they have not read waits in the database, not in memory; others do not wait for them."""
    follow(api, post(api, BODY))  # what the gateway itself needs for such a run
    before = resident(gateway.process.pid)
    run_id = post(api, BODY)
    slow = [SlowViewer(gateway.port, run_id) for _ in range(40)]
    quick = numbered(follow(api, run_id))
    check_events(quick)
    grown = resident(gateway.process.pid) - before
    size = len(api.get(f"/api/runs/{run_id}/events").content)
    assert grown < len(slow) * size / 2, "what they have not read waits in memory"
    with ThreadPoolExecutor(len(slow)) as pool:  # together: who reads nothing for long is given up
        for numbers in pool.map(SlowViewer.read_on, slow):
            assert numbers == [event.number for event in quick]


@pytest.mark.slow
def test_500_viewers_while_runs_go_on(
    gateway: GatewayProcess, api: httpx.Client, postgres_url: str
) -> None:
    """The API's 99th percentile is under 100 ms, a viewer takes less than 100 kB of memory."""
    runs = [post(api, LONG) for _ in range(2)]
    paths = [f"/api/runs/{run_id}/events" for run_id in runs]
    asked = ["/api/methods", f"/api/runs/{runs[0]}", "/api/runs?limit=10"]
    with crowd(gateway, 2, *paths):  # what any viewer makes the gateway load
        alone = slowest_of_99_percent(gateway, *asked)
        before = resident(gateway.process.pid)
    with crowd(gateway, 500, *paths) as viewers:
        first = ask(postgres_url, "SELECT min(last_event) FROM learnda.run")
        crowded = slowest_of_99_percent(gateway, *asked)
        grown = resident(gateway.process.pid) - before
        assert gauge(gateway, "learnda_viewers") == 500
        assert ask(postgres_url, "SELECT min(last_event) FROM learnda.run") > first
        assert carried(gateway) == 2
        assert grown / 500 < 100e3
        assert crowded < 0.100, f"{alone:.3f} s without viewers"
        for run_id in runs:
            assert api.delete(f"/api/runs/{run_id}").status_code < 300
        assert viewers.ended() == 500


def test_case_26_deleting_a_run_that_is_active_and_watched(
    gateway: GatewayProcess, api: httpx.Client, postgres_url: str
) -> None:
    """Its viewer sees `run_cancelled`, it is hidden at once, its rows go after a grace."""
    run_id = post(api, LONG)
    with open_stream(api, f"/api/runs/{run_id}/events") as events:
        next(event for event in events if event.type == "partial")
        with client(gateway) as other:
            assert other.delete(f"/api/runs/{run_id}").status_code < 300
            for path in ("", "/events", "/csv"):
                assert other.get(f"/api/runs/{run_id}{path}").status_code == 404
            assert run_id not in other.get("/api/runs").text
        rest = [event.type for event in events]
    assert rest[-2:] == ["run_cancelled", "done"]
    until("compute's stream is let go", lambda: carried(gateway) == 0, 10)
    tables = "run", "method", "event", "points", "checkpoint"

    def rows() -> list[int]:
        return [ask(postgres_url, f"SELECT count(*) FROM learnda.{name}") for name in tables]

    assert rows()[0] == 1, "they stay for its viewers"
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE learnda.run SET deleted_at = deleted_at - interval '1 minute'")

    until("no orphan stays", lambda: rows() == [0] * len(tables))


class SlowViewer:
    """It has asked, and reads only when it is told to."""

    def __init__(self, port: int, run_id: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        # As on a real line. Loopback's segments of 64 kB do not fit into the buffer: the sender
        # would often wait for its timer, 0.2 s for each 4 kB.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460)
        self._socket.settimeout(30)
        self._socket.connect((HOST, port))
        request = f"GET /api/runs/{run_id}/events HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
        self._socket.sendall(request.encode())

    def read_on(self) -> list[int]:
        """To the end: the numbers of all events."""
        received = b""
        with self._socket:
            while b"event: done" not in received[-100:]:
                data = self._socket.recv(65536)
                assert data, "the stream ended early"
                received += data
        return [int(part.split(b"\n")[0]) for part in received.split(b"\nid: ")[1:]]
