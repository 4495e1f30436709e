"""Runs as clients see them: create, read, list, describe, cancel, delete."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid4

from psycopg.rows import class_row
from psycopg.types.json import Json

from gateway import events
from gateway.callers import Caller
from gateway.database import Connection, Pool, transaction
from gateway.records import NewEvent
from gateway.store import admission, notify
from gateway.store.queue import finish, insert_events
from learnda.cost import estimate
from learnda.experiment import Experiment

RUN_COLUMNS = """
    id AS run_id, status, request, error, warnings, runtime_sec, server, step_count,
    name, note, shared,
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


@dataclass(frozen=True, slots=True)
class Once:
    """What makes a second POST of the same request the first one's."""

    key: str
    digest: bytes
    """Of what was posted."""


class KeyReused(Exception):
    """The idempotency key came with another request before."""


class KeyOfDeletedRun(Exception):
    """The run that was posted with the idempotency key has been deleted."""


async def create(
    pool: Pool, experiment: Experiment, caller: Caller, *, max_queued: int, once: Once | None = None
) -> tuple[UUID, str]:
    """Queue a run, its first event committed with it, unless it was posted before: its id, and
    what its status is. TooManyRuns where there is no room for one more.
    """
    async with transaction(pool) as connection:
        if once and (known := await _posted(connection, caller, once)):
            return known
        await admission.check(connection, caller, max_queued)
        run_id = await insert(connection, experiment, caller, once=once)
        if run_id is None:  # the same was posted in the same instant
            assert once is not None
            known = await _posted(connection, caller, once)
            assert known is not None
            return known
        await connection.execute(*notify.queued())
    return run_id, "queued"


async def insert(
    connection: Connection,
    experiment: Experiment,
    caller: Caller,
    *,
    once: Once | None = None,
    of_sweep: tuple[UUID, Sequence[int]] | None = None,
) -> UUID | None:
    """A new run in this transaction; None where there is one of the same idempotency key.

    ``of_sweep``: the sweep that it is a part of, and the cell of each method.
    """
    run_id, request = uuid4(), experiment.request()
    sweep_id, cells = of_sweep or (None, None)
    cursor = await connection.execute(
        """
        INSERT INTO learnda.run (id, request, step_count, last_event, client, operations,
            idempotency_key, request_digest, sweep_id, cells)
        VALUES (%s, %s, %s, 1, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (client, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
        RETURNING extract(epoch FROM created_at)::float8 AS now
        """,
        [
            run_id,
            Json(request),
            experiment.step_count,
            caller.name,
            estimate(experiment).operations,
            once and once.key,
            once and once.digest,
            sweep_id,
            cells and list(cells),
        ],
    )
    row = await cursor.fetchone()
    if row is None:
        return None
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
    return run_id


async def _posted(connection: Connection, caller: Caller, once: Once) -> tuple[UUID, str] | None:
    """The run that was posted with this key."""
    cursor = await connection.execute(
        "SELECT id, status, request_digest, deleted_at FROM learnda.run"
        " WHERE client = %s AND idempotency_key = %s",
        [caller.name, once.key],
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    if bytes(row["request_digest"]) != once.digest:
        raise KeyReused
    if row["deleted_at"] is not None:
        raise KeyOfDeletedRun
    return row["id"], row["status"]


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
    pool: Pool,
    *,
    limit: int,
    status: str | None = None,
    words: Sequence[str] = (),
    after: PageMark | None = None,
) -> list[dict[str, Any]]:
    """Up to ``limit`` runs, newest first; each of ``words`` occurs in what a person knows it by."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            f"""
            SELECT {RUN_COLUMNS}, (extract(epoch FROM created_at) * 1000000)::bigint AS created_us
            FROM learnda.run
            WHERE deleted_at IS NULL AND sweep_id IS NULL
              AND (%(status)s::text IS NULL OR status = %(status)s)
              AND lower(concat_ws(' ', id, name, note, (
                  SELECT string_agg(concat_ws(' ', method.name, method.label), ' ')
                  FROM learnda.method WHERE run_id = run.id))) LIKE ALL (%(patterns)s::text[])
              AND (%(run_id)s::uuid IS NULL
                   OR (created_at, id) < ('epoch'::timestamptz
                       + %(created_us)s::bigint * interval '1 microsecond', %(run_id)s))
            ORDER BY learnda.run.created_at DESC, id DESC LIMIT %(limit)s
            """,
            {
                "status": status,
                "patterns": patterns(words),
                "run_id": after and after.run_id,
                "created_us": after and after.created_us,
                "limit": limit,
            },
        )
        return await cursor.fetchall()


def patterns(words: Sequence[str]) -> list[str]:
    """For LIKE ALL, of a text in small letters: each of ``words`` occurs in it."""
    return [f"%{_literally(word.lower())}%" for word in words]


def _literally(text: str) -> str:
    """A pattern of LIKE that matches this text only."""
    return re.sub(r"([\\%_])", r"\\\1", text)


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


async def describe(pool: Pool, run_id: UUID, words: Mapping[str, str | bool | None]) -> bool:
    """Set some of a run's ``name``, ``note`` and ``shared``; False when there is no such run."""
    async with pool.connection() as connection:
        return await set_words(connection, "run", run_id, words)


async def set_words(
    connection: Connection,
    table: Literal["run", "sweep"],
    id_: UUID,
    words: Mapping[str, str | bool | None],
) -> bool:
    """What people say of a row of one of these tables; False when there is no such row."""
    assert words.keys() <= {"name", "note", "shared"}
    places = ", ".join(f"{column} = %({column})s" for column in words) or "name = name"
    cursor = await connection.execute(
        f"UPDATE learnda.{table} SET {places} WHERE id = %(id)s AND deleted_at IS NULL"
        " RETURNING id",
        {**words, "id": id_},
    )
    return await cursor.fetchone() is not None


async def cancel(pool: Pool, run_id: UUID) -> str | None:
    """End the run if it is not over; returns its status, None when there is no such run.

    The run ends here and now, whether its carrier lives or not: the carrier is fenced, hears of it
    by NOTIFY and stops compute.
    """
    async with transaction(pool) as connection:
        await end_early(connection, run_id)
        cursor = await connection.execute(
            "SELECT status FROM learnda.run WHERE id = %s AND deleted_at IS NULL", [run_id]
        )
        row = await cursor.fetchone()
    return None if row is None else row["status"]


async def delete(pool: Pool, run_id: UUID) -> bool:
    """Cancel the run and hide it; its rows go later. False when there is no such run."""
    async with transaction(pool) as connection:
        await end_early(connection, run_id)
        cursor = await connection.execute(
            "UPDATE learnda.run SET deleted_at = clock_timestamp()"
            " WHERE id = %s AND deleted_at IS NULL RETURNING id",
            [run_id],
        )
        return await cursor.fetchone() is not None


async def end_early(connection: Connection, run_id: UUID) -> None:
    """Cancel the run, if it is not over, in this transaction."""
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
    """Delete runs that finished ``ttl`` seconds ago, but for those that somebody named, noted or
    shared; and those that were deleted ``grace`` seconds ago.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute(
            """
            DELETE FROM learnda.run WHERE id IN (
                SELECT id FROM learnda.run
                WHERE finished_at < clock_timestamp() - make_interval(secs => %s)
                      AND sweep_id IS NULL AND name IS NULL AND note IS NULL AND NOT shared
                   OR deleted_at < clock_timestamp() - make_interval(secs => %s)
                LIMIT %s FOR UPDATE SKIP LOCKED
            )
            """,
            [ttl, grace, limit],
        )
        await admission.forget_old(connection)
        return cursor.rowcount


async def counts(pool: Pool) -> dict[str, int]:
    """How many runs there are in each status."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT status, count(*) AS runs FROM learnda.run WHERE deleted_at IS NULL"
            " GROUP BY status"
        )
        return {row["status"]: row["runs"] for row in await cursor.fetchall()}


async def longest_wait(pool: Pool) -> float:
    """Seconds since the oldest of the queued runs was created; 0 when none is queued."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT extract(epoch FROM clock_timestamp() - min(created_at))::float8 AS seconds"
            " FROM learnda.run WHERE status = 'queued'"
        )
        row = await cursor.fetchone()
    return (row and row["seconds"]) or 0.0
