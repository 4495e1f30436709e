"""Take the README's picture of the page: the seed's example, run on a stack of its own.

`make screenshots`, or `python scripts/screenshots.py` with the page built and a Chromium on PATH or
in LEARNDA_CHROMIUM.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from learnda.local.temporary import temporary_stack

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "page.png"
MAX_BYTES = 300_000
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"]


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
    with temporary_stack(ROOT / ".cache" / "jax") as address:
        take_picture(address)
    size = PICTURE.stat().st_size
    if size > MAX_BYTES:
        sys.exit(f"{PICTURE.name} has {size} bytes, more than {MAX_BYTES}")
    print(f"{PICTURE.relative_to(ROOT)}: {size} bytes")
