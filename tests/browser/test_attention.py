"""What a press opens is brought into view, and has the focus."""

from __future__ import annotations

import httpx
import pytest
from page_driver import Tabs, newest_card, press_run, run_id, wait_for_status
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

DESKTOP, PHONE = (1280, 800), (390, 844)


def sized(tabs: Tabs, size: tuple[int, int], address: str = "/") -> Page:
    page = tabs.open(address)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    return page


def top(part: Locator) -> float:
    """From the top of the viewport."""
    found: float = part.evaluate("(e) => e.getBoundingClientRect().top")
    return found


def scrolled(page: Page) -> float:
    found: float = page.evaluate("scrollY")
    return found


def opened_run(page: Page) -> str:
    press_run(page)
    card = newest_card(page)
    wait_for_status(card, "completed")
    return run_id(card)


def listed(page: Page, run: str) -> Locator:
    """The button that opens an earlier run."""
    return page.locator(f'li[data-run="{run}"] button.open')


def test_a_run_opened_from_the_list_comes_into_view(tabs: Tabs) -> None:
    page = sized(tabs, DESKTOP)
    first, _ = opened_run(page), opened_run(page)
    old = page.locator(f'article[data-run="{first}"]')
    old.get_by_role("button", name="Close run").click()
    expect(page.locator("#runs")).to_be_focused()
    listed(page, first).scroll_into_view_if_needed()
    assert scrolled(page) > 500
    listed(page, first).click()
    expect(old).to_be_focused()
    header = page.locator("header").first.evaluate("(e) => e.getBoundingClientRect().bottom")
    assert header <= top(old) < 200


def test_run_brings_its_card_into_view_on_a_phone(tabs: Tabs) -> None:
    page = sized(tabs, PHONE)
    press_run(page)
    card = newest_card(page)
    expect(card).to_be_focused()
    assert 0 <= top(card) < 100
    wait_for_status(card, "completed")
    assert 0 <= top(card) < 100

    card.get_by_role("button", name="Edit as new").click()
    heading = page.locator("#form-title")
    expect(heading).to_be_focused()
    assert 0 <= top(heading) < 100

    page.get_by_role("button", name="Learn", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Why localise").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(heading).to_be_focused()


def test_beside_the_form_nothing_jumps_at_run(tabs: Tabs) -> None:
    page = sized(tabs, DESKTOP)
    opened_run(page)
    expect(newest_card(page)).to_be_focused()
    assert scrolled(page) == 0
    page.evaluate("scrollTo(0, 900)")
    newest_card(page).get_by_role("button", name="Edit as new").evaluate("(e) => e.click()")
    expect(page.locator("#form-title")).to_be_focused()
    assert scrolled(page) == 900


def test_the_focus_stays_with_the_runs_when_a_card_is_gone(tabs: Tabs) -> None:
    page = sized(tabs, DESKTOP)
    opened_run(page)
    card = newest_card(page)
    card.get_by_role("button", name="Delete", exact=True).click()
    card.get_by_text("Delete for good?").click()
    expect(page.locator("article.run")).to_have_count(0)
    expect(page.locator("#runs")).to_be_focused()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_what_an_address_opens_moves_nothing(tabs: Tabs, size: tuple[int, int]) -> None:
    """The form, a sweep and a run come one after the other."""
    page = sized(tabs, DESKTOP)
    run = opened_run(page)
    request = {"seed": 1, "methods": [{"id": "a", "name": "etkf"}]}
    axes = [
        {"field": "ensemble_size", "values": [10, 20]},
        {"field": "methods.0.params.inf_fact", "values": [1.0, 1.1, 1.2]},
    ]
    body = {"request": request, "axes": axes}
    sweep = httpx.post(f"{tabs.base}/api/sweeps", json=body).raise_for_status().json()["sweep_id"]
    with httpx.stream("GET", f"{tabs.base}/api/sweeps/{sweep}/events", timeout=60) as events:
        events.read()  # to its end

    page = tabs.context.new_page()
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{tabs.base}/?run={run}&sweep={sweep}")
    expect(page.locator("article.sweep [data-cell]").first).to_be_attached()
    wait_for_status(newest_card(page), "completed")
    page.wait_for_timeout(500)
    assert page.evaluate("window.shifted") < 0.02
