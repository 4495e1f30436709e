"""Take the README's picture of the page: the seed's example, run on a stack of its own.

`make screenshots`, or `python scripts/screenshots.py` with the page built and a Chromium on PATH or
in LEARNDA_CHROMIUM.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

from learnda.local.services import free_port

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "page.png"
MAX_BYTES = 300_000
HOST = "127.0.0.1"
START_SECONDS = 120.0
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"]


@contextmanager
def stack() -> Iterator[str]:
    """The URL of a whole LEARN-DA, gone afterwards with all its data."""
    port = free_port(HOST)
    with tempfile.TemporaryDirectory(prefix="learn-da-picture-") as folder:
        settings = {
            "LEARNDA_DATA_DIR": folder,
            "LEARNDA_CACHE_DIR": str(ROOT / ".cache" / "jax"),
            "LEARNDA_PORT": str(port),
            "LEARNDA_COMPUTE_PORT": str(free_port(HOST)),
        }
        command = [sys.executable, "-m", "learnda.cli", "up"]
        up = subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL)
        try:
            url = f"http://{HOST}:{port}"
            wait_until_ready(url, up)
            yield url
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(30)


def wait_until_ready(url: str, up: subprocess.Popen[bytes]) -> None:
    """Until it can take a run."""
    deadline = time.monotonic() + START_SECONDS
    while up.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    sys.exit("LEARN-DA did not start")


def take_picture(url: str) -> None:
    """The page once the run on its form is completed."""
    chromium = os.environ.get("LEARNDA_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("no Chromium: install it, or name it in LEARNDA_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 960}, color_scheme="light")
        page.goto(url)
        page.locator('[data-control="seed"] input').fill("1")
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator("article.run header .badge.completed").wait_for(timeout=60_000)
        page.mouse.move(0, 0)
        page.wait_for_timeout(300)  # the last frame
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    with stack() as address:
        take_picture(address)
    size = PICTURE.stat().st_size
    if size > MAX_BYTES:
        sys.exit(f"{PICTURE.name} has {size} bytes, more than {MAX_BYTES}")
    print(f"{PICTURE.relative_to(ROOT)}: {size} bytes")
