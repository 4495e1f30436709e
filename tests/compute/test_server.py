"""What the compute server does as a process: it ends, it listens, it tells what it is."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from bare_compute import compute_process, ready_process

from learnda import wire
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub

METHODS = [{"id": "a", "name": "letkf", "params": {}}]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ready_process() as (_, address):
        yield address


async def read_until(call: Any, kind: str) -> None:
    async for message in call:
        if message.WhichOneof("event") == kind:
            return


async def test_sigterm_ends_it_within_the_grace_period() -> None:
    with ready_process(LEARNDA_GRACE_SECONDS="1") as (process, address):
        async with grpc.aio.insecure_channel(address) as channel:
            stub: Any = AssimilationServiceStub(channel)
            call = stub.RunExperiment(
                wire.request_to_proto({"end_time": 50_000, "methods": METHODS})
            )
            await read_until(call, "progress")
            process.send_signal(signal.SIGTERM)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await read_until(call, "completed")
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            assert await asyncio.to_thread(process.wait, 5) == 0


async def test_sigterm_while_programs_are_compiled_ends_it_too() -> None:
    with ready_process(LEARNDA_GRACE_SECONDS="1", LEARNDA_WARM_UP="1") as (process, address):
        async with grpc.aio.insecure_channel(address) as channel:
            stub: Any = AssimilationServiceStub(channel)
            call = stub.RunExperiment(wire.request_to_proto({"methods": METHODS}))
            await read_until(call, "compiling")
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, 5) == 0
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
