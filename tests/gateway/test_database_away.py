"""Case 5, reduced: PostgreSQL is killed in the middle of a stream, and comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway_process import Event, GatewayProcess, follow, numbered, open_stream, post

from learnda.local.postgres import EmbeddedPostgres
from learnda.local.probes import is_ready

BODY: dict[str, Any] = {
    "end_time": 2000.0,
    "seed": 5,
    "methods": [{"id": "a", "name": "etkf"}, {"id": "b", "name": "enkf"}],
}
AWAY_SECONDS = 2.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """One of our own, durable, to be killed."""
    server = EmbeddedPostgres(tmp_path)
    server.start()
    yield server
    server.stop()


def test_postgres_is_killed_mid_stream(server: EmbeddedPostgres, compute_address: str) -> None:
    settings = {"POLL_INTERVAL_SECONDS": "0.2", "KEEPALIVE_SECONDS": "0.5"}
    gateway = GatewayProcess(server.url, compute_address, **settings)
    with gateway, httpx.Client(base_url=gateway.url, timeout=30) as api:
        wait_until(lambda: is_ready(gateway.url))
        run_id = post(api, BODY)
        seen: list[Event] = []
        with open_stream(api, f"/api/runs/{run_id}/events") as events:
            for event in events:
                seen.append(event)
                if len(seen) == 300:
                    assert server.process is not None
                    server.process.kill()
                    server.process.wait()
                    # A backend may answer once more before it knows of its end.
                    wait_until(lambda: api.get(f"/api/runs/{run_id}").status_code != 200)
                    answer = api.get(f"/api/runs/{run_id}")
                    assert answer.status_code == 503
                    assert answer.json()["error"] == "the database cannot be reached"
                    assert api.get("/api/methods").status_code == 200
                    assert api.get("/readyz").json()["database"] is False
                    time.sleep(AWAY_SECONDS)
                    server.spawn()
                    back = time.monotonic()
                if len(seen) == 700:
                    assert time.monotonic() - back < 6  # the pool heals by itself
        assert [e.number for e in numbered(seen)] == list(range(1, len(numbered(seen)) + 1))
        assert [e.type for e in seen[-2:]] == ["run_completed", "done"]
        assert numbered(follow(api, run_id)) == numbered(seen)
        for method in ("a", "b"):
            steps = [
                e.data["step"]
                for e in seen
                if e.type == "partial" and e.data["method_id"] == method
            ]
            assert steps == list(range(0, 20_001, 11))
        assert api.get(f"/api/runs/{run_id}/csv").text.count("\r\n") == 1 + 2 * 20_001
        assert api.get("/readyz").status_code == 200


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
