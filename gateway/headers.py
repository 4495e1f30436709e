"""What every answer tells the browser: to guess nothing, to frame nothing, what a page may load."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COMMON: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
EVERYWHERE: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
DOCUMENTATION: Final = frozenset({"/docs", "/redoc", "/docs/oauth2-redirect"})
"""Pages of others' making: their styles stand in the page, and so do short scripts, which are let
run by their hashes."""

_INLINE_SCRIPT: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


class SecureHeaders:
    """Puts the headers on what has none of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        documentation = scope["path"] in DOCUMENTATION
        held: list[Message] = []

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                held.append(message)
                if documentation:
                    return  # the body comes first: it has the scripts
            if held:
                policy = _documentation(message.get("body", b"")) if documentation else EVERYWHERE
                start = held.pop()
                _put(MutableHeaders(scope=start), policy)
                await send(start)
                if start is message:
                    return
            await send(message)

        await self._app(scope, receive, with_headers)


def _put(headers: MutableHeaders, policy: dict[str, str]) -> None:
    for name, value in COMMON.items():
        headers.setdefault(name, value)
    text = "; ".join(f"{kind} {sources}" for kind, sources in policy.items())
    headers.setdefault("Content-Security-Policy", text)


def _documentation(body: bytes) -> dict[str, str]:
    hashes = "".join(f" {_source(script)}" for script in _INLINE_SCRIPT.findall(body))
    return {
        **EVERYWHERE,
        "script-src": f"'self'{hashes}",
        "style-src": "'self' 'unsafe-inline'",
        "worker-src": "'self' blob:",
    }


def _source(script: bytes) -> str:
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    return f"'sha256-{digest}'"
