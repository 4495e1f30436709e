"""A real Chromium on the real stack. A test fails by what the browser complains of, too."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from page_driver import Tabs
from playwright.sync_api import Browser, sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium per module: Playwright's loop must not run on into tests that have one."""
    path = os.environ.get("LEARNDA_CHROMIUM") or shutil.which("chromium")
    assert path, "no Chromium: install it, or name it in LEARNDA_CHROMIUM"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def tabs(browser: Browser, stack: str) -> Iterator[Tabs]:
    """A fresh profile at the stack's page."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = Tabs(context, stack)
    yield opened
    opened.check()
    context.close()
