"""What a run would cost, said before it is started."""

from __future__ import annotations

import json
import re

import pytest
from page_driver import (
    Tabs,
    control,
    newest_card,
    press_run,
    said_against,
    set_fields,
    violations,
    wait_for_status,
)
from playwright.sync_api import Locator, Page, Request, expect

pytestmark = pytest.mark.browser

FITS = re.compile(r"About [\d.]+ (ms|s|min|h|d) and [\d.]+ [kMGT]B of memory\.")


def cost(page: Page) -> Locator:
    """The lines above Run."""
    return page.locator("#run-cost")


def announced(page: Page) -> Locator:
    """What a screen reader is told by itself."""
    return page.locator('[aria-live="polite"][role="status"]')


def sites_asked_about(request: Request) -> int | None:
    """The sites in a question about a cost; None of another request."""
    if not request.url.endswith("/api/estimate"):
        return None
    sites: int = json.loads(request.post_data or "{}").get("lorenz96_n", 0)
    return sites


def place_of_run(page: Page) -> object:
    """Where the button is: what is said above it must not move it."""
    return page.get_by_role("button", name="Run", exact=True).bounding_box()


def test_the_cost_is_said_before_the_run_and_follows_the_form(tabs: Tabs) -> None:
    page = tabs.open()
    before = place_of_run(page)
    expect(cost(page)).to_have_text(FITS)
    asked: list[Request] = []
    page.on("request", lambda r: asked.append(r) if r.url.endswith("/api/estimate") else None)
    small = cost(page).text_content() or ""
    control(page, "lorenz96_n").fill("")
    with page.expect_request(lambda r: sites_asked_about(r) == 40000):
        control(page, "lorenz96_n").press_sequentially("40000", delay=20)
    expect(cost(page)).not_to_have_text(small)
    expect(cost(page)).to_have_text(FITS)
    assert len(asked) < len("40000")  # once it has rested, not at each key
    assert page.get_by_role("button", name="Run", exact=True).get_attribute(
        "aria-describedby"
    ) == cost(page).get_attribute("id")
    expect(announced(page)).to_have_text("")
    assert place_of_run(page) == before

    set_fields(page, lorenz96_n="40")
    expect(cost(page)).to_have_text(FITS)
    press_run(page)
    wait_for_status(newest_card(page), "completed")
    expect(cost(page)).to_contain_text("Judged by earlier runs here")


def test_what_is_too_large_is_said_with_its_limit_and_field(tabs: Tabs) -> None:
    tabs.expected = ["status of 422"]  # when it is run all the same
    page = tabs.open()
    expect(cost(page)).to_have_text(FITS)
    before = place_of_run(page)
    set_fields(page, lorenz96_n="1000000000")
    expect(cost(page)).to_contain_text("Too large:")
    expect(cost(page)).to_contain_text("of memory, at most 4.3 GB.")
    expect(cost(page)).to_contain_text("It would be refused; see: Sites n.")
    expect(announced(page)).to_contain_text("Too large")
    assert place_of_run(page) == before
    assert violations(page) == []

    press_run(page)
    expect(said_against(page, "lorenz96_n")).to_contain_text("bytes of memory")
    expect(page.locator("form .start [role=alert]")).to_have_text(
        re.compile(r"^\s*\d values need attention\.\s*$")
    )
    set_fields(page, lorenz96_n="40")
    expect(page.locator(".error:visible")).to_have_count(0)
    expect(page.get_by_text("need attention")).to_have_count(0)
    set_fields(page, end_time="10000000")
    expect(cost(page)).to_contain_text("see: Length.")
    page.get_by_label("Language").select_option("es")
    expect(cost(page)).to_contain_text("Demasiado grande:")
    set_fields(page, end_time="10")
    expect(cost(page)).to_contain_text("de memoria.")


def test_nothing_is_said_of_a_form_that_is_not_in_order(tabs: Tabs) -> None:
    """Nor is it an error: neither for the server nor in the browser's console."""
    page = tabs.open()
    before = place_of_run(page)
    answers: list[int] = []
    page.on(
        "response", lambda r: answers.append(r.status) if r.url.endswith("/api/estimate") else None
    )
    for field, wrong, right in (("std_obs", "small", "1"), ("ensemble_size", "1", "9")):
        expect(cost(page)).to_have_text(FITS)
        set_fields(page, **{field: wrong})
        expect(cost(page)).to_have_text("")
        assert place_of_run(page) == before
        set_fields(page, **{field: right})
    expect(cost(page)).to_have_text(FITS)
    assert set(answers) == {200, 204}


def test_a_server_that_does_not_answer_says_nothing(tabs: Tabs) -> None:
    tabs.expected = ["ERR_FAILED"]
    page = tabs.open()
    expect(cost(page)).to_have_text(FITS)
    page.route("**/api/estimate", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        set_fields(page, ensemble_size="30")
    expect(cost(page)).to_have_text("")
    page.unroute("**/api/estimate")
    set_fields(page, ensemble_size="31")
    expect(cost(page)).to_have_text(FITS)
