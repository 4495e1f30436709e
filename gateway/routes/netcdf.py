"""A run, or a sweep, as a NetCDF file."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from gateway import netcdf, openapi
from gateway.problems import NoPoints, RunNotFound, TooLargeForFile
from gateway.routes import sweeps as sweep_routes
from gateway.routes.answers import run_uuid
from gateway.services import Use
from gateway.store import points, runs, sweeps

router = APIRouter(prefix="/api", tags=["files"])

MEDIA_TYPE: Final = "application/x-netcdf"
ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {}}, "description": "NetCDF 3, with 64-bit offsets."}
}


@router.get(
    "/runs/{run_id}/netcdf",
    response_class=Response,
    responses={**ANSWER, **openapi.problems(400, 404, 503)},
)
async def download_run(run_id: str, use: Use) -> Response:
    """Every series over method, replicate and step, and the metrics; NaN is what is missing."""
    run = run_uuid(run_id)
    found = await runs.get(use.pool, run)
    if found is None:
        raise RunNotFound
    rows = len(found["methods"]) * found["request"]["replicates"] * found["step_count"]
    if rows > netcdf.MOST_ROWS:
        raise TooLargeForFile(f"{rows} rows are too many for one NetCDF file: take the CSV")
    chunks = await points.chunks(use.pool, run)
    if not chunks:
        raise NoPoints
    content = await asyncio.to_thread(netcdf.run, found, chunks)
    return _file(content, f"learnda_run_{run_id[:8]}.nc")


@router.get(
    "/sweeps/{sweep_id}/netcdf",
    response_class=Response,
    responses={**ANSWER, **openapi.problems(404, 503)},
)
async def download_sweep(sweep_id: str, use: Use) -> Response:
    """Every metric over the axes; NaN where a cell has none."""
    found = await sweep_routes.get_sweep(use, sweep_id)
    cells = await sweeps.cells(use.pool, found["sweep_id"])
    found = {**found, "server": await sweeps.server(use.pool, found["sweep_id"])}
    content = await asyncio.to_thread(netcdf.sweep, found, sweep_routes.axes_of(found), cells)
    return _file(content, f"learnda_sweep_{sweep_id[:8]}.nc")


def _file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=MEDIA_TYPE, headers=headers)
