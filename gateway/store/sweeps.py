"""Sweeps: sets of runs, whose methods are their cells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import orjson
from psycopg.types.json import Json

from gateway.callers import Caller
from gateway.database import Connection, Pool, transaction
from gateway.store import admission, notify, runs
from learnda.sweeps import Sweep

STANDING = """
    CASE WHEN bool_or(status = 'running') THEN 'running'
         WHEN bool_or(status = 'queued')
              THEN CASE WHEN bool_and(status = 'queued') THEN 'queued' ELSE 'running' END
         WHEN bool_or(status = 'failed') THEN 'failed'
         WHEN bool_or(status = 'cancelled') THEN 'cancelled'
         ELSE 'completed' END AS status,
    CASE WHEN bool_and(finished_at IS NOT NULL)
         THEN extract(epoch FROM max(finished_at))::float8 END AS finished_at,
    min(error) AS error
"""
COLUMNS = """
    sweep.id AS sweep_id, sweep.request, sweep.axes, sweep.name, sweep.note, sweep.shared,
    extract(epoch FROM sweep.created_at)::float8 AS created_at
"""
CELL_SERIES = ("t", "rmse_analysis")


async def create(pool: Pool, sweep: Sweep, caller: Caller, *, max_queued: int) -> UUID:
    """Queue all its runs, or none; TooManyRuns where there is no room for them."""
    sweep_id = uuid4()
    axes = [{"field": axis.field, "values": axis.values} for axis in sweep.axes]
    async with transaction(pool) as connection:
        await admission.check(connection, caller, max_queued, wanted=len(sweep.parts))
        await connection.execute(
            "INSERT INTO learnda.sweep (id, request, axes, client) VALUES (%s, %s, %s, %s)",
            [sweep_id, Json(sweep.request), Json(axes), caller.name],
        )
        for part in sweep.parts:
            of_sweep = (sweep_id, part.cells)
            await runs.insert(connection, part.experiment, caller, of_sweep=of_sweep)
        await connection.execute(*notify.queued())
    return sweep_id


async def get(pool: Pool, sweep_id: UUID) -> dict[str, Any] | None:
    """What was asked, and where it stands; None when there is none."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            f"""
            SELECT {COLUMNS}, standing.* FROM learnda.sweep
            CROSS JOIN LATERAL (
                SELECT {STANDING} FROM learnda.run WHERE sweep_id = sweep.id
            ) AS standing
            WHERE id = %s AND deleted_at IS NULL
            """,
            [sweep_id],
        )
        return await cursor.fetchone()


async def page(
    pool: Pool, *, limit: int, words: Sequence[str] = (), after: runs.PageMark | None = None
) -> list[dict[str, Any]]:
    """Up to ``limit`` sweeps, newest first; each of ``words`` occurs in what one is known by."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            f"""
            SELECT {COLUMNS}, standing.*,
                (extract(epoch FROM sweep.created_at) * 1000000)::bigint AS created_us
            FROM learnda.sweep
            CROSS JOIN LATERAL (
                SELECT {STANDING} FROM learnda.run WHERE sweep_id = sweep.id
            ) AS standing
            WHERE deleted_at IS NULL
              AND lower(concat_ws(' ', id, name, note, request->'methods'->0->>'name',
                  request->'methods'->0->>'label')) LIKE ALL (%(patterns)s::text[])
              AND (%(id)s::uuid IS NULL
                   OR (sweep.created_at, id) < ('epoch'::timestamptz
                       + %(created_us)s::bigint * interval '1 microsecond', %(id)s))
            ORDER BY sweep.created_at DESC, id DESC LIMIT %(limit)s
            """,
            {
                "limit": limit,
                "patterns": runs.patterns(words),
                "id": after and after.run_id,
                "created_us": after and after.created_us,
            },
        )
        return await cursor.fetchall()


async def cells(pool: Pool, sweep_id: UUID) -> list[dict[str, Any]]:
    """Every cell in its order: where it is computed, and what is known of it."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT run.cells[position + 1] AS cell, run_id, method_id, method.status, metrics,
                diverged_step, last_step
            FROM learnda.run JOIN learnda.method ON run_id = run.id
            WHERE sweep_id = %s ORDER BY cell
            """,
            [sweep_id],
        )
        return await cursor.fetchall()


async def series(pool: Pool, sweep_id: UUID) -> dict[int, dict[str, list[float | None]]]:
    """Of each cell that has begun: the RMSE of its analysis, thinned, by the cell's number."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT run.cells, payloads FROM learnda.event JOIN learnda.run ON run_id = run.id
            WHERE sweep_id = %s AND type = 'partial' ORDER BY run_id, first_id
            """,
            [sweep_id],
        )
        found: dict[int, dict[str, list[float | None]]] = defaultdict(
            lambda: {name: [] for name in CELL_SERIES}
        )
        async for row in cursor:
            for payload in row["payloads"]:
                event = orjson.loads(payload)
                columns = found[cell_of(event["method_id"])]
                for name in CELL_SERIES:
                    columns[name].append(event[name])
    return found


def cell_of(method_id: str) -> int:
    """The cell that a method of a sweep's run is."""
    return int(method_id.removeprefix("c"))


async def server(pool: Pool, sweep_id: UUID) -> dict[str, Any] | None:
    """Software and devices that computed it, of the first of its runs that began; None before."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT server FROM learnda.run WHERE sweep_id = %s AND server IS NOT NULL
            ORDER BY created_at, id LIMIT 1
            """,
            [sweep_id],
        )
        row = await cursor.fetchone()
        return None if row is None else row["server"]


async def run_ids(pool: Pool, sweep_id: UUID) -> list[UUID]:
    """Its runs."""
    async with pool.connection() as connection:
        return await _run_ids(connection, sweep_id)


async def cancel(pool: Pool, sweep_id: UUID) -> bool:
    """End those of its runs that are not over; False when there is no such sweep."""
    async with transaction(pool) as connection:
        if not await _lock(connection, sweep_id):
            return False
        for run_id in await _run_ids(connection, sweep_id):
            await runs.end_early(connection, run_id)
    return True


async def delete(pool: Pool, sweep_id: UUID) -> bool:
    """Cancel it and hide it with its runs; the rows go later."""
    async with transaction(pool) as connection:
        if not await _lock(connection, sweep_id):
            return False
        for run_id in await _run_ids(connection, sweep_id):
            await runs.end_early(connection, run_id)
        await connection.execute(
            "UPDATE learnda.run SET deleted_at = clock_timestamp() WHERE sweep_id = %s", [sweep_id]
        )
        await connection.execute(
            "UPDATE learnda.sweep SET deleted_at = clock_timestamp() WHERE id = %s", [sweep_id]
        )
    return True


async def describe(pool: Pool, sweep_id: UUID, words: Mapping[str, str | bool | None]) -> bool:
    """Set some of ``name``, ``note`` and ``shared``; False when there is no such sweep."""
    async with pool.connection() as connection:
        return await runs.set_words(connection, "sweep", sweep_id, words)


async def remove_old(pool: Pool, *, ttl: float, grace: float) -> int:
    """Delete sweeps as `runs.remove_old` deletes runs: their last run's end counts."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            """
            DELETE FROM learnda.sweep
            WHERE deleted_at < clock_timestamp() - make_interval(secs => %s)
               OR name IS NULL AND note IS NULL AND NOT shared AND NOT EXISTS (
                    SELECT FROM learnda.run WHERE sweep_id = sweep.id
                      AND (finished_at IS NULL
                           OR finished_at >= clock_timestamp() - make_interval(secs => %s)))
            """,
            [grace, ttl],
        )
        return cursor.rowcount


async def _lock(connection: Connection, sweep_id: UUID) -> bool:
    cursor = await connection.execute(
        "SELECT FROM learnda.sweep WHERE id = %s AND deleted_at IS NULL FOR UPDATE", [sweep_id]
    )
    return await cursor.fetchone() is not None


async def _run_ids(connection: Connection, sweep_id: UUID) -> list[UUID]:
    cursor = await connection.execute(
        "SELECT id FROM learnda.run WHERE sweep_id = %s ORDER BY cells[1]", [sweep_id]
    )
    return [row["id"] for row in await cursor.fetchall()]
