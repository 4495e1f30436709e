"""Real services for the tests: a PostgreSQL of our own, and servers in processes of their own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from learnda.local.postgres import EmbeddedPostgres


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
