"""The built page as files."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from gateway.page import Page


def client(folder: Path) -> httpx.AsyncClient:
    app = Starlette(routes=[Mount("/", Page(folder))])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page")


async def test_a_page_that_is_not_built_says_how(tmp_path: Path) -> None:
    async with client(tmp_path / "nothing") as browser:
        answer = await browser.get("/")
        assert answer.status_code == 200
        assert "make web" in answer.text


@pytest.mark.parametrize(
    ("path", "caching"),
    [
        ("/", "no-cache"),
        ("/favicon.svg", "no-cache"),
        ("/assets/app-1a2b.js", "public, max-age=31536000, immutable"),
    ],
)
async def test_only_hashed_names_are_kept_for_ever(tmp_path: Path, path: str, caching: str) -> None:
    (tmp_path / "assets").mkdir()
    for name in ("index.html", "favicon.svg", "assets/app-1a2b.js"):
        (tmp_path / name).write_text(name)
    async with client(tmp_path) as browser:
        answer = await browser.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == caching
        assert (await browser.get("/../secret")).status_code == 404
