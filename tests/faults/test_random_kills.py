"""kill -9 at random moments: of all who take part in one run, and of one among several."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from gateway_process import Event, GatewayProcess, numbered, open_stream, parse, post
from outcomes import BODY, Outcome, check, check_events
from processes import (
    ComputeProcess,
    bring_back,
    carried,
    client,
    cpu_seconds,
    kill_postgres,
    postgres_server,
    wait_ready,
)
from two_gateways import SETTINGS
from waiting import until

from learnda.local.postgres import EmbeddedPostgres

SEED: Final = 20_261_125
KILLS: Final = 20
EVENTS: Final = 3644
"""Of one run, about: the moments are spread over these."""
PATIENCE: Final = 60.0
LEASE: Final = {"LEARNDA_LEASE_SECONDS": "5"}
"""Two gateways, two compute servers, Postgres and their readers on a few cores: who has to wait for
one of these is not to be taken for dead at once."""
SHORT: Final[dict[str, Any]] = {**BODY, "end_time": 400.0}
STEPS: Final = 4001
STRIDE: Final = 3


class Fallible:
    """One of each; each can be killed, and is started again at once."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._stack = stack
        self.postgres: EmbeddedPostgres = stack.enter_context(postgres_server(folder))
        self.compute = stack.enter_context(ComputeProcess())
        self.gateway = GatewayProcess(self.postgres.url, self.compute.address, **SETTINGS)
        stack.enter_context(self.gateway)
        wait_ready(self.gateway)
        self.victims: dict[str, Callable[[], None]] = {
            "compute": self._kill_compute,
            "gateway": self._kill_gateway,
            "postgres": self._kill_postgres,
        }

    def _kill_compute(self) -> None:
        self.compute.kill()
        self.compute.spawn()

    def _kill_gateway(self) -> None:
        self.gateway.kill()
        self.gateway.process.wait(10)
        self.gateway.start()

    def _kill_postgres(self) -> None:
        kill_postgres(self.postgres)
        bring_back(self.postgres)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_random_kills(tmp_path: Path, undisturbed: Outcome) -> None:
    """Of compute, the gateway or Postgres, amid a run: each run comes to what case 2 says."""
    draw = random.Random(SEED)
    with ExitStack() as stack:
        parts = Fallible(tmp_path, stack)
        with client(parts.gateway) as api:
            for k in range(KILLS):
                name = list(parts.victims)[k % 3]
                moment, delay = draw.randrange(EVENTS), draw.uniform(0.0, 0.05)
                print(f"run {k}: kill {name} after event {moment} and {delay:.3f} s")
                run_id = post(api, BODY)
                seen = view(api, run_id, moment)
                time.sleep(delay)
                parts.victims[name]()
                seen = view_on(api, run_id, seen)
                check(api, run_id, seen, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["gateway", "compute", "postgres"])
def test_two_gateways_and_two_compute_servers_share_forty_runs(tmp_path: Path, victim: str) -> None:
    """One of them is killed amid these, and stays away (but for Postgres): nothing is lost."""
    with ExitStack() as stack:
        postgres = stack.enter_context(postgres_server(tmp_path))
        computing = [stack.enter_context(ComputeProcess()) for _ in range(2)]
        address = "ipv4:" + ",".join(compute.address for compute in computing)
        gateways = [
            stack.enter_context(GatewayProcess(postgres.url, address, **SETTINGS | LEASE))
            for _ in range(2)
        ]
        for gateway in gateways:
            wait_ready(gateway)
        before = [cpu_seconds(compute.process.pid) for compute in computing]
        with client(gateways[0]) as api:
            runs = [post(api, {**SHORT, "seed": seed}) for seed in range(40)]
        seen: set[GatewayProcess] = set()

        def both_carry() -> bool:
            seen.update(gateway for gateway in gateways if carried(gateway))
            return len(seen) == 2

        until("both carry runs", both_carry)
        until(
            "both compute",
            lambda: all(
                cpu_seconds(compute.process.pid) > used
                for compute, used in zip(computing, before, strict=True)
            ),
        )
        if victim == "gateway":
            gateways[0].kill()
        elif victim == "compute":
            computing[0].kill()
        else:
            kill_postgres(postgres)
            bring_back(postgres)
        with client(gateways[1]) as api:
            for run_id in runs:
                check_events(view_on(api, run_id, []), STEPS, STRIDE)
                csv = api.get(f"/api/runs/{run_id}/csv").text
                assert csv.count("\r\n") == 1 + 2 * STEPS
            listed = api.get("/api/runs?limit=100").json()["runs"]
        assert {run["run_id"]: run["status"] for run in listed} == dict.fromkeys(runs, "completed")


def view(api: httpx.Client, run_id: str, count: int) -> list[Event]:
    """The first events of a run, as many as there are up to ``count``."""
    seen: list[Event] = []
    if count:
        with open_stream(api, f"/api/runs/{run_id}/events") as events:
            for event in events:
                seen += numbered([event])
                if len(seen) >= count:
                    break
    return seen


def view_on(api: httpx.Client, run_id: str, seen: list[Event]) -> list[Event]:
    """To the run's end, however often the stream breaks."""
    seen = list(seen)
    deadline = time.monotonic() + PATIENCE
    while not (seen and seen[-1].type == "run_completed"):
        assert time.monotonic() < deadline, f"the run does not end: {len(seen)} events came"
        with (
            suppress(httpx.TransportError),
            api.stream("GET", f"/api/runs/{run_id}/events?since={len(seen)}") as answer,
        ):
            if answer.status_code == 200:
                for event in parse(answer.iter_lines()):
                    seen += numbered([event])
        time.sleep(0.1)  # whom it needs may be being started again
    return seen
