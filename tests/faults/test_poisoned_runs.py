"""Runs that nobody can carry: they fail after some attempts, and hold up nobody."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import grpc
import pytest
from failing_compute import Failing, ended, gateway, whole
from gateway_process import GatewayProcess, follow, post
from processes import ask, client, playing_compute, wait_for_methods
from stream_messages import experiment, queued
from two_gateways import SETTINGS
from waiting import until

ATTEMPTS = 2


async def test_case_04_a_run_that_compute_never_takes(postgres_url: str) -> None:
    """It fails after a bounded number of attempts; meanwhile others are carried."""

    class Poisoned(Failing):
        async def RunExperiment(self, request: Any, context: Any) -> Any:  # noqa: N802
            if request.methods[0].id == "poison":
                await context.abort(grpc.StatusCode.UNAVAILABLE, "on purpose")
            async for message in super().RunExperiment(request, context):
                yield message

    async with gateway(postgres_url, Poisoned(whole)) as use:
        poison = [await queued(use.pool, experiment("poison")) for _ in range(5)]
        good = [await queued(use.pool, experiment("a")) for _ in range(5)]
        for run in good:
            assert (await ended(use.pool, run))["status"] == "completed"
        for run in poison:
            found = await ended(use.pool, run)
            assert found["status"] == "failed"
            assert found["error"].startswith("given up after 3 attempts without progress: UNAVAIL")


@pytest.mark.slow
def test_case_04_a_run_whose_carriers_die(postgres_url: str) -> None:
    """Each process that carries it is killed; those that wait behind it are carried."""
    settings = {
        **SETTINGS,
        "LEARNDA_CONCURRENT_RUNS": "1",
        "LEARNDA_MAX_ATTEMPTS": str(ATTEMPTS),
    }
    with ExitStack() as stack:
        address = stack.enter_context(playing_compute())

        def new_gateway() -> GatewayProcess:
            gateway = stack.enter_context(GatewayProcess(postgres_url, address, **settings))
            wait_for_methods(gateway)
            return gateway

        carrier = new_gateway()
        with client(carrier) as api:
            poison = post(api, body("makes no step"))
            others = [post(api, body("=told")) for _ in range(5)]
        for generation in range(1, ATTEMPTS + 1):
            until("it is carried", lambda g=generation: carried_by(postgres_url, poison) == g)
            carrier.kill()
            carrier = new_gateway()
        with client(carrier) as api:
            assert follow(api, poison)[-2].type == "run_failed"
            run = api.get(f"/api/runs/{poison}").json()
            assert run["status"] == "failed"
            assert run["error"] == f"given up: {ATTEMPTS} processes that carried it died"
            for run_id in others:
                assert follow(api, run_id)[-2].type == "run_completed"


def carried_by(database_url: str, run_id: str) -> int:
    """Whom the run is carried by: its first carrier, its second, ..."""
    return ask(database_url, "SELECT generation FROM learnda.run WHERE id = %s", run_id)


def body(method_id: str) -> dict[str, Any]:
    return {"end_time": 0.9, "methods": [{"id": method_id, "name": "letkf"}]}
