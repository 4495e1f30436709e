"""How attempts end: what is tried again, how often, and what fails at once. Real gRPC and Postgres.

The compute servers here keep to the contract's wire, but fail on purpose.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from stream_messages import checkpoint, experiment, progress, started, whole_run

from gateway.app import running
from gateway.database import Pool
from gateway.metrics import Metrics
from gateway.services import Services
from gateway.settings import Settings
from gateway.store import runs, streams
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import (
    AssimilationServiceServicer,
    add_AssimilationServiceServicer_to_server,
)

Attempt = Iterable[pb.RunExperimentResponse | grpc.StatusCode | status_pb2.Status]


class Failing(AssimilationServiceServicer):
    """Plays one attempt after another, and the last one for ever."""

    def __init__(self, *attempts: Callable[[], Attempt]) -> None:
        self.attempts = attempts
        self.requests: list[pb.RunExperimentRequest] = []

    async def ListMethods(self, request: Any, context: Any) -> pb.ListMethodsResponse:  # noqa: N802
        return pb.ListMethodsResponse(methods=[pb.Method(name="etkf")])

    async def RunExperiment(self, request: Any, context: Any) -> Any:  # noqa: N802
        attempt = self.attempts[min(len(self.requests), len(self.attempts) - 1)]
        self.requests.append(request)
        for item in attempt():
            if isinstance(item, pb.RunExperimentResponse):
                yield item
            elif isinstance(item, status_pb2.Status):
                await context.abort_with_status(rpc_status.to_status(item))
            else:
                await context.abort(item, "on purpose")


@asynccontextmanager
async def gateway(url: str, compute: Failing) -> AsyncIterator[Services]:
    server = grpc.aio.server()
    add_AssimilationServiceServicer_to_server(compute, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    settings = Settings(
        url,
        compute_address=f"127.0.0.1:{port}",
        poll_interval=0.02,
        retry_delay=0.02,
        max_attempts=3,
        concurrent_runs=2,
    )
    try:
        async with running(settings, Metrics()) as services:
            yield services
    finally:
        await server.stop(None)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def ended(pool: Pool, run: UUID) -> dict[str, Any]:
    async def over() -> bool:
        return (await runs.standing(pool, [run]))[0].ended

    await until(over)
    found = await runs.get(pool, run)
    assert found is not None
    return found


async def types(pool: Pool, run: UUID) -> list[str]:
    rows = await streams.after(pool, run, 0, 10_000)
    return [row.type for row in rows for _ in row.payloads]


def fails(code: grpc.StatusCode) -> Callable[[], Attempt]:
    return lambda: [started(10), code]


def whole() -> Attempt:
    return whole_run("a")


async def test_an_internal_error_fails_the_run_at_once(postgres_url: str) -> None:
    compute = Failing(fails(grpc.StatusCode.INTERNAL))
    async with gateway(postgres_url, compute) as use:
        run = await runs.create(use.pool, experiment("a"))
        found = await ended(use.pool, run)
        assert (found["status"], found["error"]) == ("failed", "INTERNAL: on purpose")
        assert found["methods"]["a"]["status"] == "failed"
        assert (await types(use.pool, run))[-1] == "run_failed"
        assert len(compute.requests) == 1


async def test_a_run_that_can_never_be_carried_fails_and_holds_up_nobody(postgres_url: str) -> None:
    """Case 4."""

    class Poisoned(Failing):
        async def RunExperiment(self, request: Any, context: Any) -> Any:  # noqa: N802
            if request.methods[0].id == "poison":
                await context.abort(grpc.StatusCode.UNAVAILABLE, "on purpose")
            async for message in super().RunExperiment(request, context):
                yield message

    async with gateway(postgres_url, Poisoned(whole)) as use:
        poison = [await runs.create(use.pool, experiment("poison")) for _ in range(5)]
        good = [await runs.create(use.pool, experiment("a")) for _ in range(5)]
        for run in good:
            assert (await ended(use.pool, run))["status"] == "completed"
        for run in poison:
            found = await ended(use.pool, run)
            assert found["status"] == "failed"
            assert found["error"].startswith("given up after 3 attempts without progress: UNAVAIL")


async def test_progress_starts_the_count_anew(postgres_url: str) -> None:
    def attempt(steps: int) -> Callable[[], Attempt]:
        return lambda: [started(10), progress("a", 0, steps), grpc.StatusCode.UNAVAILABLE]

    attempts = [attempt(1), attempt(1), attempt(1), attempt(2), attempt(2), attempt(2), whole]
    compute = Failing(*attempts)
    async with gateway(postgres_url, compute) as use:
        run = await runs.create(use.pool, experiment("a"))
        assert (await ended(use.pool, run))["status"] == "completed"
        assert (await types(use.pool, run)).count("partial") == 10
        assert (await types(use.pool, run)).count("run_started") == 1
        assert len(compute.requests) == len(attempts)


async def test_a_stream_that_ends_early_or_skips_steps_is_tried_again(postgres_url: str) -> None:
    compute = Failing(lambda: [started(10)], lambda: [started(10), progress("a", 5, 1)], whole)
    async with gateway(postgres_url, compute) as use:
        run = await runs.create(use.pool, experiment("a"))
        assert (await ended(use.pool, run))["status"] == "completed"
        assert len(compute.requests) == 3


async def test_a_busy_server_is_waited_for(postgres_url: str) -> None:
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.RetryInfo())
    status = status_pb2.Status(code=code_pb2.RESOURCE_EXHAUSTED, message="busy", details=[detail])
    compute = Failing(*[lambda: [status]] * 10, whole)
    async with gateway(postgres_url, compute) as use:
        run = await runs.create(use.pool, experiment("a"))
        assert (await ended(use.pool, run))["status"] == "completed"
        assert len(compute.requests) == 11
        refused = Failing(fails(grpc.StatusCode.RESOURCE_EXHAUSTED))
    async with gateway(postgres_url, refused) as use:
        run = await runs.create(use.pool, experiment("a"))
        assert (await ended(use.pool, run))["error"] == "RESOURCE_EXHAUSTED: on purpose"


async def test_the_next_attempt_goes_on_from_the_checkpoint(postgres_url: str) -> None:
    def first() -> Attempt:
        yield from [started(10), progress("a", 0, 4), *checkpoint(4, b"one", b"two")]
        yield grpc.StatusCode.UNAVAILABLE

    def refused() -> Attempt:
        return [grpc.StatusCode.FAILED_PRECONDITION]

    compute = Failing(first, refused, whole)
    async with gateway(postgres_url, compute) as use:
        run = await runs.create(use.pool, experiment("a"))
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
        run = await runs.create(use.pool, experiment("a"))

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
        run = await runs.create(use.pool, experiment("a"))
        await asyncio.sleep(0.3)
        found = await runs.get(use.pool, run)
        assert found is not None
        assert found["status"] == "queued"
    async with gateway(postgres_url, compute) as use:
        assert (await ended(use.pool, run))["status"] == "completed"
