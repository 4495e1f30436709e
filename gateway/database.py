"""The pool of connections, and the numbered migrations."""

from __future__ import annotations

import re
import select
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import resources

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from gateway.store import arrays

Connection = AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Connection]

MIGRATION_LOCK = 0x4C45_4152_4E44_41  # "LEARNDA": one process migrates, the others wait


SET_IDLE = "SET idle_in_transaction_session_timeout = '5s'"
"""A transaction that does nothing for so long is ended by the server."""
SET_LONGEST = "SET LOCAL transaction_timeout = '30s'"
"""Who falls silent within a pipeline is not called idle: this limits the whole transaction."""
KNOWS_LONGEST = 170000
"""PostgreSQL 17 and newer do."""


class DatabaseTooNew(RuntimeError):
    """The database was migrated by a newer version of this program."""


class _TimedPool(AsyncConnectionPool[Connection]):
    """Tells ``observe`` the seconds that each connection was lent for."""

    observe: Callable[[float], None] | None = None

    @asynccontextmanager
    async def connection(
        self,
        timeout: float | None = None,  # noqa: ASYNC109  the pool's own
    ) -> AsyncIterator[Connection]:
        async with super().connection(timeout) as connection:
            begun = time.perf_counter()
            try:
                yield connection
            finally:
                if self.observe is not None:
                    self.observe(time.perf_counter() - begun)


def make_pool(url: str, size: int, observe: Callable[[float], None] | None = None) -> Pool:
    """A closed pool whose connections are checked before they are lent: it heals by itself.

    Use it as ``async with pool.connection()``, where each statement commits by itself, or by
    `transaction`, and never while waiting for something else.
    """
    pool = _TimedPool(
        url,
        connection_class=AsyncConnection[DictRow],
        configure=_configure,
        kwargs={"row_factory": dict_row, "application_name": "learn-da gateway"},
        min_size=min(2, size),
        max_size=size,
        timeout=5.0,
        reconnect_timeout=5.0,
        check=_check,
        open=False,
        name="learn-da",
    )
    pool.observe = observe
    return pool


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A connection in a transaction whose statements travel together: to read a result is to wait
    for all that was said before it, and errors may show only at the end.

    A task that is cancelled meanwhile takes the connection with it: what was still on its way must
    not be read by the next who borrows it.
    """
    async with pool.connection() as connection:
        try:
            async with connection.pipeline(), connection.transaction():
                if connection.info.server_version >= KNOWS_LONGEST:
                    await connection.execute(SET_LONGEST)
                yield connection
        except BaseException as failure:
            if not isinstance(failure, Exception) or connection.pgconn.pipeline_status:
                await connection.close()
            raise


async def _check(connection: Connection) -> None:
    """Nothing comes from an idle server but bad news, so that a silent socket needs no question."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        await AsyncConnectionPool.check_connection(connection)


async def _configure(connection: Connection) -> None:
    """A carrier that is paused in mid-transaction loses it, and with it the lock on its run's row:
    else nobody could take the run over.
    """
    arrays.register(connection.adapters)
    await connection.set_autocommit(True)
    await connection.execute(SET_IDLE)


def migrations() -> list[tuple[int, str, str]]:
    """(number, name, SQL) of every migration, in order."""
    found = []
    for file in resources.files("gateway").joinpath("migrations").iterdir():
        match = re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name)
        if match:
            found.append((int(match[1]), match[2], file.read_text(encoding="utf-8")))
    return sorted(found)


async def migrate(pool: Pool) -> None:
    """Apply what is missing, in one transaction, one process at a time."""
    async with pool.connection() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        await connection.execute("CREATE SCHEMA IF NOT EXISTS learnda")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS learnda.migration (number integer PRIMARY KEY,"
            " name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        cursor = await connection.execute("SELECT number FROM learnda.migration")
        applied = {row["number"] for row in await cursor.fetchall()}
        known = migrations()
        if newer := applied - {number for number, _, _ in known}:
            raise DatabaseTooNew(
                f"the database has migration {max(newer)}, this program only knows "
                f"{len(known)}: upgrade learn-da, or use another database"
            )
        for number, name, sql in known:
            if number not in applied:
                await connection.execute(sql.encode())
                await connection.execute(
                    "INSERT INTO learnda.migration (number, name) VALUES (%s, %s)", [number, name]
                )
