"""Server-sent events: of one run, or of several on one connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Query
from starlette.responses import StreamingResponse
from starlette.types import Message, Send

from gateway import openapi, sse
from gateway.access import ShownOut
from gateway.problems import BadParameter, RunNotFound
from gateway.routes.answers import run_uuid
from gateway.services import Services, Use
from gateway.store import runs
from gateway.store.runs import Standing

router = APIRouter(prefix="/api", tags=["events"])

LARGEST: Final = 2**63 - 1
MOST_RUNS: Final = 50
"""Runs on one stream."""

LastEventId = Annotated[str | None, Header(description="Sent by browsers that reconnect.")]
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "A stream of server-sent events."}
}


class EventStream(StreamingResponse):
    """Ends when the client has left, may not come in any more, or takes nothing for
    ``send_timeout`` seconds.
    """

    media_type = "text/event-stream"

    def __init__(self, content: AsyncGenerator[bytes, None], send_timeout: float) -> None:
        super().__init__(content, headers=sse.HEADERS)
        self._content = content
        self._send_timeout = send_timeout

    async def stream_response(self, send: Send) -> None:
        """Send what comes, and tidy up at once however it ends."""

        async def impatient(message: Message) -> None:
            async with asyncio.timeout(self._send_timeout):
                await send(message)

        async with aclosing(self._content):
            try:
                await super().stream_response(impatient)
            except TimeoutError:
                return
            except ShownOut:
                await send({"type": "http.response.body", "body": b"", "more_body": False})


@router.get(
    "/runs/{run_id}/events",
    status_code=HTTPStatus.OK,
    response_class=EventStream,
    responses={**STREAM, **openapi.problems(404, 422, 503)},
)
async def run_events(
    run_id: str,
    use: Use,
    since: Annotated[int, Query(ge=0, le=LARGEST, description="The last event you have.")] = 0,
    last_event_id: LastEventId = None,
) -> EventStream:
    """All events after `since`, then new ones as they come, to the run's end.

    `hello`, `run_created`, `run_started`, per method `method_started`, `partial` ...,
    `method_completed`, then `run_completed`, `run_failed` or `run_cancelled`, and `done`.

    A `partial` has `crps_analysis`, `innovation_consistency` and `effective_sample_size` where the
    method has them, and of a run with replicates `rmse_analysis_low` and `_high`,
    `spread_analysis_low` and `_high`: the quantiles 0.16 and 0.84 over the replicates.
    `method_completed` has the method's `diagnostics` where there are any.

    `states` comes where the run has `record_states`: those up to `last_step` can be read, of a
    method, or with `method_id` null of the truth.

    `compiling` comes before these where a program has still to be compiled: `program` is a method's
    name or a part that all methods share, `estimated_seconds` null where nothing alike was compiled
    before. The next `method_started` or `partial` says that all are ready.
    """
    run = run_uuid(run_id)
    standings = await runs.standing(use.pool, [run])
    if not standings:
        raise RunNotFound
    since = max(since, _last(last_event_id, run))
    return EventStream(_one(use, standings[0], since), use.settings.send_timeout)


@router.get(
    "/events",
    status_code=HTTPStatus.OK,
    response_class=EventStream,
    responses={**STREAM, **openapi.problems(422, 503)},
)
async def many_events(
    use: Use,
    run: Annotated[list[str], Query(description="`ID:SINCE`, once per run.")],
    last_event_id: LastEventId = None,
) -> EventStream:
    """Events of several runs on one connection; `data` carries `run_id` and `_event_id`.

    Each run's end is told by `done {"run_id": ...}`; for a run that does not exist it carries an
    `error` too. The stream ends after the last of them.
    """
    if len(run) > MOST_RUNS:
        raise BadParameter("run", f"at most {MOST_RUNS} runs on one stream")
    seen = sse.read_cursor(last_event_id or "")
    starts = {}
    for item in run:
        run_id, since = _read_start(item)
        starts[run_id] = max(since, seen.get(run_id, 0))
    standings = {s.run_id: s for s in await runs.standing(use.pool, list(starts))}
    return EventStream(_many(use, starts, standings), use.settings.send_timeout)


async def _one(use: Services, standing: Standing, since: int) -> AsyncGenerator[bytes, None]:
    yield sse.unnumbered("hello")
    run_id = standing.run_id
    async with aclosing(use.hub.follow({run_id: since}, {run_id: standing})) as updates:
        async for update in updates:
            if update is None:
                yield sse.unnumbered("keepalive")
                continue
            done = sse.unnumbered("done") if update.ended else b""
            yield sse.numbered(update.frames) + done


async def _many(
    use: Services, starts: Mapping[UUID, int], standings: Mapping[UUID, Standing]
) -> AsyncGenerator[bytes, None]:
    yield sse.unnumbered("hello")
    for run_id in starts.keys() - standings.keys():
        yield sse.unnumbered("done", {"run_id": str(run_id), "error": RunNotFound.sentence})
    places = {run_id: starts[run_id] for run_id in standings}
    async with aclosing(use.hub.follow(places, standings)) as updates:
        async for update in updates:
            if update is None:
                yield sse.unnumbered("keepalive")
                continue
            run_id = update.run_id
            block = b"".join(frame.body for frame in update.frames)
            if update.frames:
                places[run_id] = update.frames[-1].id
                block += sse.cursor(places)
            if update.ended:
                block += sse.unnumbered("done", {"run_id": str(run_id)})
            yield block


def _read_start(text: str) -> tuple[UUID, int]:
    run, _, since = text.partition(":")
    try:
        place = UUID(run), int(since or 0)
    except ValueError:
        raise BadParameter("run", "must be ID:SINCE") from None
    if not 0 <= place[1] <= LARGEST:
        raise BadParameter("run", "SINCE must be the number of an event")
    return place


def _last(header: str | None, run_id: UUID) -> int:
    """What a reconnecting client saw last, on either kind of stream; 0 for what is no number."""
    text = (header or "").strip()
    number = int(text) if text.isdecimal() else sse.read_cursor(text).get(run_id, 0)
    return min(max(0, number), LARGEST)
