"""The page as a person handles it."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
WAIT_MS = 20_000
LONG_RUN_MS = 60_000

# Every layout shift that no click or key explains, largest sum over the page's life.
COUNT_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""

PAINTED = """(host) => {
  const canvas = host.querySelector("canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let coloured = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b, a] = data.subarray(i, i + 4);
    if (a > 128 && Math.max(r, g, b) - Math.min(r, g, b) > 60) coloured += 1;
  }
  return coloured;
}"""


class Tabs:
    """Tabs of one browser profile, and what went wrong in them."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.context = context
        self.base = base
        self.complaints: list[str] = []
        self.expected: list[str] = []
        """Patterns of complaints that a test provokes."""
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(COUNT_SHIFTS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(f"thrown: {error.error}"))
        context.on("request", lambda request: self._requested(request.url))

    def open(self, address: str = "/") -> Page:
        """A new tab, once its form is there."""
        page = self.context.new_page()
        page.goto(self.base + address)
        page.get_by_role("button", name="Run", exact=True).wait_for()
        return page

    def check(self) -> None:
        """Fail if a page complained, or asked another host for anything."""
        unexpected = [
            complaint
            for complaint in self.complaints
            if not any(re.search(pattern, complaint) for pattern in self.expected)
        ]
        assert not unexpected, unexpected

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _requested(self, url: str) -> None:
        parts = urlsplit(url)
        local = ("data", "blob", "about")
        if parts.scheme not in local and parts.netloc != urlsplit(self.base).netloc:
            self.complaints.append(f"request to another host: {url}")


def control(page: Page, path: str) -> Locator:
    """The input of a field (``m``), or of a parameter (``m2.params.r``)."""
    return page.locator(f'[data-control="{path}"]').locator("input, select")


def said_against(page: Page, path: str) -> Locator:
    """What stands beside a control that was refused."""
    return page.locator(f'[data-control="{path}"] .error')


def set_fields(page: Page, **texts: str) -> None:
    """Write into fields of the experiment."""
    for name, text in texts.items():
        control(page, name).fill(text)


def press_run(page: Page) -> None:
    """Press Run."""
    page.get_by_role("button", name="Run", exact=True).click()


def started_card(page: Page) -> Locator:
    """The card of the run that was just started. It takes the place of what was there; where the
    server takes longer to answer than a press excuses, that would count as a layout shift.
    """
    card = newest_card(page)
    card.wait_for()
    page.evaluate("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
    page.evaluate("window.shifted = 0")
    return card


def newest_card(page: Page) -> Locator:
    """The card on top."""
    return page.locator("article.run").first


def status(card: Locator) -> Locator:
    """The run's status; its methods have badges of their own."""
    return card.locator("header .badge")


def wait_for_status(card: Locator, name: str) -> None:
    """Until the run's badge says so."""
    expect(status(card)).to_contain_text(name, timeout=LONG_RUN_MS)


def run_id(card: Locator) -> str:
    """The run's id."""
    found = card.get_attribute("data-run")
    assert found
    return found


def chart_label(card: Locator) -> str:
    """What the chart tells a screen reader."""
    return card.locator(".chart").get_attribute("aria-label") or ""


def wait_for_points(card: Locator, count: int | None = None) -> None:
    """Until the chart shows something, or just so many times."""
    said = re.compile(r"at [1-9]\d* times" if count is None else rf"at {count} times")
    chart = card.locator(".chart")
    expect(chart).to_have_attribute("aria-label", said, timeout=LONG_RUN_MS)  # compiling, perhaps


def points(card: Locator) -> int:
    """Times that the chart shows."""
    label = chart_label(card)
    found = re.search(r"at (\d+) times", label)
    assert found, label
    return int(found[1])


def painted(card: Locator) -> int:
    """Coloured pixels on the chart: its curves."""
    return int(card.locator(".chart").evaluate(PAINTED))


def labels(page: Page) -> list[str]:
    """The labels on the form's tablets, as shown, in their order."""
    inputs = page.locator(".tablet input.label")
    return inputs.evaluate_all("(all) => all.map((e) => e.value || e.placeholder)")


def download_csv(card: Locator) -> tuple[str, list[dict[str, str]]]:
    """Name and rows of the file behind the card's CSV button."""
    with card.page.expect_download() as download:
        card.get_by_role("link", name="CSV", exact=True).click()
    text = Path(download.value.path()).read_bytes().decode()
    return download.value.suggested_filename, list(csv.DictReader(io.StringIO(text, newline="")))


def read_chart(card: Locator, part: float) -> tuple[float, dict[str, tuple[float, float]]]:
    """Point at the chart, ``part`` of its width from the left: time, and (analysis, background)."""
    over = card.locator(".chart .u-over")
    box = over.bounding_box()
    assert box
    over.hover(position={"x": box["width"] * part, "y": box["height"] / 2})
    time = card.locator(".legend .time")
    expect(time).to_contain_text("t = ")
    values = {}
    for entry in card.locator(".legend button").all():
        analysis, background = entry.locator(".value").all_inner_texts()
        pair = (float(analysis), float(background.strip("()")))
        values[entry.locator(".label").inner_text()] = pair
    return float(time.inner_text().removeprefix("t = ")), values


def violations(page: Page) -> list[str]:
    """What axe finds against the page as it stands.

    It is handed over as the debugger's own: the page's policy lets no foreign script in.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")["violations"]
    return [f"{v['id']}: {[node['html'] for node in v['nodes']]}" for v in found]
