"""How attempts end: what is tried again, how often, and what fails at once.

Real gRPC and Postgres.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import grpc
from failing_compute import Attempt, Failing, ended, gateway, until, whole
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from stream_messages import checkpoint, experiment, progress, queued, started

from gateway.app import running
from gateway.database import Pool
from gateway.metrics import Metrics
from gateway.settings import Settings
from gateway.store import runs, streams


async def types(pool: Pool, run: UUID) -> list[str]:
    rows = await streams.after(pool, run, 0, 10_000)
    return [row.type for row in rows for _ in row.payloads]


def fails(code: grpc.StatusCode) -> Callable[[], Attempt]:
    return lambda: [started(10), code]


async def test_an_internal_error_fails_the_run_at_once(postgres_url: str) -> None:
    compute = Failing(fails(grpc.StatusCode.INTERNAL))
    async with gateway(postgres_url, compute) as use:
        run = await queued(use.pool, experiment("a"))
        found = await ended(use.pool, run)
        assert (found["status"], found["error"]) == ("failed", "INTERNAL: on purpose")
        assert found["methods"]["a"]["status"] == "failed"
        assert (await types(use.pool, run))[-1] == "run_failed"
        assert len(compute.requests) == 1


async def test_progress_starts_the_count_anew(postgres_url: str) -> None:
    def attempt(steps: int) -> Callable[[], Attempt]:
        return lambda: [started(10), progress("a", 0, steps), grpc.StatusCode.UNAVAILABLE]

    attempts = [attempt(1), attempt(1), attempt(1), attempt(2), attempt(2), attempt(2), whole]
    compute = Failing(*attempts)
    async with gateway(postgres_url, compute) as use:
        run = await queued(use.pool, experiment("a"))
        assert (await ended(use.pool, run))["status"] == "completed"
        assert (await types(use.pool, run)).count("partial") == 10
        assert (await types(use.pool, run)).count("run_started") == 1
        assert len(compute.requests) == len(attempts)


async def test_a_stream_that_ends_early_or_skips_steps_is_tried_again(postgres_url: str) -> None:
    compute = Failing(lambda: [started(10)], lambda: [started(10), progress("a", 5, 1)], whole)
    async with gateway(postgres_url, compute) as use:
        run = await queued(use.pool, experiment("a"))
        assert (await ended(use.pool, run))["status"] == "completed"
        assert len(compute.requests) == 3


async def test_a_busy_server_is_waited_for(postgres_url: str) -> None:
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.RetryInfo())
    status = status_pb2.Status(code=code_pb2.RESOURCE_EXHAUSTED, message="busy", details=[detail])
    compute = Failing(*[lambda: [status]] * 10, whole)
    async with gateway(postgres_url, compute) as use:
        run = await queued(use.pool, experiment("a"))
        assert (await ended(use.pool, run))["status"] == "completed"
        assert len(compute.requests) == 11
        refused = Failing(fails(grpc.StatusCode.RESOURCE_EXHAUSTED))
    async with gateway(postgres_url, refused) as use:
        run = await queued(use.pool, experiment("a"))
        assert (await ended(use.pool, run))["error"] == "RESOURCE_EXHAUSTED: on purpose"


async def test_the_next_attempt_goes_on_from_the_checkpoint(postgres_url: str) -> None:
    def first() -> Attempt:
        yield from [started(10), progress("a", 0, 4), *checkpoint(4, b"one", b"two")]
        yield grpc.StatusCode.UNAVAILABLE

    def refused() -> Attempt:
        return [grpc.StatusCode.FAILED_PRECONDITION]

    compute = Failing(first, refused, whole)
    async with gateway(postgres_url, compute) as use:
        run = await queued(use.pool, experiment("a"))
        assert (await ended(use.pool, run))["status"] == "completed"
        sent = [[(p.step, p.data) for p in r.resume_from] for r in compute.requests]
        assert sent == [[], [(4, b"one"), (4, b"two")], []]
        assert (await types(use.pool, run)).count("partial") == 10


async def test_a_cancelled_run_stops_compute(postgres_url: str) -> None:
    stopped = asyncio.Event()

    class Endless(Failing):
        async def RunExperiment(self, request: Any, context: Any) -> Any:  # noqa: N802
            try:
                yield started(10)
                yield progress("a", 0, 1)
                await asyncio.Event().wait()
            finally:
                stopped.set()

    async with gateway(postgres_url, Endless()) as use:
        run = await queued(use.pool, experiment("a"))

        async def has_begun() -> bool:
            return "partial" in await types(use.pool, run)

        async def is_dropped() -> bool:
            return use.runner.carried == 0

        await until(has_begun)
        assert await runs.cancel(use.pool, run) == "cancelled"
        await asyncio.wait_for(stopped.wait(), 5)
        await until(is_dropped)
        assert (await types(use.pool, run))[-1] == "run_cancelled"


async def test_runs_wait_while_compute_is_away(postgres_url: str) -> None:
    compute = Failing(whole)
    settings = Settings(postgres_url, compute_address="127.0.0.1:1", poll_interval=0.02)
    async with running(settings, Metrics()) as use:
        run = await queued(use.pool, experiment("a"))
        await asyncio.sleep(0.3)
        found = await runs.get(use.pool, run)
        assert found is not None
        assert found["status"] == "queued"
    async with gateway(postgres_url, compute) as use:
        assert (await ended(use.pool, run))["status"] == "completed"
