"""The compute server as a process of its own, as `learn-da compute` starts it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from learnda import wire
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub

METHODS = [{"id": "a", "name": "letkf", "params": {}}]
SERVING = health_pb2.HealthCheckResponse.SERVING


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def compute_process(port: int, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """``learn-da compute`` at this port, with these settings in its environment; killed at last."""
    environment = {**os.environ, "LEARNDA_WARM_UP": "0", **settings}
    environment.pop("LEARNDA_CACHE_DIR", None)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "learnda.cli", "compute", "--port", str(port)],
        env=environment,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def ready_process(**settings: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    with compute_process(port, **settings) as process:
        address = f"127.0.0.1:{port}"
        with grpc.insecure_channel(address) as channel:
            grpc.channel_ready_future(channel).result(timeout=30)
        yield process, address


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ready_process() as (_, address):
        yield address


async def read_until(call: Any, kind: str) -> None:
    async for message in call:
        if message.WhichOneof("event") == kind:
            return


async def test_health_answers_while_programs_are_compiled(address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        stub: Any = AssimilationServiceStub(channel)
        request = wire.request_to_proto({"lorenz96_n": 43, "methods": METHODS})
        call = stub.RunExperiment(request)
        await read_until(call, "compiling")
        compiled = asyncio.create_task(read_until(call, "method_started"))
        waits = []
        while not compiled.done():
            began = time.perf_counter()
            answer = await health.Check(health_pb2.HealthCheckRequest())
            waits.append(time.perf_counter() - began)
            assert answer.status == SERVING
            await asyncio.sleep(0.005)
        await compiled
        call.cancel()
    assert len(waits) > 20
    assert sorted(waits)[int(0.99 * len(waits))] < 0.1


async def test_a_client_that_pings_while_all_is_silent_stays(address: str) -> None:
    options = [
        ("grpc.keepalive_time_ms", 600),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        with pytest.raises(TimeoutError):  # four pings and more, and the stream is still silent
            await asyncio.wait_for(watch.read(), 4)


async def test_sigterm_ends_it_within_the_grace_period() -> None:
    with ready_process(LEARNDA_GRACE_SECONDS="1") as (process, address):
        async with grpc.aio.insecure_channel(address) as channel:
            stub: Any = AssimilationServiceStub(channel)
            call = stub.RunExperiment(
                wire.request_to_proto({"end_time": 50_000, "methods": METHODS})
            )
            await read_until(call, "progress")
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await read_until(call, "completed")
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            assert await asyncio.to_thread(process.wait, 5) == 0
            assert time.monotonic() - began < 2


async def test_sigterm_while_programs_are_compiled_ends_it_too() -> None:
    with ready_process(LEARNDA_GRACE_SECONDS="1", LEARNDA_WARM_UP="1") as (process, address):
        async with grpc.aio.insecure_channel(address) as channel:
            stub: Any = AssimilationServiceStub(channel)
            call = stub.RunExperiment(wire.request_to_proto({"methods": METHODS}))
            await read_until(call, "compiling")
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, 5) == 0
            assert time.monotonic() - began < 2
            call.cancel()


async def test_a_port_in_use_is_said_and_ends_it(address: str) -> None:
    port = int(address.rsplit(":", 1)[1])
    with compute_process(port) as process:
        _, said = await asyncio.to_thread(process.communicate, timeout=30)
        assert process.returncode == 1
    assert f"cannot listen at {address}" in said.decode()


async def test_it_listens_only_where_it_is_told(address: str) -> None:
    port = int(address.rsplit(":", 1)[1])
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(("127.0.0.2", port))  # the loopback too, but not the address it was given


async def test_server_info_over_the_wire(address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = AssimilationServiceStub(channel)
        info = await stub.GetServerInfo(pb.GetServerInfoRequest())
    assert info.server.devices
