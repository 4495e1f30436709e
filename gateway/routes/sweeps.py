"""Sweeps: one experiment over a range of its settings."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from gateway import csv, openapi, sse
from gateway.body import read_json, read_model
from gateway.callers import Asking
from gateway.problems import SweepNotFound
from gateway.routes.answers import Json, run_uuid
from gateway.routes.runs import read_cursor, search_words, write_cursor
from gateway.routes.streams import STREAM, EventStream, LastEventId
from gateway.schemas import RunWords, Sweep, SweepCell, SweepPage, SweepRequest, SweepStanding
from gateway.services import Services, Use
from gateway.sse import Frame
from gateway.store import runs, sweeps
from gateway.store.runs import PageMark, Standing
from learnda.fields import MAX_SEED
from learnda.sweeps import Axis, cell_request, resolve_sweep, values_of

router = APIRouter(prefix="/api/sweeps", tags=["sweeps"])

Row = dict[str, Any]


@router.post(
    "",
    response_model=SweepStanding,
    openapi_extra=openapi.body(SweepRequest),
    responses=openapi.problems(400, 413, 422, 429, 503),
)
async def create_sweep(request: Request, use: Use, caller: Asking) -> Response:
    """Queue one experiment over the values of one or two of its settings.

    All cells have the same seed, so that they meet the same truth and observations wherever their
    settings allow it. Values of a parameter of the method are computed as one batch.
    """
    sweep = resolve_sweep(
        await read_json(request),
        use.methods.methods,
        limits=use.settings.limits,
        draw_seed=lambda: secrets.randbelow(MAX_SEED + 1),
    )
    sweep_id = await sweeps.create(use.pool, sweep, caller, max_queued=use.settings.max_queued)
    use.runner.wake()
    return Json({"sweep_id": str(sweep_id), "status": "queued"})


@router.get("", response_model=SweepPage, responses=openapi.problems(422, 503))
async def list_sweeps(
    use: Use,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
    search: Annotated[
        str,
        Query(
            max_length=200,
            description="Words that all occur in the sweep's id, name, note, or its method's name "
            "and label.",
        ),
    ] = "",
) -> Response:
    """The sweeps, newest first."""
    after = read_cursor(cursor) if cursor else None
    words = search_words(search)
    found = await sweeps.page(use.pool, limit=limit + 1, words=words, after=after)
    shown = found[:limit]
    marks = [PageMark(row.pop("created_us"), row["sweep_id"]) for row in shown]
    more = write_cursor(marks[-1]) if len(found) > limit else None
    return Json({"sweeps": [_plain(row) for row in shown], "next_cursor": more})


@router.get("/{sweep_id}", response_model=Sweep, responses=openapi.problems(404, 503))
async def read_sweep(sweep_id: str, use: Use) -> Response:
    """What was asked, and every cell with its metrics and a thinned series."""
    found = await get_sweep(use, sweep_id)
    series = await sweeps.series(use.pool, found["sweep_id"])
    axes = axes_of(found)
    cells = [
        _cell(row, axes) | {"series": series.get(row["cell"])}
        for row in await sweeps.cells(use.pool, found["sweep_id"])
    ]
    return Json({**_plain(found), "cells": cells})


@router.get("/{sweep_id}/cells/{cell}", responses=openapi.problems(404, 422, 503))
async def read_cell(sweep_id: str, cell: int, use: Use) -> SweepCell:
    """One cell, with the request that is this cell as a run of its own."""
    found = await get_sweep(use, sweep_id)
    axes = axes_of(found)
    for row in await sweeps.cells(use.pool, found["sweep_id"]):
        if row["cell"] == cell:
            request = cell_request(found["request"], axes, cell)
            return SweepCell(**_cell(row, axes), request=request)
    raise SweepNotFound("the sweep has no such cell")


@router.get(
    "/{sweep_id}/csv",
    response_class=Response,
    responses={
        200: {"content": {"text/csv": {}}, "description": "One row per cell."},
        **openapi.problems(404, 503),
    },
)
async def download_csv(sweep_id: str, use: Use) -> Response:
    """Each cell's values and metrics; empty where there is none yet."""
    found = await get_sweep(use, sweep_id)
    axes = axes_of(found)
    cells = [_cell(row, axes) for row in await sweeps.cells(use.pool, found["sweep_id"])]
    name = f"learnda_sweep_{str(found['sweep_id'])[:8]}.csv"
    return Response(
        csv.sweep([axis.field for axis in axes], cells),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get(
    "/{sweep_id}/events",
    status_code=HTTPStatus.OK,
    response_class=EventStream,
    responses={**STREAM, **openapi.problems(404, 503)},
)
async def sweep_events(sweep_id: str, use: Use, last_event_id: LastEventId = None) -> EventStream:
    """`hello`, then a `cell` for each cell that has something new, then `done`.

    A `cell` has `cell, values, status, step, rmse_analysis` (of the newest step that is told), the
    `series` of what is told since the `cell` before, and, when the cell is over, its `metrics` and
    `diverged_step`.
    """
    found = await get_sweep(use, sweep_id)
    ids = await sweeps.run_ids(use.pool, found["sweep_id"])
    seen = sse.read_cursor(last_event_id or "")
    standings = {s.run_id: s for s in await runs.standing(use.pool, ids)}
    starts = {run_id: seen.get(run_id, 0) for run_id in standings}
    content = _events(use, axes_of(found), starts, standings)
    return EventStream(content, use.settings.send_timeout)


@router.patch(
    "/{sweep_id}",
    response_model=Sweep,
    openapi_extra=openapi.body(RunWords),
    responses=openapi.problems(400, 404, 413, 422, 503),
)
async def describe_sweep(sweep_id: str, request: Request, use: Use) -> Response:
    """Name a sweep, note something about it, share it: any of these keeps it."""
    words = await read_model(request, RunWords)
    given = words.model_dump(exclude_unset=True)
    if not await sweeps.describe(use.pool, _uuid(sweep_id), given):
        raise SweepNotFound
    return await read_sweep(sweep_id, use)


@router.post(
    "/{sweep_id}/cancel", response_model=SweepStanding, responses=openapi.problems(404, 503)
)
async def cancel_sweep(sweep_id: str, use: Use) -> Response:
    """Stop what is not over, and keep what there is."""
    if not await sweeps.cancel(use.pool, _uuid(sweep_id)):
        raise SweepNotFound
    found = await get_sweep(use, sweep_id)
    return Json({"sweep_id": sweep_id, "status": found["status"]})


@router.delete(
    "/{sweep_id}", status_code=HTTPStatus.NO_CONTENT, responses=openapi.problems(404, 503)
)
async def delete_sweep(sweep_id: str, use: Use) -> None:
    """Stop a sweep and forget it."""
    if not await sweeps.delete(use.pool, _uuid(sweep_id)):
        raise SweepNotFound


# ---------------------------------------------------------------- rows as answers


def _uuid(text: str) -> UUID:
    return run_uuid(text, SweepNotFound)


async def get_sweep(use: Services, sweep_id: str) -> Row:
    """What was asked and where it stands, or SweepNotFound."""
    found = await sweeps.get(use.pool, _uuid(sweep_id))
    if found is None:
        raise SweepNotFound
    return found


def axes_of(found: Row) -> tuple[Axis, ...]:
    """The axes of a sweep's row."""
    return tuple(Axis(axis["field"], tuple(axis["values"])) for axis in found["axes"])


def _plain(row: Row) -> Row:
    return {**row, "sweep_id": str(row["sweep_id"])}


def _cell(row: Row, axes: tuple[Axis, ...]) -> Row:
    return {**row, "run_id": str(row["run_id"]), "values": list(values_of(axes, row["cell"]))}


# ---------------------------------------------------------------- events


async def _events(
    use: Services,
    axes: tuple[Axis, ...],
    starts: Mapping[UUID, int],
    standings: Mapping[UUID, Standing],
) -> AsyncGenerator[bytes, None]:
    yield sse.unnumbered("hello")
    places = dict(starts)
    async with aclosing(use.hub.follow(starts, standings)) as updates:
        async for update in updates:
            if update is None:
                yield sse.unnumbered("keepalive")
                continue
            if update.frames:
                places[update.run_id] = update.frames[-1].id
                yield b"".join(_told(update.frames, axes)) + sse.cursor(places)
    yield sse.unnumbered("done")


def _told(frames: list[Frame], axes: tuple[Axis, ...]) -> list[bytes]:
    """What is new of each cell that these events of one run are about."""
    newest: dict[int, Row] = {}
    series: dict[int, dict[str, list[float | None]]] = {}
    for frame in frames:
        event = orjson.loads(frame.body.partition(b"data: ")[2])
        if event.get("method_id") is None:
            continue
        cell = sweeps.cell_of(event["method_id"])
        told: Row
        match event["type"]:
            case "method_started":
                told = {"status": "running"}
            case "partial":
                columns = series.setdefault(cell, {name: [] for name in sweeps.CELL_SERIES})
                for name, column in columns.items():
                    column.append(event[name])
                told = {
                    "status": "running",
                    "series": columns,
                    "step": event["step"],
                    "rmse_analysis": event["rmse_analysis"],
                }
            case "method_completed":
                told = {
                    "status": event["status"],
                    "metrics": event["metrics"],
                    "diverged_step": event.get("diverged_step"),
                }
            case _:
                continue
        newest[cell] = newest.get(cell, {}) | told
    return [
        sse.unnumbered("cell", {"cell": cell, "values": values_of(axes, cell), **told})
        for cell, told in newest.items()
    ]
