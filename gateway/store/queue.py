"""The queue: who carries a run, and what its carrier commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from psycopg.types.json import Json

from gateway import events
from gateway.database import Connection, Pool, transaction
from gateway.records import (
    ALL_SERIES,
    Batch,
    Checkpoint,
    Claim,
    EventRow,
    MethodState,
    Points,
    RunEnd,
    RunState,
)
from gateway.store import admission, notify, states
from gateway.store.arrays import Texts

LOOKED_AT: Final = 8
"""Times as many runs as can be taken: others may hold the first ones at the same time."""

TURNS: Final = """
            open AS (
                SELECT id, client, created_at,
                    status = 'queued' OR lease_until < clock_timestamp() AS waits
                FROM learnda.run WHERE status IN ('queued', 'running')
            ), going_on AS (
                SELECT client, count(*) AS runs FROM open WHERE NOT waits GROUP BY client
            ), turns AS (
                SELECT id, open.created_at, coalesce(runs, 0)
                    + row_number() OVER (PARTITION BY client ORDER BY open.created_at) AS turn
                FROM open LEFT JOIN going_on USING (client) WHERE waits
            )"""
"""The runs that wait for a carrier, each with its turn: those of the same come by age."""


class Fenced(Exception):
    """The run is no longer ours: cancelled, or claimed by another carrier."""


async def claim(
    pool: Pool, carrier: UUID, *, limit: int, lease: float, not_these: Collection[UUID] = ()
) -> list[Claim]:
    """Take up to ``limit`` runs that are queued or whose carrier is silent.

    Turns go round the clients: first the runs of those who have fewest that go on, and of one
    client the oldest. What others claim at the same time is passed over.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute(
            f"""
            WITH {TURNS}, next AS (
                SELECT * FROM turns WHERE id <> ALL (%(not_these)s)
                ORDER BY turn, created_at LIMIT %(looked_at)s
            ), due AS MATERIALIZED (
                SELECT run.id FROM learnda.run JOIN next USING (id)
                WHERE run.status = 'queued'
                   OR run.status = 'running' AND run.lease_until < clock_timestamp()
                ORDER BY turn, next.created_at LIMIT %(limit)s FOR UPDATE OF run SKIP LOCKED
            ), taken AS (
                UPDATE learnda.run SET
                    status = 'running', carrier = %(carrier)s, generation = generation + 1,
                    attempts = attempts + 1,
                    started_at = coalesce(started_at, clock_timestamp()),
                    lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
                FROM due WHERE run.id = due.id
                RETURNING run.id, generation, attempts, step_count, request, created_at,
                    sweep_id IS NOT NULL AS of_sweep
            )
            SELECT * FROM taken ORDER BY created_at
            """,
            {
                "carrier": carrier,
                "lease": lease,
                "not_these": list(not_these),
                "limit": limit,
                "looked_at": LOOKED_AT * limit,
            },
        )
        rows = await cursor.fetchall()
    return [
        Claim(r["id"], r["generation"], r["attempts"], r["step_count"], r["request"], r["of_sweep"])
        for r in rows
    ]


async def place(pool: Pool, run_id: UUID) -> int | None:
    """How many runs are taken up until this one is, itself included; None if it does not wait."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            f"""
            WITH {TURNS}
            SELECT place FROM (
                SELECT id, row_number() OVER (ORDER BY turn, created_at) AS place FROM turns
            ) AS places WHERE id = %s
            """,
            [run_id],
        )
        row = await cursor.fetchone()
    return None if row is None else row["place"]


async def renew(pool: Pool, claims: Mapping[UUID, int], *, lease: float) -> set[UUID]:
    """Extend the leases of (run, generation); returns the runs that are still held, or that their
    holder has just brought to their end.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute(
            """
            WITH held AS (
                SELECT * FROM unnest(%s::uuid[], %s::bigint[]) AS held (run_id, held_generation)
            ), renewed AS (
                UPDATE learnda.run SET lease_until = clock_timestamp() + make_interval(secs => %s)
                FROM held
                WHERE id = run_id AND generation = held_generation AND status = 'running'
            )
            SELECT id FROM learnda.run JOIN held ON id = run_id AND generation = held_generation
            WHERE status <> 'cancelled'
            """,
            [list(claims), list(claims.values()), lease],
        )
        return {row["id"] for row in await cursor.fetchall()}


async def release(pool: Pool, held: Claim, *, delay: float, forgive: bool) -> None:
    """Let others have the run after ``delay`` seconds; ``forgive``: the attempt does not count."""
    async with pool.connection() as connection:
        await connection.execute(
            """
            UPDATE learnda.run SET carrier = NULL,
                lease_until = clock_timestamp() + make_interval(secs => %s),
                attempts = greatest(0, attempts - %s)
            WHERE id = %s AND generation = %s AND status = 'running'
            """,
            [delay, int(forgive), held.run_id, held.generation],
        )


async def release_all(pool: Pool, carrier: UUID) -> None:
    """A carrier stops: others may go on at once, and the attempt does not count."""
    async with transaction(pool) as connection:
        await connection.execute(
            """
            UPDATE learnda.run SET carrier = NULL, lease_until = clock_timestamp(),
                attempts = greatest(0, attempts - 1)
            WHERE carrier = %s AND status = 'running'
            """,
            [carrier],
        )
        await connection.execute(*notify.queued())


async def load_state(pool: Pool, held: Claim) -> RunState:
    """How far the run has been committed."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT position, method_id AS id, name, label, params, status, last_step, metrics,"
            " runtime_sec, diverged_step, diagnostics"
            " FROM learnda.method WHERE run_id = %s ORDER BY position",
            [held.run_id],
        )
        methods = {row["id"]: MethodState(**row) for row in await cursor.fetchall()}
        cursor = await connection.execute(
            "SELECT EXISTS (SELECT FROM learnda.event WHERE run_id = %s AND type = 'run_started')"
            " AS started",
            [held.run_id],
        )
        row = await cursor.fetchone()
    return RunState(started=bool(row and row["started"]), methods=methods)


async def load_checkpoint(pool: Pool, run_id: UUID) -> Checkpoint | None:
    """The state from which to go on."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT step, data, part_count FROM learnda.checkpoint WHERE run_id = %s"
            " ORDER BY part_index",
            [run_id],
        )
        rows = await cursor.fetchall()
    if not rows or len(rows) != rows[0]["part_count"]:
        return None
    return Checkpoint(rows[0]["step"], tuple(bytes(row["data"]) for row in rows))


async def drop_checkpoint(pool: Pool, held: Claim) -> None:
    """Compute cannot use it: the next attempt begins at step 0."""
    async with pool.connection() as connection:
        await connection.execute("DELETE FROM learnda.checkpoint WHERE run_id = %s", [held.run_id])


async def commit(pool: Pool, held: Claim, batch: Batch, *, lease: float) -> list[EventRow]:
    """Everything in the batch, or Fenced and nothing; returns its events as they were stored."""
    async with transaction(pool) as connection:
        cursor = await connection.execute(
            """
            UPDATE learnda.run SET last_event = last_event + %(count)s,
                attempts = CASE WHEN %(progressed)s THEN 0 ELSE attempts END,
                lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
                server = coalesce(%(server)s, server)
            WHERE id = %(run_id)s AND generation = %(generation)s AND status = 'running'
            RETURNING last_event, extract(epoch FROM clock_timestamp())::float8 AS now
            """,
            {
                "count": len(batch.events),
                "progressed": bool(batch.points),
                "lease": lease,
                "server": None if batch.server is None else Json(batch.server),
                "run_id": held.run_id,
                "generation": held.generation,
            },
        )
        row = await cursor.fetchone()
        if row is None:
            raise Fenced
        last_event: int = row["last_event"]
        first_id = last_event - len(batch.events) + 1
        rows = events.encode(held.run_id, row["now"], first_id, batch.events)
        await insert_events(connection, held.run_id, rows)
        await _insert_points(connection, held.run_id, batch.points)
        await states.insert(connection, held.run_id, batch.states)
        await _update_methods(connection, held.run_id, list(batch.changed.values()))
        if batch.checkpoint is not None:
            await _replace_checkpoint(connection, held.run_id, batch.checkpoint)
        if batch.end is not None:
            await finish(
                connection,
                held.run_id,
                batch.end,
                error=batch.error,
                warnings=batch.warnings,
                runtime_sec=batch.runtime_sec,
            )
        if batch.events:
            note = notify.Written(held.run_id, last_event, cancelled=False)
            await connection.execute(*notify.written(note))
    return rows


async def insert_events(connection: Connection, run_id: UUID, rows: list[EventRow]) -> None:
    """Rows that were numbered while the run's row was locked in this transaction."""
    await connection.cursor().executemany(
        "INSERT INTO learnda.event (run_id, first_id, last_id, type, payloads)"
        " VALUES (%s, %s, %s, %s, %s)",
        [(run_id, row.first_id, row.last_id, row.type, Texts(row.payloads)) for row in rows],
    )


async def finish(
    connection: Connection,
    run_id: UUID,
    end: RunEnd,
    *,
    error: str | None = None,
    warnings: Collection[str] = (),
    runtime_sec: float | None = None,
) -> None:
    """The run is over: no lease, no checkpoint; methods that were not done share its end."""
    await connection.execute(
        """
        UPDATE learnda.run SET status = %s, error = %s, warnings = %s, runtime_sec = %s,
            finished_at = clock_timestamp(), lease_until = NULL, carrier = NULL
        WHERE id = %s
        """,
        [end, error, list(warnings), runtime_sec, run_id],
    )
    await admission.charge(connection, run_id)
    await connection.execute("DELETE FROM learnda.checkpoint WHERE run_id = %s", [run_id])
    if end != "completed":
        await connection.execute(
            "UPDATE learnda.method SET status = %s"
            " WHERE run_id = %s AND status IN ('queued', 'running')",
            [end, run_id],
        )


async def _insert_points(connection: Connection, run_id: UUID, spans: list[Points]) -> None:
    columns = ", ".join(ALL_SERIES)
    marks = ", ".join(["%s"] * len(ALL_SERIES))
    await connection.cursor().executemany(
        "INSERT INTO learnda.points (run_id, position, first_step, step_count, replicate_count,"
        f" t, {columns}) VALUES (%s, %s, %s, %s, %s, %s, {marks})",
        [
            (run_id, p.position, p.first_step, p.step_count, p.replicate_count, p.t, *p.series)
            for p in spans
        ],
    )


async def _update_methods(connection: Connection, run_id: UUID, methods: list[MethodState]) -> None:
    await connection.cursor().executemany(
        "UPDATE learnda.method SET status = %s, last_step = %s, metrics = %s, runtime_sec = %s,"
        " diverged_step = %s, diagnostics = %s WHERE run_id = %s AND position = %s",
        [
            (
                m.status,
                m.last_step,
                _json(m.metrics),
                m.runtime_sec,
                m.diverged_step,
                _json(m.diagnostics),
                run_id,
                m.position,
            )
            for m in methods
        ],
    )


async def _replace_checkpoint(connection: Connection, run_id: UUID, state: Checkpoint) -> None:
    await connection.execute("DELETE FROM learnda.checkpoint WHERE run_id = %s", [run_id])
    await connection.cursor().executemany(
        "INSERT INTO learnda.checkpoint (run_id, part_index, part_count, step, data)"
        " VALUES (%s, %s, %s, %s, %s)",
        [(run_id, k, len(state.parts), state.step, data) for k, data in enumerate(state.parts)],
    )


def _json(value: Mapping[str, Any] | None) -> Json | None:
    return None if value is None else Json(value, lambda v: orjson.dumps(v).decode())
