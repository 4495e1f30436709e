"""The head of a run's card: it has its room at every width, and nothing in it moves anything."""

from __future__ import annotations

import re

import pytest
from page_driver import Tabs, newest_card, press_run, set_fields, wait_for_status
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.browser

WIDTHS = (390, 600, 768, 1000, 1100, 1280, 1400, 1920)
LONG = {"end_time": "300", "obs_freq": "0.05", "dt": "0.05"}


def tops(card: Locator) -> list[float]:
    """Where the parts of the card begin, from its own top."""
    found: list[float] = card.evaluate(
        """(card) => [...card.children].map(
          (part) => part.getBoundingClientRect().top - card.getBoundingClientRect().top)"""
    )
    return found


def places(card: Locator) -> list[list[float]]:
    """Left edges and widths of the actions."""
    found: list[list[float]] = card.locator(".actions").evaluate(
        """(row) => [...row.querySelectorAll("a, button.button")].map((action) => {
          const { left, width } = action.getBoundingClientRect();
          return [left, width];
        })"""
    )
    return found


def lines(card: Locator) -> list[int]:
    """How many of the actions stand on each line."""
    heights: list[float] = card.locator(".actions").evaluate(
        """(row) => [...row.querySelectorAll("a, button.button")].map(
          (action) => Math.round(action.getBoundingClientRect().top))"""
    )
    groups: list[list[float]] = []
    for height in sorted(heights):
        if not groups or height - groups[-1][0] > 8:
            groups.append([])
        groups[-1].append(height)
    return [len(group) for group in groups]


@pytest.mark.parametrize("language", ["English", "Español"])
def test_the_actions_take_a_line_or_two_at_every_width(tabs: Tabs, language: str) -> None:
    page = tabs.open()
    press_run(page)
    card = newest_card(page)
    wait_for_status(card, "completed")
    page.get_by_label("Language").select_option(label=language)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert lines(card) in ([7], [4, 3]), width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert lines(card) == [7]


@pytest.mark.parametrize("width", [390, 1280])
def test_the_end_of_a_run_moves_nothing_on_its_card(tabs: Tabs, width: int) -> None:
    page = tabs.open()
    page.set_viewport_size({"width": width, "height": 900})
    page.get_by_text("More settings").click()
    set_fields(page, **LONG)
    press_run(page)
    card = newest_card(page)
    wait_for_status(card, "running")
    expect(card.get_by_role("button", name="Cancel")).to_be_visible()
    running = tops(card)[:3]  # the head, the settings, the note
    wait_for_status(card, "completed")
    expect(card.get_by_role("button", name="Cancel")).to_have_count(0)
    assert tops(card)[:3] == pytest.approx(running, abs=0.5)


@pytest.mark.parametrize("width", [390, 1280])
def test_deleting_asks_once_more_in_the_room_that_is_there(tabs: Tabs, width: int) -> None:
    page = tabs.open()
    page.set_viewport_size({"width": width, "height": 900})
    press_run(page)
    card = newest_card(page)
    wait_for_status(card, "completed")
    parts, room = tops(card), places(card)
    card.get_by_role("button", name="Delete", exact=True).click()
    sure = card.get_by_text("Delete for good?")
    expect(sure).to_be_visible()
    assert (tops(card), places(card)) == (parts, room)
    box, whole = sure.bounding_box(), card.bounding_box()
    assert box
    assert whole
    assert whole["x"] <= box["x"]
    assert box["x"] + box["width"] <= whole["x"] + whole["width"]
    sure.click()
    expect(page.locator("article.run")).to_have_count(0)
    expect(page.get_by_text(re.compile("Nothing is running yet"))).to_be_visible()
