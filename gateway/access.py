"""The guard of the door: who a request comes from, and whether it may come in.

Everything needs a token where tokens are configured, except what ``_is_open`` names; so a route
that is added is guarded.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Final

import structlog
from fastapi import Depends, Request
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import session
from gateway.callers import Caller
from gateway.page import Page
from gateway.problems import problem
from learnda.access import Access, InvalidAccess, Token, bearer

log = structlog.get_logger(__name__)

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SESSION: Final = "/api/session"
LOOK_SECONDS: Final = 1.0
"""Between two looks at whether the reader of a stream may still come in."""
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", SESSION})


class ShownOut(Exception):
    """The token of a stream's reader was revoked, or their session is over; `send` raises it."""


class Door:
    """Knows tokens and sessions."""

    def __init__(self, access: Access, session_seconds: float) -> None:
        self.access = access
        self.session_seconds = session_seconds

    def of_cookie(self, connection: HTTPConnection) -> Token | None:
        """Whose session the request comes with."""
        cookie = connection.cookies.get(session.COOKIE)
        if cookie is None:
            return None
        return session.holder(cookie, self.access, max_age=self.session_seconds)


def of_request(request: Request) -> Door:
    """The door of the application that answers."""
    door: Door = request.app.state.door
    return door


Asked = Annotated[Door, Depends(of_request)]


class Guard:
    """Lets callers in, and tells the routes who they are; all others are refused here."""

    def __init__(
        self, app: ASGIApp, door: Door, page: Page, foreign_origins: Collection[str] = ()
    ) -> None:
        """``foreign_origins``: of sites whose pages may ask (CORS)."""
        self._app = app
        self._door = door
        self._page = page
        self._foreign_origins = foreign_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            refusal = self._refusal(connection)
        except InvalidAccess as error:  # as long as it cannot be read nobody comes in
            log.error("the tokens cannot be read", error=str(error))
            refusal = problem(HTTPStatus.SERVICE_UNAVAILABLE, "the tokens cannot be read")
        if refusal is None and self._door.access.needed:
            send = self._looking(connection, send)
        await (refusal or self._app)(scope, receive, send)

    def _looking(self, connection: HTTPConnection, send: Send) -> Send:
        """``send`` that raises ShownOut once the reader of a stream of events may not come in."""
        looked = time.monotonic()
        streams = False

        async def looking(message: Message) -> None:
            nonlocal looked, streams
            if message["type"] == "http.response.start":
                content = dict(message.get("headers", ())).get(b"content-type", b"")
                streams = content.startswith(b"text/event-stream")
            elif streams and message.get("more_body") and time.monotonic() - looked > LOOK_SECONDS:
                looked = time.monotonic()
                if self._is_shown_out(connection):
                    raise ShownOut
            await send(message)

        return looking

    def _is_shown_out(self, connection: HTTPConnection) -> bool:
        try:
            return self._refusal(connection) is not None
        except InvalidAccess:  # for now nothing is known: who is in stays in
            return False

    def _refusal(self, connection: HTTPConnection) -> Response | None:
        access = self._door.access
        secret = bearer(connection.headers.get("authorization"))
        if access.needed and secret is not None:
            token = access.find(secret)
            if token is None and not self._is_open(connection):
                return unauthorized("this token is not known here")
        else:  # the browser sends what it has, whoever's page made it ask
            token = self._door.of_cookie(connection) if access.needed else None
            if self._is_foreign(connection, by_cookie=token is not None):
                return problem(HTTPStatus.FORBIDDEN, "another site's page asked for this")
        if token is not None:
            connection.scope["learnda.caller"] = Caller(token.name, token.quota)
        elif access.needed and not self._is_open(connection):
            return unauthorized(
                "a token is needed: send it as `Authorization: Bearer ...`, or sign in at the page"
            )
        return None

    def _is_open(self, connection: HTTPConnection) -> bool:
        path = connection.scope["path"]
        if connection.scope["type"] != "http":
            return False
        if path in OPEN_PATHS:
            return True
        return connection.scope["method"] in ("GET", "HEAD") and self._page.holds(path)

    def _is_foreign(self, connection: HTTPConnection, *, by_cookie: bool) -> bool:
        """True when a page of another origin asks in the name of its reader.

        Without a cookie only what changes something is judged: pages of other sites get to read
        nothing, by the browser's own rule.
        """
        headers = connection.headers
        unsafe = connection.scope.get("method") not in SAFE
        if not (unsafe or by_cookie):
            return False
        origin = headers.get("origin")
        if origin is None:
            cross_site = headers.get("sec-fetch-site") == "cross-site"
            return cross_site or (by_cookie and unsafe)
        if origin.partition("://")[2].lower() == headers.get("host", "").lower():
            return headers.get("sec-fetch-site") == "cross-site"
        allowed = not by_cookie and (
            origin in self._foreign_origins or "*" in self._foreign_origins
        )
        return not allowed


def unauthorized(sentence: str, errors: Sequence[Mapping[str, str]] | None = None) -> Response:
    """The answer to who has no token, or a wrong one."""
    return problem(
        HTTPStatus.UNAUTHORIZED, sentence, errors, headers={"WWW-Authenticate": "Bearer"}
    )
