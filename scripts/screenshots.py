"""Take the README's pictures of the page: the seed's example and a sweep, on a stack of its own.

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
FOLDER = ROOT / "docs"
MAX_BYTES = 300_000
SWEEP = {
    "request": {
        "seed": 1,
        "std_obs": 0.5,
        "end_time": 50,
        "methods": [{"id": "m1", "name": "letkf", "label": "LETKF (r = 2)", "params": {"r": 2}}],
    },
    "axes": [
        {"field": "ensemble_size", "values": [4, 6, 8, 12, 16]},
        {"field": "methods.0.params.inf_fact", "values": [1.0, 1.02, 1.05, 1.1, 1.2, 1.4]},
    ],
}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"]


def take_pictures(url: str) -> list[Path]:
    """The page with the example's run, its states, and a sweep."""
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
        states = page.locator("[data-states]")
        states.locator("svg").wait_for()
        page.mouse.move(0, 0)
        page.wait_for_timeout(1000)  # the last frame
        page.evaluate("scrollTo(0, 0)")
        pictures = [FOLDER / "page.png", FOLDER / "states.png", FOLDER / "sweep.png"]
        page.screenshot(path=pictures[0])
        states.screenshot(path=pictures[1])
        made = page.request.post(f"{url}/api/sweeps", data=SWEEP).json()["sweep_id"]
        page.goto(f"{url}/?sweep={made}")
        page.locator("[data-sweep] header .badge.completed").wait_for(timeout=120_000)
        page.locator("[data-sweep]").screenshot(path=pictures[2])
        browser.close()
    return pictures


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with temporary_stack(ROOT / ".cache" / "jax") as address:
        taken = take_pictures(address)
    for picture in taken:
        size = picture.stat().st_size
        if size > MAX_BYTES:
            sys.exit(f"{picture.name} has {size} bytes, more than {MAX_BYTES}")
        print(f"{picture.relative_to(ROOT)}: {size} bytes")
