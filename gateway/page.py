"""Serves the built page."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from starlette.responses import HTMLResponse, Response
from starlette.routing import Match, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOREVER: Final = "public, max-age=31536000, immutable"
ALWAYS_ASK: Final = "no-cache"

NOT_BUILT: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>LEARN-DA</title>
<body><h1>LEARN-DA</h1><p>The page is not built: run <code>make web</code>, then reload.</p>
<p>The API works: see its <a href="/docs">documentation</a>.</p></body></html>
"""


class PageRoute(Mount):
    """Takes what the page holds, and leaves the rest: a method that a route does not have is then
    told from an address that there is not.
    """

    def __init__(self, page: Page) -> None:
        super().__init__("/", page)
        self._page = page

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and self._page.holds(scope["path"]):
            return super().matches(scope)
        return Match.NONE, {}


class Page(StaticFiles):
    """Files under ``assets/`` carry a hash in their names and may be kept for ever."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, html=True, check_dir=False)
        self._index = folder / "index.html"

    def holds(self, path: str) -> bool:
        """True for the page itself and the files that it is built of."""
        if path == "/":
            return True
        try:
            _, found = self.lookup_path(self.get_path({"path": path}))
        except (OSError, ValueError):  # no name that a file could have
            return False
        return found is not None and stat.S_ISREG(found.st_mode)

    async def check_config(self) -> None:
        """The folder may come later."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path in (".", "index.html") and not self._index.is_file():
            return HTMLResponse(NOT_BUILT, headers={"Cache-Control": ALWAYS_ASK})
        response = await super().get_response(path, scope)
        hashed = path.split(os.sep)[0] == "assets"
        response.headers["Cache-Control"] = FOREVER if hashed else ALWAYS_ASK
        return response
