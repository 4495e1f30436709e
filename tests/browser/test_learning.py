"""Starting from something known, and in another language."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
from page_driver import (
    Tabs,
    control,
    labels,
    newest_card,
    press_run,
    run_id,
    set_fields,
    started_card,
    violations,
    wait_for_points,
    wait_for_status,
)
from playwright.sync_api import Browser, Locator, Page, Route, expect

pytestmark = pytest.mark.browser

WEB = Path(__file__).parents[2] / "web"

# What is written on canvases within the box that was filled before it.
KEEP_WRITTEN = """
window.written = [];
let box = [0, 0];
const { fillText, fillRect } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.fillRect = function (left, top, width, height) {
  box = [left, left + width];
  return fillRect.call(this, left, top, width, height);
};
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
  const width = this.measureText(text).width;
  const left = this.textAlign === "right" ? x - width : x;
  if (left >= box[0] && left + width <= box[1]) window.written.push(text);
  return fillText.call(this, text, x, y);
};
"""

# Texts and what is said in their place, but for what is marked as in the other language.
TEXTS = """(other) => {
  const texts = [];
  for (const element of document.querySelectorAll("body *")) {
    if (element.closest(`[lang=${other}], script, style, option`)) continue;
    for (const node of element.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) texts.push(node.data);
    }
    for (const name of ["aria-label", "placeholder"]) texts.push(element.getAttribute(name) ?? "");
  }
  return texts.map((text) => text.replace(/\\s+/g, " ").trim()).filter((text) => text !== "");
}"""


def choose(page: Page, name: str) -> None:
    """Take what is called so from the sheet of lessons and published settings."""
    page.get_by_role("button", name="Lessons and published settings").click()
    page.get_by_role("dialog").get_by_role("button", name=name).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def written(page: Page, width: int = 1430) -> set[str]:
    """What is written into the key of the chart when it is drawn anew, so wide."""
    page.evaluate("window.written.length = 0")
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(300)
    found = {text for text in page.evaluate("window.written") if ": " in text}  # no axis has one
    page.set_viewport_size({"width": 1440, "height": 900})
    return found


def told(card: Locator) -> Locator:
    """What a run of a lesson says was seen."""
    return card.locator("[data-lesson] .told [role=status]")


def test_a_published_number_is_drawn_into_the_chart_of_its_setting(tabs: Tabs) -> None:
    tabs.context.add_init_script(KEEP_WRITTEN)
    page = tabs.open()
    page.get_by_role("button", name="Lessons and published settings").click()
    assert violations(page) == []
    page.keyboard.press("Escape")

    choose(page, "Sakov & Oke 2008b, 40")
    assert labels(page) == ["EnKF (infl = 1.06)", "DEnKF (infl = 1.01)"]
    expect(control(page, "burn_in")).to_have_value("20")
    set_fields(page, replicates="1")  # a smaller sample of the same setting
    press_run(page)
    card = started_card(page)
    expect(card.get_by_label("RMSE", exact=True)).to_be_checked()
    wait_for_points(card)
    wait_for_status(card, "completed")
    for width in (1430, 390):
        assert written(page, width) == {"Sakov & Oke 2008b: 0.22", "Sakov & Oke 2008a: 0.18"}
    expect(card.locator("[data-reference]")).to_have_count(2)
    expect(card).to_contain_text("scored from t = 20 on")
    own = card.locator('[data-reference="m1"] .own').inner_text()
    assert float(own.removeprefix("this run ")) == pytest.approx(0.22, abs=0.03)
    assert page.evaluate("window.shifted") < 0.02

    held: list[Route] = []
    page.route("**/api/methods", lambda route: held.append(route))
    page.reload()
    page.wait_for_timeout(500)  # the run is there, what the numbers are known by is not
    card, table = newest_card(page), page.locator("article.run table").first
    before = table.bounding_box() if table.is_visible() else None
    held.pop().continue_()
    expect(card.locator("[data-reference]")).to_have_count(2)
    assert before in (None, table.bounding_box())
    wait_for_points(card)

    card.get_by_text("Spread", exact=True).first.click()
    assert written(page) == set()
    assert violations(page) == []

    control(page, "m1.params.inf_fact").fill("1.07")
    press_run(page)
    expect(page.locator("article.run")).to_have_count(2)
    expect(newest_card(page).locator("[data-reference]")).to_have_count(1)
    set_fields(page, std_obs="1.1")
    press_run(page)
    expect(page.locator("article.run")).to_have_count(3)
    expect(newest_card(page).locator("[data-reference]")).to_have_count(0)
    for run in page.locator("article.run").all()[:2]:
        httpx.post(f"{tabs.base}/api/runs/{run_id(run)}/cancel")


def test_a_lesson_says_what_to_watch_for_and_what_was_seen(tabs: Tabs) -> None:
    page = tabs.open()
    page.get_by_role("button", name="Why inflate").click()
    note = page.locator('form [data-lesson="inflate"]')
    expect(note).to_contain_text("Watch for the moment at which")
    press_run(page)
    card = started_card(page)
    expect(card.locator("[data-lesson]")).to_contain_text("Watch for the moment at which")
    wait_for_status(card, "completed")
    metrics = httpx.get(f"{tabs.base}/api/runs/{run_id(card)}").json()["methods"]
    lost = metrics["inflate-without"]["metrics"]["rmse_analysis"]
    expect(told(card)).to_contain_text("What you saw With inflation 1 the EnKF lost the truth")
    expect(told(card)).to_contain_text(f"RMSE {lost:.3g}")
    assert page.evaluate("window.shifted") < 0.02
    assert violations(page) == []

    page.reload()  # the lesson is known by the run alone, and the form is as it was
    expect(told(newest_card(page))).to_contain_text("What you saw")
    expect(note).to_be_visible()
    control(page, "inflate-without.params.inf_fact").fill("1.08")
    press_run(page)
    expect(page.locator("article.run")).to_have_count(2)
    expect(told(newest_card(page))).to_contain_text("Not this time With inflation 1.08")


def dictionary(language: str) -> dict[str, str]:
    """The texts of the page by key."""
    source = (WEB / f"src/i18n/{language}.ts").read_text("utf-8")
    found = re.findall(r'^  "([^"]+)":\s+("(?:[^"\\]|\\.)*"),$', source, re.MULTILINE)
    return {key: " ".join(json.loads(text).split()) for key, text in found}


def left_of(page: Page, language: str, other: str) -> list[str]:
    """Texts on the page that are the dictionary's in ``language`` and not in ``other``."""
    ours, theirs = dictionary(language), dictionary(other)
    assert len(ours) > 300
    patterns = [
        re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(text)))
        for key, text in ours.items()
        if text and text != theirs[key] and re.search("[a-z]{2}", re.sub(r"\{\w+\}", "", text))
    ]
    texts = page.evaluate(TEXTS, language)
    return [text for text in texts if any(pattern.fullmatch(text) for pattern in patterns)]


def test_in_spanish_nothing_is_left_in_english(tabs: Tabs) -> None:
    page = tabs.open()
    page.get_by_role("button", name="Why localise").click()
    press_run(page)
    card = newest_card(page)
    wait_for_status(card, "completed")
    expect(told(card)).to_contain_text("What you saw")
    assert left_of(page, "es", "en") == []
    page.get_by_text("More settings").click()
    page.get_by_label("Language").select_option("es")

    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(told(card)).to_contain_text("Con 10 miembros el ETKF perdió la verdad")
    assert left_of(page, "en", "es") == []
    listing = httpx.get(f"{tabs.base}/api/methods").json()["schema"]
    names = {parameter["label"] for method in listing.values() for parameter in method.values()}
    assert names.isdisjoint(page.evaluate(TEXTS, "en"))
    assert violations(page) == []

    page.reload()
    page.get_by_role("button", name="Ejecutar", exact=True).wait_for()
    page.get_by_label("Idioma").select_option("en")
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()
    assert left_of(page, "es", "en") == []


def test_the_language_is_at_first_the_browsers(browser: Browser, stack: str) -> None:
    context = browser.new_context(locale="es-CO", viewport={"width": 360, "height": 740})
    tabs = Tabs(context, stack)
    page = context.new_page()
    page.goto(stack)
    control(page, "inf_fact").fill("1,05")
    set_fields(page, end_time="2")
    page.get_by_role("button", name="Ejecutar", exact=True).click()
    card = newest_card(page)
    wait_for_status(card, "terminado")
    assert httpx.get(f"{stack}/api/runs/{run_id(card)}").json()["request"]["inf_fact"] == 1.05
    score = card.locator('tr[data-method="m2"] td[data-metric="rmse_background"]')
    expect(score).to_have_text(re.compile(r"^\d+,\d+$"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    tabs.check()
    context.close()
