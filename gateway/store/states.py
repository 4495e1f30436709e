"""States to look at, as compute sent them."""

from __future__ import annotations

from uuid import UUID

from psycopg.rows import class_row

from gateway.database import Connection, Pool
from gateway.records import States


async def insert(connection: Connection, run_id: UUID, found: list[States]) -> None:
    """Add them; what a takeover sends again is the same, but may reach further."""
    await connection.cursor().executemany(
        "INSERT INTO learnda.states"
        " (run_id, position, first_step, steps, state_count, site_count, data)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (run_id, position, first_step) DO UPDATE"
        " SET steps = excluded.steps, data = excluded.data"
        " WHERE cardinality(excluded.steps) > cardinality(states.steps)",
        [
            (run_id, s.position, s.steps[0], s.steps, s.state_count, s.site_count, s.data)
            for s in found
        ],
    )


async def after(pool: Pool, run_id: UUID, position: int, step: int) -> States | None:
    """All states of a method (-1: the truth) of the steps after ``step``, each once."""
    async with pool.connection() as connection:
        cursor = connection.cursor(row_factory=class_row(States))
        await cursor.execute(
            "SELECT position, steps, state_count, site_count, data FROM learnda.states"
            " WHERE run_id = %s AND position = %s AND steps[cardinality(steps)] > %s"
            " ORDER BY first_step",
            [run_id, position, step],
        )
        rows = await cursor.fetchall()
    return _joined(rows, step) if rows else None


def _joined(rows: list[States], last: int) -> States:
    steps: list[int] = []
    data = bytearray()
    for row in rows:
        for k, step in enumerate(row.steps):
            if step > last:
                last = step
                steps.append(step)
                data += row.data[k * row.step_bytes : (k + 1) * row.step_bytes]
    first = rows[0]
    return States(first.position, steps, first.state_count, first.site_count, bytes(data))
