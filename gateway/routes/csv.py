"""A run as CSV: its points, read from the database page by page, and its diagnostics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from gateway import csv, openapi
from gateway.database import Pool
from gateway.problems import NoDiagnostics, NoPoints, RunNotFound
from gateway.records import DIAGNOSTIC_SERIES
from gateway.routes.answers import run_uuid
from gateway.services import Use
from gateway.store import points, runs

router = APIRouter(prefix="/api/runs", tags=["runs"])

MEDIA_TYPE: Final = "text/csv; charset=utf-8"


def _file(description: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {"text/csv": {}}, "description": description}}


@router.get(
    "/{run_id}/csv",
    response_class=StreamingResponse,
    responses={
        **_file("One row per method, replicate and step."),
        **openapi.problems(400, 404, 422, 503),
    },
)
async def download_csv(
    run_id: str,
    use: Use,
    diagnostics: Annotated[
        bool,
        Query(
            description="Append columns that not every method fills: "
            + ", ".join(f"`{name}`" for name in DIAGNOSTIC_SERIES)
            + "."
        ),
    ] = False,
) -> StreamingResponse:
    """Every step, also where the stream's `partial` events are thinned."""
    run = run_uuid(run_id)
    if not await runs.standing(use.pool, [run]):
        raise RunNotFound
    extents = await points.extents(use.pool, run)
    if not extents:
        raise NoPoints
    return StreamingResponse(
        _rows(use.pool, run, extents, diagnostics),
        media_type=MEDIA_TYPE,
        headers={**_attachment("teda_run", run), "X-Accel-Buffering": "no"},
    )


@router.get(
    "/{run_id}/diagnostics.csv",
    response_class=Response,
    responses={
        **_file("One row per method and number: `diagnostic`, `x`, `value`, `count`."),
        **openapi.problems(400, 404, 503),
    },
)
async def download_diagnostics(run_id: str, use: Use) -> Response:
    """What was gathered over scored cycles, so far, and the metrics.

    `rank_histogram`: `x` is the rank. `spread` and `error`: root mean squares in a bin of
    background standard deviation, `x` is its upper edge, empty for the last bin, which has none.
    `lead_rmse`: `x` is the lead in cycles. A metric has no `x`. An empty `value`: there is no
    finite one.
    """
    run = run_uuid(run_id)
    found = await runs.get(use.pool, run)
    if found is None:
        raise RunNotFound
    lines = b"".join(csv.summary(run, method) for method in found["methods"].values())
    if not lines:
        raise NoDiagnostics
    return Response(
        csv.SUMMARY_HEADER + lines,
        media_type=MEDIA_TYPE,
        headers=_attachment("learnda_diagnostics", run),
    )


async def _rows(
    pool: Pool, run: UUID, extents: list[points.Extent], diagnostics: bool
) -> AsyncIterator[bytes]:
    yield csv.header(diagnostics=diagnostics)
    for extent in extents:
        prefix = csv.row_prefix(run, extent.method_id, extent.name, extent.label)
        for replicate in range(extent.replicate_count):
            step = 0
            while step <= extent.last_step:
                lines, step = await points.page(
                    pool, run, extent, replicate, step, diagnostics=diagnostics
                )
                yield csv.rows(prefix, lines)


def _attachment(stem: str, run: UUID) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{stem}_{str(run)[:8]}.csv"'}
