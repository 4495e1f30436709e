"""How calls of the gRPC service end; what their callers cause is in tests/faults."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import grpc
import jax
import pytest
from calls import LONG, SETTINGS, TWO, ends, failure, kinds, pauses, read_until_progress, stream
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from structlog.testing import capture_logs

from compute.engine import Engine
from compute.failures import status_of
from compute.server import SERVICE, RunningServer, ServerSettings, running
from compute.twin_run import TwinRun
from learnda import wire
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_slow_reader_waits_alone(server: RunningServer, stub: Any, engine: Engine) -> None:
    window = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65536)]
    async with grpc.aio.insecure_channel(server.address, options=window) as channel:
        slow = AssimilationServiceStub(channel).RunExperiment(wire.request_to_proto(LONG))
        await read_until_progress(slow)
        assert await pauses(engine)  # all buffers on the way are full
        assert engine.run_count == 1
        quick = await stream(stub, wire.request_to_proto({"methods": TWO}))
        assert kinds(quick)[-1] == "completed"
        await read_until_progress(slow)  # and it goes on when it is read
        slow.cancel()
    assert await ends(engine)


async def test_an_unexpected_failure_ends_its_run_alone_and_tells_no_secret(
    stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise jax.errors.JaxRuntimeError("INTERNAL: a secret path")

    request = wire.request_to_proto({"methods": TWO})
    with monkeypatch.context() as patch, capture_logs() as said:
        patch.setattr(TwinRun, "_advance", fail)
        code, sentence, details = await failure(stub.RunExperiment(request))
    assert (code.name, details["ErrorInfo"].reason) == ("INTERNAL", "UNEXPECTED")
    assert "secret" not in sentence
    (line,) = [line for line in said if line["log_level"] == "error"]
    assert sentence.split()[-1] == line["reference"]
    assert "secret" in str(line["exc_info"])
    assert kinds(await stream(stub, request))[-1] == "completed"


async def test_the_hosts_memory_counts_too() -> None:
    assert status_of(MemoryError()).code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]


async def test_a_busy_server_says_when_to_come_again(engine: Engine) -> None:
    settings = replace(SETTINGS, max_runs=1)
    async with (
        running(settings, engine) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        stub: Any = AssimilationServiceStub(channel)
        first = stub.RunExperiment(wire.request_to_proto(LONG))
        await read_until_progress(first)
        short = wire.request_to_proto({"methods": TWO})
        code, _, details = await failure(stub.RunExperiment(short))
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert details["ErrorInfo"].reason == "BUSY"
        assert details["RetryInfo"].retry_delay.seconds > 0
        first.cancel()
        assert await ends(engine)
        assert kinds(await stream(stub, short))[-1] == "completed"


async def test_runs_share_the_memory_that_is_allowed(engine: Engine) -> None:
    limits = replace(SETTINGS.limits, max_bytes=15_000_000)
    async with (
        running(replace(SETTINGS, limits=limits), engine) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        stub: Any = AssimilationServiceStub(channel)
        first = stub.RunExperiment(wire.request_to_proto({**LONG, "replicates": 3}))
        await read_until_progress(first)
        second = wire.request_to_proto({"replicates": 3, "methods": TWO})
        code, _, details = await failure(stub.RunExperiment(second))
        assert (code, details["ErrorInfo"].reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "BUSY")
        first.cancel()
    assert await ends(engine)


async def test_a_server_that_ends_tells_its_runs(engine: Engine) -> None:
    async with AsyncServer(engine, replace(SETTINGS, grace_seconds=0.4)) as (server, stub):
        call = stub.RunExperiment(wire.request_to_proto(LONG))
        await read_until_progress(call)
        ended = asyncio.create_task(failure(call))
        await server.stop()
        code, _, details = await ended
    assert (code, details["ErrorInfo"].reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    assert await ends(engine)


class AsyncServer:
    """A server that a test can stop while its channel is still open."""

    def __init__(self, engine: Engine, settings: ServerSettings) -> None:
        self._context = running(settings, engine)
        self._stopped = False

    async def __aenter__(self) -> tuple[AsyncServer, Any]:
        server = await self._context.__aenter__()
        self._channel = grpc.aio.insecure_channel(server.address)
        return self, AssimilationServiceStub(self._channel)

    async def stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            await self._context.__aexit__(None, None, None)

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()
        await self.stop()


async def test_health_serves(channel: grpc.aio.Channel) -> None:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    for name in ("", SERVICE):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_describes_the_service(server: RunningServer) -> None:
    def ask() -> tuple[set[str], str]:
        with grpc.insecure_channel(server.address) as channel:
            database = ProtoReflectionDescriptorDatabase(channel)
            file = database.FindFileContainingSymbol(SERVICE)
            return set(database.get_services()), file.name

    services, file = await asyncio.to_thread(ask)
    assert {SERVICE, "grpc.health.v1.Health"} <= services
    assert file == "learnda/v1/assimilation.proto"
