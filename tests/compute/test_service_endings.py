"""How calls of the gRPC service end, what that frees, and what health says meanwhile."""

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

from compute.engine import Engine
from compute.failures import status_of
from compute.server import SERVICE, RunningServer, ServerSettings, running
from compute.twin_run import TwinRun
from learnda import wire
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_cancelled_call_stops_its_computation(stub: Any, engine: Engine) -> None:
    call = stub.RunExperiment(wire.request_to_proto(LONG))
    await read_until_progress(call)
    call.cancel()
    assert await ends(engine)


async def test_a_deadline_stops_its_computation(stub: Any, engine: Engine) -> None:
    outcome = await failure(stub.RunExperiment(wire.request_to_proto(LONG), timeout=0.5))
    assert outcome[0] is grpc.StatusCode.DEADLINE_EXCEEDED
    assert await ends(engine)


async def test_a_client_that_goes_away_stops_its_computation(
    server: RunningServer, engine: Engine
) -> None:
    channel = grpc.aio.insecure_channel(server.address)
    call = AssimilationServiceStub(channel).RunExperiment(wire.request_to_proto(LONG))
    await read_until_progress(call)
    await channel.close()
    assert await ends(engine)


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


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (
            "RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes",
            "RESOURCE_EXHAUSTED",
            "DEVICE_MEMORY",
        ),
        ("INTERNAL: a secret path", "INTERNAL", "UNEXPECTED"),
    ],
)
async def test_a_failing_run_fails_alone(
    stub: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: str,
    code: str,
    reason: str,
) -> None:
    def fail(*_: Any) -> None:
        raise jax.errors.JaxRuntimeError(error)

    request = wire.request_to_proto({"methods": TWO})
    with monkeypatch.context() as patch:
        patch.setattr(TwinRun, "_advance", fail)
        outcome = await failure(stub.RunExperiment(request))
    assert (outcome[0].name, outcome[2]["ErrorInfo"].reason) == (code, reason)
    assert "secret" not in outcome[1]
    if reason == "UNEXPECTED":
        assert outcome[1].split()[-1] in caplog.text
        assert "secret" in caplog.text
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


async def test_a_stuck_device_makes_it_unhealthy_until_it_goes_on(engine: Engine) -> None:
    heavy = {
        "lorenz96_n": 4000,
        "ensemble_size": 100,
        "m": 100,
        "end_time": 1000,
        "methods": TWO[:1],
    }
    async with (
        running(replace(SETTINGS, stuck_seconds=0.05), engine) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        stub: Any = AssimilationServiceStub(channel)
        call = stub.RunExperiment(wire.request_to_proto(heavy))
        reading = asyncio.create_task(read_until_progress(call))
        answer = await asyncio.wait_for(watch.read(), 60)
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
        reading.cancel()
        call.cancel()
        while answer.status != health_pb2.HealthCheckResponse.SERVING:
            answer = await asyncio.wait_for(watch.read(), 60)
        watch.cancel()
    assert await ends(engine)


async def test_reflection_describes_the_service(server: RunningServer) -> None:
    def ask() -> tuple[set[str], str]:
        with grpc.insecure_channel(server.address) as channel:
            database = ProtoReflectionDescriptorDatabase(channel)
            file = database.FindFileContainingSymbol(SERVICE)
            return set(database.get_services()), file.name

    services, file = await asyncio.to_thread(ask)
    assert {SERVICE, "grpc.health.v1.Health"} <= services
    assert file == "learnda/v1/assimilation.proto"
