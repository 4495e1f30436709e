"""What completed runs took."""

from __future__ import annotations

from gateway.database import Pool
from gateway.throughput import Done, Work

RECENT = 50
"""Runs that are looked at."""
FIRST_COMPILING = 3
"""Number of the first ``compiling`` event of a run: it follows ``run_started``."""


async def recent(pool: Pool) -> list[Done]:
    """The last runs that were completed at the first attempt and had nothing to compile."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT operations, step_count, runtime_sec,
                ARRAY(SELECT DISTINCT name FROM learnda.method WHERE run_id = run.id) AS methods
            FROM learnda.run
            WHERE finished_at IS NOT NULL AND status = 'completed' AND generation = 1
              AND operations > 0 AND runtime_sec > 0
              AND NOT EXISTS (
                  SELECT FROM learnda.event WHERE run_id = run.id AND type = 'compiling'
                  AND first_id <= %(first)s AND last_id >= %(first)s
              )
            ORDER BY finished_at DESC LIMIT %(limit)s
            """,
            {"first": FIRST_COMPILING, "limit": RECENT},
        )
        rows = await cursor.fetchall()
    return [
        Done(Work(row["operations"], row["step_count"], row["methods"]), row["runtime_sec"])
        for row in rows
    ]
