"""Compute servers that keep to the contract's wire, but fail on purpose; and a gateway for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status
from stream_messages import whole_run

from gateway.app import running
from gateway.database import Pool
from gateway.metrics import Metrics
from gateway.services import Services
from gateway.settings import Settings
from gateway.store import runs
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


def whole() -> Attempt:
    return whole_run("a")
