"""Seeing the assimilation: space-time diagrams and the ring."""

from __future__ import annotations

import re

import httpx
import pytest
from page_driver import Tabs, control, newest_card, press_run, set_fields, wait_for_status
from playwright.sync_api import Locator, Route, expect

pytestmark = pytest.mark.browser

COLOURED = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let clear = 0;
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] === 0) clear += 1;
    seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  }
  return [canvas.width, canvas.height, clear, seen.size];
}"""


def canvases(figures: Locator) -> list[list[int]]:
    """Width, height, clear pixels and colours of each diagram."""
    return [canvas.evaluate(COLOURED) for canvas in figures.locator("canvas").all()]


@pytest.mark.parametrize("width", [390, 1280])
def test_states_that_come_move_nothing(tabs: Tabs, width: int) -> None:
    page = tabs.open()
    page.set_viewport_size({"width": width, "height": 900})
    held: list[Route] = []
    page.route("**/states*", lambda route: held.append(route))
    press_run(page)
    card = newest_card(page)
    wait_for_status(card, "completed")
    states = card.locator("[data-states]")
    expect(states).to_contain_text("States come with the first cycles")
    before = states.bounding_box()
    expect(states.locator("path.member")).to_have_count(0)
    for route in held:
        route.continue_()
    expect(states.locator("path.member")).to_have_count(12)
    after = states.bounding_box()
    assert before
    assert after
    assert after["height"] == pytest.approx(before["height"], abs=0.5)


def test_a_run_that_ended_before_its_first_cycle_has_no_states(tabs: Tabs) -> None:
    methods = [{"id": "m1", "name": "letkf", "label": "LETKF"}]
    sizes = {"lorenz96_n": 43, "ensemble_size": 7, "end_time": 1000}
    body = {**sizes, "record_states": True, "methods": methods}
    run = httpx.post(f"{tabs.base}/api/runs", json=body).raise_for_status().json()["run_id"]
    httpx.post(f"{tabs.base}/api/runs/{run}/cancel").raise_for_status()  # while it is compiled
    page = tabs.open(f"/?run={run}")
    card = newest_card(page)
    wait_for_status(card, "cancelled")
    states = card.locator("[data-states]")
    expect(states).to_contain_text("There are no states: the run ended before any were kept.")
    expect(states).not_to_contain_text("States come with the first cycles")


def test_the_states_of_a_run_are_seen(tabs: Tabs) -> None:
    page = tabs.open()
    set_fields(page, seed="3")
    press_run(page)
    card = newest_card(page)
    wait_for_status(card, "completed")
    states = card.locator("[data-states]")
    time = states.locator("output")
    expect(time).to_have_text(re.compile("^10"))
    diagrams = canvases(states)
    assert [d[:3] for d in diagrams] == [[101, 40, 0]] * 4
    assert all(d[3] > 50 for d in diagrams[:3])
    ring = states.locator("svg")
    expect(ring).to_have_attribute("role", "img")
    assert ring.locator(".member").count() == 12
    assert ring.locator(".dot").count() == 32

    before = ring.locator("path.truth").get_attribute("d")
    states.get_by_label("Model time").fill("10")
    expect(time).to_have_text(re.compile(r"^1\.0"))
    expect(states.get_by_label("Follow the newest")).not_to_be_checked()
    assert ring.locator("path.truth").get_attribute("d") != before
    states.locator("canvas").first.click(position={"x": 3, "y": 20})
    expect(time).to_have_text(re.compile("^0"))

    states.get_by_label("Method").select_option("LETKF (r = 2)")
    expect(states.locator("p.visually-hidden")).to_contain_text("the analysis of LETKF")
    states.get_by_label("Follow the newest").check()
    expect(time).to_have_text(re.compile("^10"))
    sentence = states.locator("p.visually-hidden").inner_text()
    assert float(sentence.rsplit("RMSE ", 1)[1].rstrip(".")) < 0.1


def test_states_that_are_not_kept_are_not_shown(tabs: Tabs) -> None:
    page = tabs.open()
    page.get_by_text("More settings").click()
    control(page, "record_states").select_option("false")
    press_run(page)
    card = newest_card(page)
    wait_for_status(card, "completed")
    expect(card.locator("table").first).to_be_visible()
    expect(card.locator("[data-states]")).to_have_count(0)
