"""Writers, readers and waiting requests on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final
from uuid import uuid4

import psycopg
import pytest
from stream_messages import experiment, queued

from gateway import database
from gateway.carrier import fresh_state
from gateway.database import Pool, transaction
from gateway.records import Batch, NewEvent
from gateway.store import queue, streams

DALLY: Final = """
CREATE FUNCTION dally() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.01 * random()); RETURN NEW; END $$;
CREATE TRIGGER dally BEFORE INSERT ON learnda.event FOR EACH ROW EXECUTE FUNCTION dally();
"""
"""Between a number that is taken and its event lies some time, and not always the same."""


async def test_case_01_two_writers_and_a_reader_that_polls(pool: Pool) -> None:
    """No event is missed by who polls from the last id, whatever the order of commits."""
    async with pool.connection() as connection:
        await connection.execute(DALLY)
    run = await queued(pool, experiment("a"))
    (held,) = await queue.claim(pool, uuid4(), limit=1, lease=30.0)
    batch = Batch(fresh_state(held), events=[NewEvent("partial", {"t": 0.0})] * 3)
    seen: list[int] = []

    async def write() -> None:
        for _ in range(60):
            await queue.commit(pool, held, batch, lease=30.0)

    async def read_on() -> bool:
        last = seen[-1] if seen else 0
        rows = await streams.after(pool, run, last, 500)
        for row in rows:
            seen.extend(n for n in range(row.first_id, row.last_id + 1) if n > last)
        return bool(rows)

    async def read_while(writing: asyncio.Future[list[None]]) -> None:
        while await read_on() or not writing.done():
            pass

    async with asyncio.timeout(30):
        writing = asyncio.gather(write(), write())
        await read_while(writing)
        await writing
        await read_on()
    assert seen == list(range(1, 362)), "missed"


async def test_case_06_requests_cancelled_while_they_wait_for_a_connection(pool: Pool) -> None:
    """A thousand: then as many connections are free as the pool may have."""

    async def request(number: int) -> None:
        if number % 2:
            async with pool.connection() as connection:
                await connection.execute("SELECT pg_sleep(0.01)")
        else:
            async with transaction(pool) as connection:
                await connection.execute("SELECT pg_sleep(0.01)")

    tasks = [asyncio.create_task(request(number)) for number in range(1000)]
    await asyncio.sleep(0.2)
    assert pool.get_stats()["requests_waiting"] > 500
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(5):
        await asyncio.gather(*(request(number) for number in range(20)))
        while pool.get_stats()["pool_available"] < pool.max_size:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert pool.get_stats()["requests_waiting"] == 0


async def test_case_03_a_carrier_that_is_paused_amid_its_pipeline(
    pool: Pool, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends its transaction, and with it the lock that keeps others from the run."""
    monkeypatch.setattr(database, "SET_LONGEST", "SET LOCAL transaction_timeout = '1s'")
    run = await queued(pool, experiment("a"))
    async with database.make_pool(postgres_url, size=1) as paused:
        with suppress(psycopg.Error):
            async with transaction(paused) as connection:
                lock = "SELECT id FROM learnda.run FOR UPDATE"
                assert await (await connection.execute(lock)).fetchone() is not None
                assert await queue.claim(pool, uuid4(), limit=1, lease=30.0) == []
                await asyncio.sleep(2.0)
                taken = await queue.claim(pool, uuid4(), limit=1, lease=30.0)
        assert [held.run_id for held in taken] == [run]
