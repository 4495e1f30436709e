"""Runs: post, read, list, describe, cancel, delete."""

from __future__ import annotations

import base64
import json
import secrets
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from gateway import openapi
from gateway.body import read_json, read_model
from gateway.callers import Asking
from gateway.problems import BadParameter, RunNotFound
from gateway.routes.answers import Json, plain, run_uuid
from gateway.schemas import Run, RunPage, RunStanding, RunStatus, RunWords
from gateway.services import Use
from gateway.store import queue, runs
from learnda.fields import MAX_SEED
from learnda.validation import resolve

router = APIRouter(prefix="/api/runs", tags=["runs"])

log = structlog.get_logger(__name__)


@router.post(
    "",
    response_model=RunStanding,
    openapi_extra=openapi.run_request(),
    responses=openapi.problems(400, 409, 413, 422, 429, 503),
)
async def create_run(
    request: Request,
    use: Use,
    caller: Asking,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            description="Of your choice: the same request sent again with it makes no second run.",
        ),
    ] = None,
) -> Response:
    """Queue a twin experiment; follow it at `/api/runs/{run_id}/events`."""
    body = await read_json(request)
    experiment = resolve(
        body,
        use.methods.methods,
        limits=use.settings.limits,
        draw_seed=lambda: secrets.randbelow(MAX_SEED + 1),
    )
    run_id, status = await runs.create(
        use.pool,
        experiment,
        caller,
        max_queued=use.settings.max_queued,
        once=runs.Once(idempotency_key, _digest(body)) if idempotency_key else None,
    )
    log.info("run posted", run_id=str(run_id), client=caller.name, status=status)
    use.runner.wake()  # others hear of it by NOTIFY
    return Json({"run_id": str(run_id), "status": status})


@router.get("", response_model=RunPage, responses=openapi.problems(422, 503))
async def list_runs(
    use: Use,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
    status: RunStatus | None = None,
    search: Annotated[
        str,
        Query(
            max_length=200,
            description="Words that all occur in the run's id, name, note, or its methods' names "
            "and labels.",
        ),
    ] = "",
) -> Response:
    """The runs, newest first."""
    after = read_cursor(cursor) if cursor else None
    words = search_words(search)
    found = await runs.page(use.pool, limit=limit + 1, status=status, words=words, after=after)
    shown = found[:limit]
    marks = [runs.PageMark(row.pop("created_us"), row["run_id"]) for row in shown]
    more = write_cursor(marks[-1]) if len(found) > limit else None
    return Json(
        {
            "runs": [plain(row) for row in shown],
            "next_cursor": more,
            "expire_seconds": use.settings.event_ttl,
        }
    )


@router.get("/{run_id}", response_model=Run, responses=openapi.problems(404, 503))
async def read_run(run_id: str, use: Use) -> Response:
    """What was asked, what became of it, and each method's metrics."""
    run = await runs.get(use.pool, run_uuid(run_id))
    if run is None:
        raise RunNotFound
    waits = run["status"] == "queued"
    place = await queue.place(use.pool, run["run_id"]) if waits else None
    return Json({**plain(run), "queue_place": place})


@router.patch(
    "/{run_id}",
    response_model=Run,
    openapi_extra=openapi.body(RunWords),
    responses=openapi.problems(400, 404, 413, 422, 503),
)
async def describe_run(run_id: str, request: Request, use: Use) -> Response:
    """Name a run, note something about it, share it: any of these keeps it."""
    words = await read_model(request, RunWords)
    if not await runs.describe(use.pool, run_uuid(run_id), words.model_dump(exclude_unset=True)):
        raise RunNotFound
    return await read_run(run_id, use)


@router.post("/{run_id}/cancel", response_model=RunStanding, responses=openapi.problems(404, 503))
async def cancel_run(run_id: str, use: Use) -> Response:
    """Stop a run, and keep what it has; a run that is over stays as it is."""
    status = await runs.cancel(use.pool, run_uuid(run_id))
    if status is None:
        raise RunNotFound
    log.info("run cancelled", run_id=str(run_uuid(run_id)), status=status)
    return Json({"run_id": str(run_uuid(run_id)), "status": status})


@router.delete("/{run_id}", status_code=HTTPStatus.NO_CONTENT, responses=openapi.problems(404, 503))
async def delete_run(run_id: str, use: Use) -> None:
    """Stop a run and forget it."""
    if not await runs.delete(use.pool, run_uuid(run_id)):
        raise RunNotFound
    log.info("run deleted", run_id=str(run_uuid(run_id)))


def _digest(body: object) -> bytes:
    """The same for the same JSON value, however it was written."""
    return sha256(json.dumps(body, sort_keys=True).encode()).digest()


def search_words(search: str) -> list[str]:
    """The words of a search; PostgreSQL takes no NUL."""
    return search.replace("\0", " ").split()


def write_cursor(mark: runs.PageMark) -> str:
    """A place in a list, to be sent back for the page after it."""
    return base64.urlsafe_b64encode(f"{mark.created_us} {mark.run_id}".encode()).decode()


def read_cursor(text: str) -> runs.PageMark:
    """What `write_cursor` wrote; BadParameter for anything else."""
    try:
        created_us, run_id = base64.urlsafe_b64decode(text).decode().split()
        mark = runs.PageMark(int(created_us), UUID(run_id))
    except ValueError:
        raise BadParameter("cursor", "is not one of ours") from None
    if not 0 <= mark.created_us < 2**53:
        raise BadParameter("cursor", "is not one of ours")
    return mark
