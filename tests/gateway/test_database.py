"""Migrations and the pool, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import math
from array import array
from uuid import uuid4

import pytest
from psycopg.pq import PipelineStatus
from psycopg.types.json import Json
from stream_messages import experiment

from gateway import schemas
from gateway.database import DatabaseTooNew, Pool, make_pool, migrate, migrations, transaction
from gateway.routes.answers import plain
from gateway.store import points, runs
from gateway.store.arrays import Texts


async def test_several_processes_migrate_at_once(postgres_url: str) -> None:
    pools = [make_pool(postgres_url, size=1) for _ in range(4)]
    for pool in pools:
        await pool.open()
    await asyncio.gather(*(migrate(pool) for pool in pools))
    async with pools[0].connection() as connection:
        cursor = await connection.execute("SELECT number FROM learnda.migration ORDER BY 1")
        assert [row["number"] for row in await cursor.fetchall()] == [n for n, _, _ in migrations()]
    for pool in pools:
        await pool.close()


async def test_nothing_lies_outside_the_schema(pool: Pool) -> None:
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT count(*) AS others FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE nspname = 'public'"
        )
        assert await cursor.fetchone() == {"others": 0}


async def test_a_newer_database_is_refused(pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute("INSERT INTO learnda.migration VALUES (9999, 'future')")
    with pytest.raises(DatabaseTooNew, match="9999"):
        await migrate(pool)


async def test_a_run_from_before_the_diagnostics_can_be_read(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its metrics lack the newer ones, and its points the newer series."""
    metrics = {
        name: 1 for name, field in schemas.Metrics.model_fields.items() if field.is_required()
    }
    assert len(metrics) == 16
    async with make_pool(postgres_url, size=2) as pool:
        monkeypatch.setattr("gateway.database.migrations", lambda: migrations()[:1])
        await migrate(pool)
        run, request = uuid4(), experiment("a", steps=2).request()
        async with pool.connection() as connection:
            await connection.execute(
                "INSERT INTO learnda.run (id, request, step_count) VALUES (%s, %s, 2)",
                [run, Json(request)],
            )
            await connection.execute(
                "INSERT INTO learnda.method (run_id, position, method_id, name, label, params,"
                " last_step, metrics) VALUES (%s, 0, 'a', 'etkf', '', '{}', 1, %s)",
                [run, Json(metrics)],
            )
            await connection.execute(
                "INSERT INTO learnda.points SELECT %s, 0, 0, 2, 1, s, s, s, s, s, s, s"
                " FROM (SELECT '{1,2}'::float8[] AS s) AS two",
                [run],
            )
        monkeypatch.undo()
        await migrate(pool)
        found = await runs.get(pool, run)
        assert found is not None
        read = schemas.Run.model_validate(plain(found)).methods["a"]
        assert (read.metrics, read.diagnostics) == (schemas.Metrics(**metrics), None)
        (extent,) = await points.extents(pool, run)
        lines, _ = await points.page(pool, run, extent, 0, 0, diagnostics=True)
        assert lines == b"0,1,1,1,0,1,1,1,1,,,,,\n1,2,2,2,0,2,2,2,2,,,,,\n"


async def test_float_arrays_arrive_to_the_bit(pool: Pool) -> None:
    values = array("d", [0.1, -0.0, 1e308, 5e-324, math.inf, math.nan, 1 / 3])
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT %b::float8[] AS a", [values])
        row = await cursor.fetchone()
        assert row is not None
        assert array("d", row["a"]).tobytes() == values.tobytes()
        cursor = await connection.execute("SELECT %b AS a", [array("d")])
        assert await cursor.fetchone() == {"a": []}


async def test_texts_arrive_as_they_were_written(pool: Pool) -> None:
    texts = ["", "null", 'a "quoted" \\ one', "{1,2}", "naïve – 😀", "x" * 70_000]
    async with pool.connection() as connection:
        for expected in (texts, []):
            sent = Texts([text.encode() for text in expected])
            cursor = await connection.execute("SELECT %s AS a", [sent])
            assert await cursor.fetchone() == {"a": expected}


async def test_a_transaction_cancelled_anywhere_leaves_no_connection_amid_a_conversation(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a busy process psycopg may be cancelled between entering its pipeline and saying so."""
    monkeypatch.setattr("psycopg.waiting.MAX_BUSY_TIME", -1.0, raising=False)

    async def work() -> None:
        async with transaction(pool) as connection:
            await (await connection.execute("SELECT 1")).fetchone()
            await connection.execute("SELECT 2")

    async with make_pool(postgres_url, size=1) as pool:
        for turns in range(60):
            task = asyncio.create_task(work())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            async with pool.connection() as connection:
                assert connection.pgconn.pipeline_status == PipelineStatus.OFF
                cursor = await connection.execute("SELECT 3 AS three")
                assert await cursor.fetchone() == {"three": 3}
