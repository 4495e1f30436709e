"""Runs: post, read, list, cancel, delete."""

from __future__ import annotations

import base64
import secrets
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from gateway import openapi
from gateway.body import read_json
from gateway.problems import BadParameter, RunNotFound
from gateway.routes.answers import Json, plain, run_uuid
from gateway.schemas import Run, RunPage, RunStanding, RunStatus
from gateway.services import Use
from gateway.store import runs
from learnda.fields import MAX_SEED
from learnda.validation import resolve

router = APIRouter(prefix="/api/runs", tags=["runs"])


@router.post(
    "",
    response_model=RunStanding,
    openapi_extra=openapi.run_request(),
    responses=openapi.problems(400, 413, 422, 503),
)
async def create_run(request: Request, use: Use) -> Response:
    """Queue a twin experiment; follow it at `/api/runs/{run_id}/events`."""
    body = await read_json(request)
    experiment = resolve(
        body,
        use.methods.methods,
        limits=use.settings.limits,
        draw_seed=lambda: secrets.randbelow(MAX_SEED + 1),
    )
    run_id = await runs.create(use.pool, experiment)
    use.runner.wake()  # others hear of it by NOTIFY
    return Json({"run_id": str(run_id), "status": "queued"})


@router.get("", response_model=RunPage, responses=openapi.problems(422, 503))
async def list_runs(
    use: Use,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
    status: RunStatus | None = None,
) -> Response:
    """The runs, newest first."""
    after = _read_cursor(cursor) if cursor else None
    found = await runs.page(use.pool, limit=limit + 1, status=status, after=after)
    shown = found[:limit]
    marks = [runs.PageMark(row.pop("created_us"), row["run_id"]) for row in shown]
    more = _write_cursor(marks[-1]) if len(found) > limit else None
    return Json({"runs": [plain(row) for row in shown], "next_cursor": more})


@router.get("/{run_id}", response_model=Run, responses=openapi.problems(404, 503))
async def read_run(run_id: str, use: Use) -> Response:
    """What was asked, what became of it, and each method's metrics."""
    run = await runs.get(use.pool, run_uuid(run_id))
    if run is None:
        raise RunNotFound
    return Json(plain(run))


@router.post("/{run_id}/cancel", response_model=RunStanding, responses=openapi.problems(404, 503))
async def cancel_run(run_id: str, use: Use) -> Response:
    """Stop a run, and keep what it has; a run that is over stays as it is."""
    status = await runs.cancel(use.pool, run_uuid(run_id))
    if status is None:
        raise RunNotFound
    return Json({"run_id": str(run_uuid(run_id)), "status": status})


@router.delete("/{run_id}", status_code=HTTPStatus.NO_CONTENT, responses=openapi.problems(404, 503))
async def delete_run(run_id: str, use: Use) -> None:
    """Stop a run and forget it."""
    if not await runs.delete(use.pool, run_uuid(run_id)):
        raise RunNotFound


def _write_cursor(mark: runs.PageMark) -> str:
    return base64.urlsafe_b64encode(f"{mark.created_us} {mark.run_id}".encode()).decode()


def _read_cursor(text: str) -> runs.PageMark:
    try:
        created_us, run_id = base64.urlsafe_b64decode(text).decode().split()
        mark = runs.PageMark(int(created_us), UUID(run_id))
    except ValueError:
        raise BadParameter("cursor", "is not one of ours") from None
    if not 0 <= mark.created_us < 2**53:
        raise BadParameter("cursor", "is not one of ours")
    return mark
