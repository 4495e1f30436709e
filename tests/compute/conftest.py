"""Numerics under test: 64-bit on, one engine for all."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

# Before XLA starts: tests compile some three thousand programs without an engine; each runs once.
os.environ["XLA_FLAGS"] = " ".join(
    [
        os.environ.get("XLA_FLAGS", ""),
        "--xla_backend_optimization_level=0",
        "--xla_cpu_use_fusion_emitters=false",
        "--xla_cpu_parallel_codegen_split_count=1",
    ]
)

import grpc
import jax
import numpy as np
import pytest
import pytest_asyncio
from calls import SETTINGS

from compute.engine import Engine
from compute.server import RunningServer, running
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


@pytest.fixture
def random(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random inputs, fresh for each test and the same at each run."""
    return np.random.default_rng(list(request.node.nodeid.encode()))


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """One for all tests, so that a program is compiled once."""
    with Engine(program_limit=200, hasty=True) as engine:
        yield engine


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(engine: Engine) -> AsyncIterator[RunningServer]:
    async with running(SETTINGS, engine) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def channel(server: RunningServer) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        await channel.channel_ready()
        yield channel


@pytest.fixture(scope="module")
def stub(channel: grpc.aio.Channel) -> Any:
    return AssimilationServiceStub(channel)
