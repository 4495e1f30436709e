"""Answers are compressed for who asks; what is counted is what the line carries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc
import numpy as np
import pytest
from calls import details_of

from compute.server import RunningServer
from learnda import tensors
from learnda.v1 import integration_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub

pytestmark = pytest.mark.asyncio(loop_scope="module")

SITES = 40_000
BYTES = 2 * 8 * SITES
"""Of a trajectory of two states."""


class Line:
    """Between a client and a server, counting what goes each way."""

    def __init__(self) -> None:
        self.up = self.down = 0
        self.address = ""


@asynccontextmanager
async def counted(server: str) -> AsyncIterator[Line]:
    """A line to it."""
    line = Line()
    host, _, port = server.rpartition(":")
    tasks: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                setattr(line, name, getattr(line, name) + len(data))
                writer.write(data)
                await writer.drain()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward, back = await asyncio.open_connection(host, int(port))
        for task in (pump(reader, back, "up"), pump(onward, writer, "down")):
            tasks.add(asyncio.create_task(task))

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    line.address = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        listener.close()
        for task in tasks:
            task.cancel()


async def trajectory(line: Line, **options: Any) -> np.ndarray:
    """Of a state near a fixed point, which hardly moves, over a new connection."""
    states = np.full(SITES, 3.0)
    states[7] += 0.25
    request = pb.IntegrateRequest(states=tensors.write(states), lorenz96_f=3.0, dt=1e-3)
    received = bytearray()
    async with grpc.aio.insecure_channel(line.address) as channel:
        stub: Any = AssimilationServiceStub(channel)  # type: ignore[no-untyped-call]
        async for message in stub.Integrate(request, **options):
            received += message.part.data
    return np.frombuffer(received).reshape(2, SITES)


@pytest.mark.parametrize("kind", ["gzip", "deflate"])
async def test_answers_are_compressed_for_who_asks(server: RunningServer, kind: str) -> None:
    async with counted(server.address) as line:
        plain = await trajectory(line)
        assert line.down > BYTES
        before = line.down
        compressed = await trajectory(line, metadata=(("learnda-compression", kind),))
        assert line.down - before < BYTES / 10
        np.testing.assert_array_equal(compressed, plain)


async def test_requests_may_be_compressed(server: RunningServer) -> None:
    async with counted(server.address) as line:
        await trajectory(line)
        assert line.up > BYTES / 2
        before = line.up
        await trajectory(line, compression=grpc.Compression.Gzip)
        assert line.up - before < BYTES / 20


async def test_what_there_is_not_is_refused(server: RunningServer) -> None:
    async with counted(server.address) as line:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await trajectory(line, metadata=(("learnda-compression", "brotli"),))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    violations = details_of(caught.value)["BadRequest"].field_violations
    assert [violation.field for violation in violations] == ["learnda-compression"]
