"""The points of a run as CSV, read from the database page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from gateway import csv, openapi
from gateway.database import Pool
from gateway.problems import NoPoints, RunNotFound
from gateway.routes.answers import run_uuid
from gateway.services import Use
from gateway.store import points, runs

router = APIRouter(prefix="/api/runs", tags=["runs"])

FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {}}, "description": "One row per method, replicate and step."}
}


@router.get(
    "/{run_id}/csv",
    response_class=StreamingResponse,
    responses={**FILE, **openapi.problems(400, 404, 503)},
)
async def download_csv(run_id: str, use: Use) -> StreamingResponse:
    """Every step, also where the stream's `partial` events are thinned."""
    run = run_uuid(run_id)
    if not await runs.standing(use.pool, [run]):
        raise RunNotFound
    extents = await points.extents(use.pool, run)
    if not extents:
        raise NoPoints
    name = f"teda_run_{str(run)[:8]}.csv"
    return StreamingResponse(
        _rows(use.pool, run, extents),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Accel-Buffering": "no",
        },
    )


async def _rows(pool: Pool, run: UUID, extents: list[points.Extent]) -> AsyncIterator[bytes]:
    yield csv.HEADER
    for extent in extents:
        prefix = csv.row_prefix(run, extent.method_id, extent.name, extent.label)
        for replicate in range(extent.replicate_count):
            step = 0
            while step <= extent.last_step:
                lines, step = await points.page(pool, run, extent, replicate, step)
                yield csv.rows(prefix, lines)
