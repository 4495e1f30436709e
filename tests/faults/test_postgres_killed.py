"""PostgreSQL is killed in the middle of a stream, stays away, and comes back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from gateway_process import GatewayProcess, follow, numbered, open_stream, post
from outcomes import check_events, take
from processes import (
    ComputeProcess,
    ask,
    client,
    cpu_seconds,
    kill_postgres,
    postgres_server,
    resident,
    wait_ready,
)
from waiting import until

STEPS = 200_001
STRIDE = 101
BODY = {
    "end_time": (STEPS - 1) / 10,
    "seed": 5,
    "methods": [{"id": "a", "name": "etkf"}, {"id": "b", "name": "enkf"}],
}
"""More than compute does in the time that the database is away."""
AWAY = 30.0
MOST_BUFFERED = 50e6
"""Bytes: of what waits for the database in compute and in the gateway, each."""


@pytest.mark.slow
def test_case_05_postgres_is_killed_mid_stream(tmp_path: Path) -> None:
    """For 30 s: nothing crashes, compute waits on a bounded buffer, pools heal, no gap."""
    settings = {"POLL_INTERVAL_SECONDS": "0.2", "KEEPALIVE_SECONDS": "0.5"}
    with (
        postgres_server(tmp_path) as server,
        ComputeProcess() as compute,
        GatewayProcess(server.url, compute.address, **settings) as gateway,
        client(gateway) as api,
    ):
        wait_ready(gateway)
        run_id = post(api, BODY)
        pids = compute.process.pid, gateway.process.pid
        with open_stream(api, f"/api/runs/{run_id}/events") as events:
            seen = take(events, 300)
            held = [resident(pid) for pid in pids]
            kill_postgres(server)
            killed = time.monotonic()
            # A backend may answer once more before it knows of its end.
            until("the API notices", lambda: api.get(f"/api/runs/{run_id}").status_code == 503)
            answer = api.get(f"/api/runs/{run_id}")
            assert answer.json()["error"] == "the database cannot be reached"
            assert api.get("/api/methods").status_code == 200
            assert api.get("/readyz").json()["database"] is False
            until("compute waits", lambda: is_idle(compute.process.pid), AWAY)
            meanwhile = []
            while time.monotonic() < killed + AWAY:
                meanwhile.append(next(events))
            assert {event.type for event in meanwhile[-10:]} == {"keepalive"}
            seen += numbered(meanwhile)
            for pid, before in zip(pids, held, strict=True):
                assert resident(pid) - before < MOST_BUFFERED
            server.spawn()
            until("the pool heals", lambda: api.get("/readyz").status_code == 200, 20)
            seen += numbered(list(events))
        assert [process.process.poll() for process in (compute, gateway)] == [None, None]
        check_events(seen, STEPS, STRIDE)
        assert numbered(follow(api, run_id)) == seen
        assert ask(server.url, "SELECT max(attempts) FROM learnda.run") <= 1
        for position in (0, 1):
            sql = "SELECT sum(step_count) FROM learnda.points WHERE position = %s"
            assert ask(server.url, sql, position) == STEPS


def is_idle(pid: int) -> bool:
    """It does next to nothing for a second: then it waits."""
    before = cpu_seconds(pid)
    time.sleep(1.0)
    return cpu_seconds(pid) - before < 0.1
