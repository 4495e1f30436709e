"""Real services for the tests: a PostgreSQL of our own, and servers in processes of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

# Before gRPC is imported: its handlers of fork may wait for ever for calls that other threads make,
# and what the tests start as processes calls exec at once and needs no handler.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

import psycopg
import pytest
import pytest_asyncio

from gateway.database import Pool, make_pool, migrate
from learnda.local.postgres import EmbeddedPostgres
from learnda.local.probes import is_ready
from learnda.local.services import Command, ComputeService, GatewayService, free_port
from learnda.threads import limit_threads

limit_threads()  # before any test imports JAX

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
START_SECONDS = 60.0


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One running server for the whole session, without fsync."""
    folder = Path(tempfile.mkdtemp(prefix="learn-da-tests-"))
    server = EmbeddedPostgres(folder, durable=False)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def new_database(postgres: EmbeddedPostgres) -> Callable[[], str]:
    """Make an empty database each time it is called, and return its URL."""
    numbers = count(1)

    def make() -> str:
        name = f"test_{next(numbers)}"
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return postgres.url.replace("/postgres?", f"/{name}?", 1)

    return make


@pytest.fixture
def postgres_url(new_database: Callable[[], str]) -> str:
    """The URL of an empty database for one test."""
    return new_database()


@pytest_asyncio.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    """Connections to an empty database with our tables."""
    pool = make_pool(postgres_url, size=5)
    async with pool:
        await migrate(pool)
        yield pool


@pytest.fixture(scope="session")
def compute_address() -> Iterator[str]:
    """``host:port`` of a real compute server; what it compiles is kept between sessions."""
    service = ComputeService(HOST, free_port(HOST), ROOT / ".cache" / "jax")
    with running(service, service.address):
        yield service.address


@pytest.fixture(scope="session")
def stack(compute_address: str, new_database: Callable[[], str]) -> Iterator[str]:
    """The base URL of a real gateway, with a database of its own and a compute server."""
    database_url = new_database()
    service = GatewayService(HOST, free_port(HOST), compute_address, lambda: database_url)
    with running(service, service.url):
        yield service.url


@contextlib.contextmanager
def running(service: Command, address: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of our services in a process of its own, from ready until the context ends."""
    process = service.spawn()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_ready(address):
            assert process.poll() is None, f"{service.name} ended at its start"
            assert time.monotonic() < deadline, f"{service.name} is not ready"
            time.sleep(0.1)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
