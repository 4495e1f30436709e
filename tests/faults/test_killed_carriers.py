"""Carriers and compute servers that die, sleep or stop in the middle of a run: real kills."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack

import psycopg
import pytest
from gateway_process import GatewayProcess, follow, numbered, open_stream, post
from outcomes import BODY, Outcome, check, watch
from processes import ComputeProcess, carried, client, wait_ready
from two_gateways import LEASE, POLL, SETTINGS, Two
from waiting import until

from learnda.local.probes import is_ready

SLACK = 1.0
"""Seconds for what a busy machine takes to do what is due."""
STOPS_WITHIN = 5.0
"""The gateway's grace, LEARNDA_SHUTDOWN_SECONDS; compute's is shorter."""


@pytest.mark.parametrize(
    "checkpoint_seconds", ["0.1", pytest.param("3600", marks=pytest.mark.slow)]
)
def test_case_02_a_killed_carrier(
    compute_address: str, postgres_url: str, undisturbed: Outcome, checkpoint_seconds: str
) -> None:
    """kill -9: taken over within the lease plus one poll, from a checkpoint or from step 0."""
    with ExitStack() as stack:
        settings = {"LEARNDA_CHECKPOINT_SECONDS": checkpoint_seconds}
        two = Two(postgres_url, compute_address, stack, **settings)
        two.first.kill()
        checkpoints = two.ask("SELECT count(*) FROM learnda.checkpoint")
        assert (checkpoints > 0) == (checkpoint_seconds == "0.1")
        until(
            "the run is taken over",
            lambda: two.carriers() == 2,
            LEASE + POLL + SLACK,
        )
        with client(two.second) as api:
            check(api, two.run_id, two.seen, undisturbed)


@pytest.mark.slow
def test_case_02_a_killed_compute_server(postgres_url: str, undisturbed: Outcome) -> None:
    """The run goes on when compute is back; what is posted meanwhile waits, and is answered."""
    with (
        ComputeProcess() as compute,
        GatewayProcess(postgres_url, compute.address, **SETTINGS) as gateway,
        client(gateway) as api,
    ):
        wait_ready(gateway)
        run_id = post(api, BODY)
        seen = watch(api, run_id, 300)
        compute.kill()
        later = post(api, {**BODY, "end_time": 1.0})
        assert api.get("/api/methods").status_code == 200
        assert api.get("/readyz").json()["compute"] is False
        compute.start()
        check(api, run_id, seen, undisturbed)
        assert numbered(follow(api, later))[-1].type == "run_completed"


@pytest.mark.slow
def test_case_03_a_carrier_that_sleeps_past_its_lease(
    compute_address: str, postgres_url: str, undisturbed: Outcome
) -> None:
    """When it wakes, another has carried the run to its end; it changes nothing and drops it."""
    with ExitStack() as stack:
        two = Two(postgres_url, compute_address, stack)
        two.first.kill(signal.SIGSTOP)
        with client(two.second) as api:
            check(api, two.run_id, two.seen, undisturbed)
            whole = follow(api, two.run_id)
        two.first.kill(signal.SIGCONT)
        until("it drops the run", lambda: carried(two.first) == 0, 10)
        with client(two.first) as api:
            assert follow(api, two.run_id) == whole
        assert two.carriers() == 2


def test_case_03_a_carrier_that_wakes_while_another_has_the_run(
    compute_address: str, postgres_url: str, undisturbed: Outcome
) -> None:
    """Every write of its is refused and it drops the run; who has it need not have written yet.

    The leases are long, so that it writes before it would ask whether its lease holds.
    """
    with ExitStack() as stack:
        two = Two(postgres_url, compute_address, stack, LEARNDA_LEASE_SECONDS="60")
        two.pause_first()
        with psycopg.connect(postgres_url) as connection:  # another takes it
            connection.execute(
                "UPDATE learnda.run SET generation = generation + 1, carrier = gen_random_uuid(),"
                " lease_until = clock_timestamp() + interval '60 s'"
            )
        known = two.written()
        two.first.kill(signal.SIGCONT)
        until("it drops the run", lambda: carried(two.first) == 0, 15)
        assert two.written() == known, "a late write was not refused"
        with psycopg.connect(postgres_url) as connection:  # and falls silent
            connection.execute("UPDATE learnda.run SET lease_until = clock_timestamp()")
        with client(two.second) as api:
            check(api, two.run_id, two.seen, undisturbed)


@pytest.mark.slow
def test_case_27_a_gateway_that_is_told_to_stop(
    compute_address: str, postgres_url: str, undisturbed: Outcome
) -> None:
    """SIGTERM: it ends its streams, exits within the grace, and the other goes on at once."""
    with ExitStack() as stack:
        two = Two(postgres_url, compute_address, stack)
        with (
            client(two.first) as viewer,
            open_stream(viewer, f"/api/runs/{two.run_id}/events") as events,
        ):
            next(events)
            two.first.kill(signal.SIGTERM)
            assert "done" not in [event.type for event in events], "its viewers must come back"
        assert two.first.process.wait(STOPS_WITHIN) == 0
        until(
            "the other goes on at once",
            lambda: two.carriers() == 2,
            SLACK,
        )
        with client(two.second) as api:
            check(api, two.run_id, two.seen, undisturbed)


@pytest.mark.slow
def test_case_27_a_compute_server_that_is_told_to_stop(
    postgres_url: str, undisturbed: Outcome
) -> None:
    """SIGTERM amid a gRPC stream: it exits within its grace, the run goes on after the restart."""
    with (
        ComputeProcess() as compute,
        GatewayProcess(postgres_url, compute.address, **SETTINGS) as gateway,
        client(gateway) as api,
    ):
        wait_ready(gateway)
        run_id = post(api, BODY)
        seen = watch(api, run_id, 300)
        begun = time.monotonic()
        compute.process.terminate()
        assert compute.process.wait(STOPS_WITHIN) == 0
        assert time.monotonic() - begun < STOPS_WITHIN
        assert not is_ready(compute.address)
        compute.start()
        check(api, run_id, seen, undisturbed)
