"""The clock of a gateway jumps; the disk of the database is full."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx
import pytest
from gateway_process import GatewayProcess, follow, numbered, open_stream, post
from outcomes import BODY, Outcome, check, check_events, take, watch
from processes import ask, carried, client, postgres_server, wait_ready
from two_gateways import LEASE, SETTINGS
from waiting import until

JUMPS: Final = ("+3600", "-3600", "+0")
"""Seconds by which the clock is wrong, one after the other."""
LONG: Final = {**BODY, "end_time": 20_000.0}
STEPS: Final = 200_001
STRIDE: Final = 101
DISK: Final = "200m"
AWHILE: Final = 5.0
"""Seconds for which the disk stays full."""


@pytest.mark.slow
@pytest.mark.needs_root
def test_the_wall_clock_of_a_gateway_jumps(
    tmp_path: Path, compute_address: str, postgres_url: str
) -> None:
    """By an hour, back and forth: the queue's clock is the database's, it keeps its lease."""
    library = os.environ.get("LEARNDA_FAKETIME")
    assert library, "LEARNDA_FAKETIME names no libfaketime: run `make test-faults`"
    clock = tmp_path / "clock"
    clock.write_text("+0")
    faked = {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with GatewayProcess(postgres_url, compute_address, **SETTINGS, **faked) as jumping:
        wait_ready(jumping)
        with client(jumping) as api:
            run_id = post(api, LONG)
            seen = watch(api, run_id, 300)
            with GatewayProcess(postgres_url, compute_address, **SETTINGS):  # it would take over
                for jump in JUMPS:
                    clock.write_text(jump)
                    until("the clock has jumped", lambda j=jump: abs(ahead(jumping) - int(j)) < 60)
                    time.sleep(LEASE)
                    assert ask(postgres_url, "SELECT generation FROM learnda.run") == 1, "lost"
                    assert carried(jumping) == 1, "the run was too quick"
                events = numbered(follow(api, run_id))
                assert events[: len(seen)] == seen
                check_events(events, STEPS, STRIDE)
        assert ask(postgres_url, "SELECT generation FROM learnda.run") == 1, "it lost its lease"


@pytest.mark.slow
@pytest.mark.needs_root
def test_the_disk_of_postgres_is_full(
    tmp_path: Path, compute_address: str, undisturbed: Outcome
) -> None:
    """The run does not end while nothing can be written, and goes on when there is room."""
    with (
        small_disk(tmp_path / "disk") as disk,
        postgres_server(disk) as server,
        GatewayProcess(server.url, compute_address, **SETTINGS) as gateway,
        client(gateway) as api,
    ):
        wait_ready(gateway)
        run_id = post(api, BODY)
        with open_stream(api, f"/api/runs/{run_id}/events") as events:
            seen = take(events, 300)
            filler = disk / "filler"
            fill(filler, AWHILE)
            assert "No space left on device" in server.log_tail(1000)
            answer = api.get(f"/api/runs/{run_id}")
            assert answer.status_code == 503 or answer.json()["status"] == "running"
            filler.unlink()
            if not server.is_running():
                server.spawn()
            seen += numbered(list(events))
        assert seen[-1].type == "run_completed"
        check(api, run_id, seen, undisturbed)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own, in memory."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0755", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, timeout=10)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=10)


def fill(filler: Path, seconds: float) -> None:
    """Take all that is left, and what becomes free meanwhile."""
    deadline = time.monotonic() + seconds
    with filler.open("ab", buffering=0) as file:
        while time.monotonic() < deadline:
            try:
                file.write(bytes(65536))
            except OSError:
                time.sleep(0.01)


def ahead(gateway: GatewayProcess) -> float:
    """Seconds by which the gateway's clock is ahead of ours: its answers are dated."""
    date = httpx.get(f"{gateway.url}/healthz", timeout=5).headers["date"]
    return parsedate_to_datetime(date).timestamp() - time.time()
