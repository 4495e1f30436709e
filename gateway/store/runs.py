"""Runs as clients see them: create, read, list, cancel, delete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from psycopg.rows import class_row
from psycopg.types.json import Json

from gateway import events
from gateway.database import Connection, Pool, transaction
from gateway.records import NewEvent
from gateway.store import notify
from gateway.store.queue import finish, insert_events
from learnda.experiment import Experiment

RUN_COLUMNS = """
    id AS run_id, status, request, error, warnings, runtime_sec, server, step_count,
    extract(epoch FROM created_at)::float8 AS created_at,
    extract(epoch FROM started_at)::float8 AS started_at,
    extract(epoch FROM finished_at)::float8 AS finished_at
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run's events go."""

    run_id: UUID
    last_event: int
    ended: bool


@dataclass(frozen=True, slots=True)
class PageMark:
    """The last run of a page of the list; the next page begins after it."""

    created_us: int
    """Creation in microseconds of the epoch: what the database holds, exactly."""
    run_id: UUID


async def create(pool: Pool, experiment: Experiment) -> UUID:
    """Queue a run; its first event is committed with it."""
    run_id, request = uuid4(), experiment.request()
    async with transaction(pool) as connection:
        cursor = await connection.execute(
            "INSERT INTO learnda.run (id, request, step_count, last_event) VALUES (%s, %s, %s, 1)"
            " RETURNING extract(epoch FROM created_at)::float8 AS now",
            [run_id, Json(request), experiment.step_count],
        )
        row = await cursor.fetchone()
        assert row is not None
        created = NewEvent("run_created", {"request": request})
        await connection.cursor().executemany(
            "INSERT INTO learnda.method (run_id, position, method_id, name, label, params)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (run_id, position, m.id, m.name, m.label, Json(dict(m.params)))
                for position, m in enumerate(experiment.methods)
            ],
        )
        await insert_events(connection, run_id, events.encode(run_id, row["now"], 1, [created]))
        await connection.execute(*notify.queued())
    return run_id


async def get(pool: Pool, run_id: UUID) -> dict[str, Any] | None:
    """The run with its methods, None when there is none."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            f"SELECT {RUN_COLUMNS} FROM learnda.run WHERE id = %s AND deleted_at IS NULL", [run_id]
        )
        run = await cursor.fetchone()
        if run is None:
            return None
        cursor = await connection.execute(
            "SELECT method_id, name, label, params, status, metrics, runtime_sec, diverged_step,"
            " diagnostics FROM learnda.method WHERE run_id = %s ORDER BY position",
            [run_id],
        )
        methods = {row["method_id"]: row for row in await cursor.fetchall()}
    return {**run, "methods": methods}


async def page(
    pool: Pool, *, limit: int, status: str | None, after: PageMark | None
) -> list[dict[str, Any]]:
    """Up to ``limit`` runs, newest first."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            f"""
            SELECT {RUN_COLUMNS}, (extract(epoch FROM created_at) * 1000000)::bigint AS created_us
            FROM learnda.run
            WHERE deleted_at IS NULL
              AND (%(status)s::text IS NULL OR status = %(status)s)
              AND (%(run_id)s::uuid IS NULL
                   OR (created_at, id) < ('epoch'::timestamptz
                       + %(created_us)s::bigint * interval '1 microsecond', %(run_id)s))
            ORDER BY learnda.run.created_at DESC, id DESC LIMIT %(limit)s
            """,
            {
                "status": status,
                "run_id": after and after.run_id,
                "created_us": after and after.created_us,
                "limit": limit,
            },
        )
        return await cursor.fetchall()


async def standing(pool: Pool, run_ids: list[UUID], *, deleted: bool = False) -> list[Standing]:
    """How far the events of each of these runs go; ``deleted``: of deleted ones too."""
    async with pool.connection() as connection:
        cursor = connection.cursor(row_factory=class_row(Standing))
        await cursor.execute(
            "SELECT id AS run_id, last_event, status NOT IN ('queued', 'running') AS ended"
            " FROM learnda.run WHERE id = ANY (%s) AND (%s OR deleted_at IS NULL)",
            [run_ids, deleted],
        )
        return await cursor.fetchall()


async def cancel(pool: Pool, run_id: UUID) -> str | None:
    """End the run if it is not over; returns its status, None when there is no such run.

    The run ends here and now, whether its carrier lives or not: the carrier is fenced, hears of it
    by NOTIFY and stops compute.
    """
    async with transaction(pool) as connection:
        await _cancel(connection, run_id)
        cursor = await connection.execute(
            "SELECT status FROM learnda.run WHERE id = %s AND deleted_at IS NULL", [run_id]
        )
        row = await cursor.fetchone()
    return None if row is None else row["status"]


async def delete(pool: Pool, run_id: UUID) -> bool:
    """Cancel the run and hide it; its rows go later. False when there is no such run."""
    async with transaction(pool) as connection:
        await _cancel(connection, run_id)
        cursor = await connection.execute(
            "UPDATE learnda.run SET deleted_at = clock_timestamp()"
            " WHERE id = %s AND deleted_at IS NULL RETURNING id",
            [run_id],
        )
        return await cursor.fetchone() is not None


async def _cancel(connection: Connection, run_id: UUID) -> None:
    cursor = await connection.execute(
        "UPDATE learnda.run SET last_event = last_event + 1, generation = generation + 1"
        " WHERE id = %s AND status IN ('queued', 'running') AND deleted_at IS NULL"
        " RETURNING last_event, extract(epoch FROM clock_timestamp())::float8 AS now",
        [run_id],
    )
    row = await cursor.fetchone()
    if row is None:
        return
    number = row["last_event"]
    rows = events.encode(run_id, row["now"], number, [NewEvent("run_cancelled")])
    await insert_events(connection, run_id, rows)
    await finish(connection, run_id, "cancelled")
    await connection.execute(*notify.written(notify.Written(run_id, number, cancelled=True)))


async def remove_old(pool: Pool, *, ttl: float, grace: float, limit: int = 100) -> int:
    """Delete runs that finished ``ttl`` seconds ago, or were deleted ``grace`` seconds ago."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            """
            DELETE FROM learnda.run WHERE id IN (
                SELECT id FROM learnda.run
                WHERE finished_at < clock_timestamp() - make_interval(secs => %s)
                   OR deleted_at < clock_timestamp() - make_interval(secs => %s)
                LIMIT %s FOR UPDATE SKIP LOCKED
            )
            """,
            [ttl, grace, limit],
        )
        return cursor.rowcount


async def counts(pool: Pool) -> dict[str, int]:
    """How many runs there are in each status."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT status, count(*) AS runs FROM learnda.run WHERE deleted_at IS NULL"
            " GROUP BY status"
        )
        return {row["status"]: row["runs"] for row in await cursor.fetchall()}
