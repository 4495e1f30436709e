"""SIGTERM at bad moments: the gateway is gone before whoever asked loses patience."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from gateway_process import HOST, GatewayProcess, follow, open_stream, post

from learnda.local.postgres import EmbeddedPostgres
from learnda.local.probes import is_ready
from learnda.local.services import GatewayService, free_port

METHODS = [{"id": "a", "name": "etkf"}]
ENDLESS = {"end_time": 50_000.0, "methods": METHODS}
PATIENCE = sum(seconds for sig, seconds in GatewayService(HOST, 1, "", str).stop_signals[:1])
"""What the supervisor gives it before it kills."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """One of our own, to be killed."""
    server = EmbeddedPostgres(tmp_path, durable=False)
    server.start()
    yield server
    server.stop()


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ends(gateway: GatewayProcess) -> float:
    """Seconds from SIGTERM to an exit that is no failure."""
    told = time.monotonic()
    gateway.kill(signal.SIGTERM)
    assert gateway.process.wait(60) == 0
    return time.monotonic() - told


def test_while_it_waits_for_its_database(tmp_path: Path) -> None:
    nowhere = f"postgresql://{HOST}:{free_port(HOST)}/none"
    gateway = GatewayProcess(nowhere, f"{HOST}:{free_port(HOST)}")
    gateway.log = log = tmp_path / "log"
    gateway.spawn()
    try:
        wait_until(lambda: "error connecting" in log.read_text())
        assert ends(gateway) < PATIENCE
        assert "Traceback" not in log.read_text()
    finally:
        gateway.process.kill()
        gateway.process.wait()


def test_while_its_database_is_away(server: EmbeddedPostgres, compute_address: str) -> None:
    gateway = GatewayProcess(server.url, compute_address)
    with gateway, httpx.Client(base_url=gateway.url, timeout=30) as api:
        wait_until(lambda: is_ready(gateway.url))
        run_id = post(api, ENDLESS)
        with open_stream(api, f"/api/runs/{run_id}/events") as events:
            next(event for event in events if event.type == "partial")
            assert server.process is not None
            server.process.kill()
            server.process.wait()
            assert ends(gateway) < PATIENCE


def test_while_somebody_does_not_read_a_download(compute_address: str, postgres_url: str) -> None:
    """The run that it carries is given back all the same."""
    gateway = GatewayProcess(postgres_url, compute_address)
    with gateway, httpx.Client(base_url=gateway.url, timeout=30) as api:
        wait_until(lambda: is_ready(gateway.url))
        long = post(api, {"end_time": 20_000.0, "ensemble_size": 4, "methods": METHODS})
        follow(api, long)
        with socket.create_connection((HOST, gateway.port)) as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy.sendall(f"GET /api/runs/{long}/csv HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert lazy.recv(12) == b"HTTP/1.1 200"
            run_id = post(api, ENDLESS)
            with open_stream(api, f"/api/runs/{run_id}/events") as events:
                next(event for event in events if event.type == "partial")
            assert ends(gateway) < PATIENCE
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute(
            "SELECT status, carrier, lease_until <= clock_timestamp() FROM learnda.run"
            " WHERE id = %s",
            [run_id],
        ).fetchone()
    assert row == ("running", None, True)
