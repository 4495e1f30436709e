"""Gives each request an id: the one its sender gave it, or a new one."""

from __future__ import annotations

import re
from typing import Final
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, get_contextvars

from learnda import tracing

HEADER: Final = "X-Request-Id"
_SENT: Final = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)


class Identified:
    """Binds ``request_id``, and with a ``traceparent`` its ``trace_id``, to what is logged."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _bind(Headers(scope=scope))

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        await self._app(scope, receive, named)


def current() -> str:
    """The id of the request that is being answered."""
    return str(get_contextvars().get("request_id", ""))


def _bind(headers: Headers) -> str:
    """Bound until the request's task ends, for whoever logs its failure outside of us."""
    trace = tracing.read(headers.get(tracing.HEADER))
    sent = headers.get(HEADER, "")
    given = sent if _SENT.fullmatch(sent) else trace and trace.trace_id
    request_id = given or uuid4().hex
    bind_contextvars(request_id=request_id)
    if trace:
        bind_contextvars(trace_id=trace.trace_id, span_id=trace.span_id)
    return request_id
