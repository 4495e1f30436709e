"""Events as they are read back: by one viewer, or for all watched runs at once."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from gateway.database import Pool
from gateway.records import EventRow


async def after(pool: Pool, run_id: UUID, number: int, limit: int) -> list[EventRow]:
    """The rows that hold the events ``number + 1 .. number + limit``."""
    return (await after_each(pool, {run_id: number}, limit))[run_id]


async def after_each(
    pool: Pool, positions: Mapping[UUID, int], limit: int
) -> dict[UUID, list[EventRow]]:
    """The same for several runs, each from its own position, in one query."""
    async with pool.connection() as connection:
        cursor = await connection.cursor(binary=True).execute(
            "SELECT run_id, first_id, last_id, type, payloads"
            " FROM unnest(%s::uuid[], %s::bigint[]) AS watched (watched_id, number)"
            " JOIN learnda.event ON run_id = watched_id AND last_id > number"
            " AND first_id <= number + %s ORDER BY run_id, last_id",
            [list(positions), list(positions.values()), limit],
        )
        found: dict[UUID, list[EventRow]] = {run_id: [] for run_id in positions}
        for row in await cursor.fetchall():
            payloads = [payload.encode() for payload in row["payloads"]]
            event_row = EventRow(row["first_id"], row["last_id"], row["type"], payloads)
            found[row["run_id"]].append(event_row)
    return found
