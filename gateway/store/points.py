"""Points as CSV, page by page: no connection is held while a client reads."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row

from gateway.database import Pool
from gateway.records import ALL_SERIES, DIAGNOSTIC_SERIES, SERIES, Points

STEPS_PER_PAGE = 8192


@dataclass(frozen=True, slots=True)
class Extent:
    """The points of one method at one moment; what comes later is left out."""

    position: int
    method_id: str
    name: str
    label: str
    last_step: int
    replicate_count: int


async def extents(pool: Pool, run_id: UUID) -> list[Extent]:
    """The methods that have points, in their order."""
    async with pool.connection() as connection:
        cursor = connection.cursor(row_factory=class_row(Extent))
        await cursor.execute(
            "SELECT position, method_id, name, label, last_step, replicate_count"
            " FROM learnda.method JOIN learnda.points USING (run_id, position)"
            " WHERE run_id = %s AND first_step = 0 ORDER BY position",
            [run_id],
        )
        return await cursor.fetchall()


async def chunks(pool: Pool, run_id: UUID) -> list[Points]:
    """All points of a run, as they were committed."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            f"SELECT position, first_step, replicate_count, t, {', '.join(ALL_SERIES)}"
            " FROM learnda.points WHERE run_id = %s ORDER BY position, first_step",
            [run_id],
            binary=True,
        )
        return [
            Points(
                row["position"],
                row["first_step"],
                row["replicate_count"],
                array("d", row["t"]),
                tuple(row[name] and array("d", row[name]) for name in ALL_SERIES),
            )
            async for row in cursor
        ]


async def page(
    pool: Pool,
    run_id: UUID,
    extent: Extent,
    replicate: int,
    first_step: int,
    *,
    diagnostics: bool = False,
) -> tuple[bytes, int]:
    """Lines ``step,t,error_b,...`` of one replicate (from 0) from ``first_step`` on, and the first
    step of the next page. Ends of lines are LF; what is null or not finite is empty.
    """
    furthest = min(first_step + STEPS_PER_PAGE, extent.last_step)
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT max(first_step + step_count) AS next FROM learnda.points"
            " WHERE run_id = %s AND position = %s AND first_step >= %s AND first_step <= %s",
            [run_id, extent.position, first_step, furthest],
        )
        row = await cursor.fetchone()
        if row is None or row["next"] is None:
            raise LookupError(f"the points of run {run_id} are gone")
        lines = bytearray()
        series = SERIES + DIAGNOSTIC_SERIES * diagnostics
        cells = [f"CASE WHEN abs(v.{name}) < 'Infinity' THEN v.{name} END" for name in series]
        cells.insert(2, str(replicate))
        query = _PAGE.format(
            cells=", ".join(cells),
            slices=", ".join(f"{name}[low:high]" for name in series),
            series=", ".join(series),
            run_id=run_id,
            position=extent.position,
            replicate=replicate,
            first_step=first_step,
            next=row["next"],
        )
        async with connection.cursor().copy(query.encode()) as copy:
            async for block in copy:
                lines += block
        return bytes(lines), row["next"]


# COPY takes no parameters: only names of columns, numbers and a UUID are filled in. unnest makes
# nulls of an array that is null.
_PAGE = """
COPY (
    SELECT first_step + k - 1, v.t, {cells}
    FROM learnda.points
    CROSS JOIN LATERAL (
        SELECT {replicate} * step_count + 1 AS low, ({replicate} + 1) * step_count AS high
    ) AS slice
    CROSS JOIN LATERAL unnest(points.t, {slices}) WITH ORDINALITY AS v (t, {series}, k)
    WHERE run_id = '{run_id}' AND position = {position}
      AND first_step >= {first_step} AND first_step < {next}
    ORDER BY first_step, k
) TO STDOUT (FORMAT csv)
"""
