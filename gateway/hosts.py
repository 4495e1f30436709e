"""Answers only to its own names: a page elsewhere cannot make a name of its own point here."""

from __future__ import annotations

import re
from collections.abc import Collection
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.problems import problem

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_HOST: Final = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^:\[\]]+)(:[0-9]*)?")


class Hosts:
    """Refuses requests to other hosts than those named, the loopback, and the address they reached.

    Any port is right. ``*.example.org`` stands for all names below it, ``*`` for all names.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = LOOPBACK | {host_of(name) or unbracketed(name) for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._is_ours(scope):
            await self._app(scope, receive, send)
            return
        refusal = problem(
            HTTPStatus.BAD_REQUEST,
            "this host name is not one of this server's; LEARNDA_HOSTS lists them",
        )
        await refusal(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        sent = Headers(scope=scope).getlist("host")
        if "*" in self._names:
            return True
        if len(sent) != 1:
            return False
        host = host_of(sent[0])
        if host is None:
            return False
        reached = (scope.get("server") or ("",))[0]
        return host in self._names or host == reached or self._is_below(host)

    def _is_below(self, host: str) -> bool:
        return any(name.startswith("*.") and host.endswith(name[1:]) for name in self._names)


def host_of(header: str) -> str | None:
    """The name or address in a Host header, without its port; None where there is none."""
    found = _HOST.fullmatch(header.strip().lower())
    return unbracketed(found["host"]) if found else None


def unbracketed(host: str) -> str:
    """An address as it is, where a URL has it in brackets."""
    return host.removeprefix("[").removesuffix("]")
