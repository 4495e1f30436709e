"""A sweep from the form to a cell as a run, to a figure, and to its end."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from page_driver import (
    WAIT_MS,
    Tabs,
    control,
    newest_card,
    set_fields,
    violations,
    wait_for_status,
)
from playwright.sync_api import Locator, Page, Route, expect

LONG_RUN_MS = 180_000
SVG = "{http://www.w3.org/2000/svg}"
METHOD = {"id": "m1", "name": "letkf", "label": "LETKF <b>é</b>", "params": {"r": 2}}
REQUEST: dict[str, Any] = {"seed": 4711, "end_time": 4.0, "std_obs": 0.5, "methods": [METHOD]}
MEMBERS = {"field": "ensemble_size", "values": [6, 12]}
INFLATION = {"field": "methods.0.params.inf_fact", "values": [1.0, 1.05, 1.1]}
PNG_SIZE = """async (png) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  return [image.width, image.height];
}"""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def api(stack: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack, timeout=30) as client:
        yield client


def start(api: httpx.Client, *axes: dict[str, Any], **fields: Any) -> str:
    """A sweep that has just begun."""
    body = {"request": REQUEST | fields, "axes": list(axes)}
    found: str = api.post("/api/sweeps", json=body).raise_for_status().json()["sweep_id"]
    return found


def finish(api: httpx.Client, *axes: dict[str, Any]) -> dict[str, Any]:
    """A sweep that is over."""
    made = start(api, *axes)
    with api.stream("GET", f"/api/sweeps/{made}/events", timeout=LONG_RUN_MS / 1000) as stream:
        stream.read()
    found: dict[str, Any] = api.get(f"/api/sweeps/{made}").raise_for_status().json()
    assert found["status"] == "completed"
    return found


@pytest.fixture(scope="module")
def over_two(api: httpx.Client) -> dict[str, Any]:
    return finish(api, MEMBERS, INFLATION)


def card_of(page: Page, sweep_id: str) -> Locator:
    return page.locator(f'[data-sweep="{sweep_id}"]')


def completed(page: Page, sweep_id: str) -> Locator:
    card = card_of(page, sweep_id)
    expect(card.locator("header .badge")).to_contain_text("completed", timeout=LONG_RUN_MS)
    return card


def best_of(sweep: dict[str, Any]) -> dict[str, Any]:
    held = [cell for cell in sweep["cells"] if cell["status"] == "completed"]
    found: dict[str, Any] = min(held, key=lambda cell: cell["metrics"]["rmse_analysis"])
    return found


def vary(page: Page, place: int, setting: str, start: str, end: str, count: str) -> None:
    form = page.locator("form details", has_text="Vary a setting")
    form.get_by_label(("Vary", "and")[place], exact=True).select_option(setting)
    ranges = form.locator(".range").nth(place)
    for label, text in (("from", start), ("to", end), ("values", count)):
        ranges.get_by_label(label).fill(text)


def test_a_sweep_is_a_map_whose_cells_are_runs(tabs: Tabs) -> None:
    page = tabs.open()
    set_fields(page, seed="5", end_time="4", std_obs="0.5")
    page.get_by_text("Vary a setting (sweep)").click()
    page.locator("form details").get_by_label("Method", exact=True).select_option("LETKF (r = 2)")
    vary(page, 0, "Inflation", "1", "1.1", "3")
    vary(page, 1, "Members", "6", "12", "2")
    expect(page.get_by_text("6 cells")).to_be_visible()
    same = page.get_by_text("Every cell has the same truth.")
    expect(same).to_be_visible()
    vary(page, 1, "Seed", "1", "2", "2")
    expect(same).to_have_count(0)
    vary(page, 1, "Members", "6", "12", "2")
    page.get_by_role("button", name="Run sweep").click()
    sweep = page.locator("[data-sweep]")
    expect(sweep.locator("header .badge")).to_contain_text("completed", timeout=LONG_RUN_MS)
    cells = sweep.locator("tbody td button")
    assert cells.count() == 6
    for cell in cells.all():
        expect(cell).to_have_text(re.compile(r"\d"))
    assert len({cell.evaluate("e => e.style.background") for cell in cells.all()}) > 2
    expect(sweep.locator(".winner")).to_have_count(1)
    expect(sweep.locator(".note")).to_contain_text(re.compile("Best: Inflation = .*Members = "))
    assert f"sweep={sweep.get_attribute('data-sweep')}" in page.url

    page.reload()
    expect(sweep.locator(".winner")).to_have_count(1)
    rmse = sweep.locator(".winner .visually-hidden").inner_text().split()[1]
    sweep.locator(".winner").hover()
    expect(page.locator("article.run")).to_have_count(0)
    sweep.locator(".winner").click()
    card = newest_card(page)
    wait_for_status(card, "completed")
    expect(card.locator("table").first).to_contain_text(rmse)


def test_what_is_wrong_with_a_sweep_is_said(tabs: Tabs) -> None:
    tabs.expected.append("422")
    page = tabs.open()
    page.get_by_text("Vary a setting (sweep)").click()
    vary(page, 0, "Members", "1", "3", "3")
    page.get_by_role("button", name="Run sweep").click()
    alert = page.locator("form details").get_by_role("alert")
    expect(alert).to_contain_text("Members = 1 must be at least 2")
    vary(page, 0, "Members", "x", "3", "3")
    page.get_by_role("button", name="Run sweep").click()
    expect(alert).to_contain_text("A range needs two numbers")


# ---------------------------------------------------------------- a cell


def test_a_cell_shows_its_course_by_mouse_and_by_keyboard(
    tabs: Tabs, over_two: dict[str, Any]
) -> None:
    page = tabs.open(f"/?sweep={over_two['sweep_id']}")
    card = completed(page, over_two["sweep_id"])
    shown = card.locator("section[data-shown]")
    best = best_of(over_two)["cell"]
    expect(shown).to_have_attribute("data-shown", str(best))
    expect(shown.locator("path.best")).to_have_count(0)  # itself
    other = (best + 1) % 6
    card.locator(f'[data-cell="{other}"]').hover()
    expect(shown).to_have_attribute("data-shown", str(other))
    steps = len(over_two["cells"][other]["series"]["t"])
    assert steps > 10
    for curve in ("path.own", "path.best"):
        drawn = shown.locator(curve).get_attribute("d") or ""
        assert drawn.count("L") == steps - 1
    card.locator("h3").hover()
    expect(shown).to_have_attribute("data-shown", str(best))

    card.locator('[data-cell="0"]').focus()
    expect(shown.get_by_role("heading", level=4)).to_have_text("Members = 6, Inflation = 1")
    for key, expected in (
        ("ArrowRight", 1),
        ("ArrowDown", 4),
        ("End", 5),
        ("ArrowRight", 5),
        ("ArrowUp", 2),
        ("Home", 0),
        ("ArrowDown", 3),
    ):
        page.keyboard.press(key)
        expect(card.locator(f'[data-cell="{expected}"]')).to_be_focused()
        expect(shown).to_have_attribute("data-shown", str(expected))
    rmse = over_two["cells"][3]["metrics"]["rmse_analysis"]
    said = shown.locator(".words .numbers").inner_text()
    assert float(said.split()[1]) == pytest.approx(rmse, rel=0.01)
    expect(card.locator('[aria-current="true"]')).to_have_attribute("data-cell", "3")
    assert violations(page) == []
    for _ in range(3):  # out of the map, past the buttons of the figure
        page.keyboard.press("Tab")
    expect(shown.get_by_role("button", name="Open as a run")).to_be_focused()
    page.keyboard.press("Enter")
    wait_for_status(newest_card(page), "completed")
    expect(newest_card(page)).to_contain_text("12 members")


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_has_no_accessibility_violations(
    tabs: Tabs, over_two: dict[str, Any], scheme: Any, width: int
) -> None:
    page = tabs.open(f"/?sweep={over_two['sweep_id']}")
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    completed(page, over_two["sweep_id"])
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_cells_fill_while_they_are_computed(tabs: Tabs, api: httpx.Client) -> None:
    tabs.expected = ["status of 404"]
    made = start(api, INFLATION, end_time=4_000.0)
    page = tabs.open(f"/?sweep={made}")
    card = card_of(page, made)
    own = card.locator("path.own")
    expect(own).to_have_attribute("d", re.compile("L"), timeout=LONG_RUN_MS)
    before = (own.get_attribute("d") or "").count("L")
    page.wait_for_function(
        "([path, before]) => path.getAttribute('d').split('L').length > before + 2",
        arg=[own.element_handle(), before],
        timeout=LONG_RUN_MS,
    )
    api.delete(f"/api/sweeps/{made}").raise_for_status()


# ---------------------------------------------------------------- as a figure


def downloaded(card: Locator, figure: str, kind: str) -> tuple[str, bytes]:
    group = card.get_by_role("group", name=f"{figure} as a file")
    with card.page.expect_download() as download:
        group.get_by_role("button", name=kind, exact=True).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def texts_of(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def classes_of(root: ElementTree.Element) -> list[str]:
    return [element.get("class") or "" for element in root.iter()]


def check_png(page: Page, png: bytes, root: ElementTree.Element) -> None:
    size = page.evaluate(PNG_SIZE, base64.b64encode(png).decode())
    assert size == [2 * float(root.get(side) or 0) for side in ("width", "height")]


def test_the_map_is_taken_away(tabs: Tabs, over_two: dict[str, Any]) -> None:
    page = tabs.open(f"/?sweep={over_two['sweep_id']}")
    card = completed(page, over_two["sweep_id"])
    short = over_two["sweep_id"][:8]
    name, svg = downloaded(card, "Map of the RMSE", "SVG")
    assert name == f"learnda_sweep_{short}.svg"
    root = ElementTree.fromstring(svg)
    texts = texts_of(root)
    assert f"Sweep {short}: {METHOD['label']}" in texts
    assert {"Members", "Inflation", "6", "12", "1", "1.05", "1.1"} <= set(texts)
    assert "RMSE of the analysis (logarithmic)" in texts
    values = best_of(over_two)["values"]
    key = next(text for text in texts if text.startswith("Frame: best"))
    assert f"Members = {values[0]}, Inflation = {values[1]:g}, RMSE" in key
    assert any("seed 4711" in text for text in texts)
    assert (classes_of(root).count("cell"), classes_of(root).count("best")) == (6, 1)
    fills = [e.get("fill") for e in root.iter(f"{SVG}rect") if e.get("class") == "cell"]
    shown = card.locator("[data-cell]").evaluate_all(
        "(all) => all.map((e) => e.style.background.match(/\\d+/g).join(' '))"
    )
    assert [f"rgb({colour})" for colour in shown] == fills
    name, png = downloaded(card, "Map of the RMSE", "PNG")
    assert name == f"learnda_sweep_{short}.png"
    check_png(page, png, root)


def test_over_one_setting_it_is_a_curve(tabs: Tabs, api: httpx.Client) -> None:
    sweep = finish(api, {"field": "methods.0.params.r", "values": [2, 1, 4]})
    page = tabs.open(f"/?sweep={sweep['sweep_id']}")
    card = completed(page, sweep["sweep_id"])
    expect(card.locator(".curve circle:not(.ring), .curve path[d*='m']")).to_have_count(3)
    assert violations(page) == []
    _, svg = downloaded(card, "Curve of the RMSE", "SVG")
    root = ElementTree.fromstring(svg)
    texts = texts_of(root)
    assert any(text.endswith("(sites)") for text in texts), "the axis with its unit"
    assert "RMSE of the analysis" in texts
    assert any(text.startswith("Ring: best") for text in texts)
    line = next(e for e in root.iter(f"{SVG}path") if e.get("class") == "curve").get("d") or ""
    assert line.count("L") == 2
    assert (classes_of(root).count("error"), classes_of(root).count("best")) == (3, 1)
    check_png(page, downloaded(card, "Curve of the RMSE", "PNG")[1], root)


# ---------------------------------------------------------------- found again, and gone


def test_its_address_says_what_it_was_and_runs_it_again(tabs: Tabs, api: httpx.Client) -> None:
    tabs.expected = ["status of 404"]
    sweep = finish(api, MEMBERS, INFLATION)
    page = tabs.open(f"/?sweep={sweep['sweep_id']}")
    completed(page, sweep["sweep_id"])
    page.wait_for_function("location.hash.includes('about=')")
    address = page.url.removeprefix(tabs.base)
    api.delete(f"/api/sweeps/{sweep['sweep_id']}").raise_for_status()

    page = tabs.open(address)
    card = card_of(page, sweep["sweep_id"])
    gone = card.locator("[data-gone]")
    expect(gone).to_contain_text("This sweep is no longer on this server. This was its request:")
    for said in (METHOD["label"], "seed 4711", "Members: 6, 12", "Inflation: 1, 1.05, 1.1"):
        expect(gone).to_contain_text(str(said))
    assert violations(page) == []
    gone.get_by_role("button", name="Edit as new").click()
    expect(control(page, "seed")).to_have_value("4711")
    page.reload()
    gone.get_by_role("button", name="Run again").click()
    expect(gone).to_have_count(0)
    again = page.locator("[data-sweep]").get_attribute("data-sweep") or ""
    assert again != sweep["sweep_id"]
    completed(page, again)
    assert f"sweep={again}" in page.url
    assert sweep["sweep_id"] not in page.url
    found = api.get(f"/api/sweeps/{again}").json()
    assert (found["request"], found["axes"]) == (sweep["request"], sweep["axes"])
    for one, other in zip(sweep["cells"], found["cells"], strict=True):
        assert one["metrics"] == other["metrics"]


def test_an_address_that_tells_nothing_of_it(tabs: Tabs) -> None:
    tabs.expected = ["status of 404"]
    page = tabs.open("/?sweep=nonsense#/?about=rVNBbtswEPyK")
    expect(card_of(page, "nonsense")).to_contain_text("does not exist (any longer)")
    expect(page.locator("[data-gone]")).to_have_count(0)


def test_sweeps_are_listed_found_opened_and_deleted(
    tabs: Tabs, api: httpx.Client, over_two: dict[str, Any]
) -> None:
    made = start(api, INFLATION)
    page = tabs.open()
    listed = page.locator(f'[data-listed-sweep="{made}"]')
    expect(listed).to_contain_text("Inflation · 3 cells")
    other = page.locator(f'[data-listed-sweep="{over_two["sweep_id"]}"]')
    search = page.get_by_role("searchbox", name="Find in names")
    search.fill(f"{made[:8]} letkf")
    expect(other).to_have_count(0)
    expect(listed).to_have_count(1)
    search.fill(over_two["sweep_id"][:8])
    expect(other).to_contain_text("Members × Inflation · 6 cells")
    expect(listed).to_have_count(0)
    assert violations(page) == []
    other.get_by_role("button", name="Open sweep").click()
    completed(page, over_two["sweep_id"])
    expect(other.get_by_role("button", name="Open sweep")).to_be_disabled()

    search.fill("")
    listed.get_by_role("button", name="Open sweep").click()
    expect(card_of(page, made)).to_have_count(1)
    listed.get_by_role("button", name=f"Delete sweep {made[:8]}").click()
    listed.get_by_role("button", name="Sure?").click()
    expect(listed).to_have_count(0)
    expect(card_of(page, made)).to_have_count(0)
    assert api.get(f"/api/sweeps/{made}").status_code == 404


def test_one_is_named_found_and_kept(tabs: Tabs, api: httpx.Client) -> None:
    made = start(api, INFLATION)
    page = tabs.open(f"/?sweep={made}")
    card = completed(page, made)
    expect(card).to_contain_text("This sweep is deleted 24 hours after its end")
    card.get_by_role("button", name=f"Name, note, keep: sweep {made[:8]}").press("Enter")
    card.get_by_label("Name", exact=True).fill("Inflation of the class")
    card.get_by_label("Note").fill("Why is 1.0 lost?")
    card.get_by_role("button", name="Save").click()
    expect(card.get_by_role("heading", name="Inflation of the class")).to_be_visible()
    expect(card).to_contain_text("This sweep is kept for good")
    expect(card).to_contain_text("Why is 1.0 lost?")
    assert violations(page) == []

    page.reload()
    expect(card.get_by_role("heading", name="Inflation of the class")).to_be_visible()
    page.get_by_role("searchbox", name="Find in names").fill("of the class")
    expect(page.locator("[data-listed-sweep]")).to_have_count(1)
    expect(page.locator(f'[data-listed-sweep="{made}"]')).to_contain_text("Inflation of the class")
    assert api.get(f"/api/sweeps/{made}").json()["note"] == "Why is 1.0 lost?"


@pytest.mark.parametrize("followed", [True, False])
def test_one_that_is_deleted_elsewhere_is_gone(
    tabs: Tabs, api: httpx.Client, followed: bool
) -> None:
    """While its stream is read, or just before it is opened."""
    tabs.expected = ["status of 404"]
    made = start(api, INFLATION, end_time=100_000.0)

    def delete() -> None:
        api.delete(f"/api/sweeps/{made}").raise_for_status()

    def open_late(route: Route) -> None:
        delete()
        route.continue_()

    if not followed:
        tabs.context.route(f"**/api/sweeps/{made}/events", open_late)
    page = tabs.open(f"/?sweep={made}")
    card = card_of(page, made)
    if followed:
        expect(card.locator("path.own")).to_have_attribute(
            "d", re.compile("L"), timeout=LONG_RUN_MS
        )
        delete()
    gone = card.locator("[data-gone]")
    expect(gone).to_contain_text("Inflation: 1, 1.05, 1.1", timeout=WAIT_MS)
