"""A server that needs a token, in a real Chromium; and what the page's policy lets it load."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from gateway_process import GatewayProcess
from page_driver import (
    Tabs,
    control,
    newest_card,
    press_run,
    run_id,
    set_fields,
    violations,
    wait_for_points,
    wait_for_status,
)
from playwright.sync_api import Browser, Page, Route, expect

from learnda.local import tokens

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("access") / "access.toml"


@pytest.fixture(scope="module")
def secret(file: Path) -> str:
    return tokens.add(file, "ada")


@pytest.fixture(scope="module")
def guarded(
    file: Path, secret: str, new_database: Callable[[], str], compute_address: str
) -> Iterator[str]:
    """A gateway that reads the file of tokens."""
    with GatewayProcess(new_database(), compute_address, LEARNDA_ACCESS_FILE=str(file)) as gateway:
        yield gateway.url


@pytest.fixture
def strangers(browser: Browser, guarded: str) -> Iterator[Tabs]:
    """A fresh profile at the guarded page."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = Tabs(context, guarded)
    opened.expected = ["status of 401"]  # Chromium's own line about the answer
    yield opened
    opened.check()
    context.close()


def sign_in(page: Page, secret: str) -> None:
    page.get_by_label("Token").fill(secret)
    page.get_by_label("Token").press("Enter")
    page.get_by_role("button", name="Run", exact=True).wait_for()


def stranger_at(tabs: Tabs) -> Page:
    page = tabs.context.new_page()
    page.goto(tabs.base)
    page.get_by_label("Token").wait_for()
    return page


def test_a_token_is_asked_for_once_and_the_page_goes_on(
    strangers: Tabs, secret: str, guarded: str
) -> None:
    page = stranger_at(strangers)
    token = page.get_by_label("Token")
    expect(token).to_be_focused()
    expect(page.get_by_role("button", name="Run", exact=True)).to_have_count(0)
    assert violations(page) == []
    token.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Enter your token.")
    token.fill("learnda_wrong")
    token.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The server does not know this token.")
    expect(token).to_have_attribute("aria-invalid", "true")
    expect(token).to_be_focused()
    assert violations(page) == []

    sign_in(page, secret)
    press_run(page)
    card = newest_card(page)
    wait_for_status(card, "completed")  # over the shared worker's stream, too
    wait_for_points(card, 101)
    run = run_id(card)
    with page.expect_download() as download:
        card.get_by_role("link", name="CSV", exact=True).click()
    assert Path(download.value.path()).read_bytes().startswith(b"run_id,")
    assert violations(page) == []

    (cookie,) = strangers.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("document.cookie") == ""
    stored = page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    assert secret not in stored + page.url + page.content()

    page.reload()
    wait_for_points(newest_card(page), 101)
    assert httpx.get(f"{guarded}/api/runs/{run}").status_code == 401

    other = strangers.open()
    page.get_by_role("button", name="Sign out ada").click()
    for tab in (page, other):
        tab.get_by_label("Token").wait_for()
        expect(tab.locator("article.run")).to_have_count(0)
    assert strangers.context.cookies() == []
    sign_in(other, secret)
    page.get_by_role("button", name="Run", exact=True).wait_for()  # signed in with the other


@pytest.mark.parametrize("shared", [True, False])
def test_a_session_that_ends_is_asked_for_again_and_nothing_is_lost(
    strangers: Tabs, secret: str, shared: bool
) -> None:
    if not shared:
        strangers.context.add_init_script("delete window.SharedWorker")
    page = stranger_at(strangers)
    sign_in(page, secret)
    set_fields(page, lorenz96_F="7.5", end_time="400", ensemble_size="100")
    page.get_by_text("More settings").click()
    control(page, "record_states").select_option("false")  # they would be asked for, and refused
    press_run(page)
    card = newest_card(page)
    wait_for_points(card)
    strangers.context.clear_cookies()
    set_fields(page, end_time="5")
    press_run(page)
    page.get_by_label("Token").wait_for()
    sign_in(page, secret)
    expect(page.locator("article.run")).to_have_count(2)  # the press of before
    wait_for_status(newest_card(page), "completed")
    wait_for_points(newest_card(page), 51)
    wait_for_status(page.locator("article.run").last, "completed")


def test_a_sweep_whose_stream_wants_a_token_goes_on_with_one(
    strangers: Tabs, secret: str, guarded: str
) -> None:
    page = stranger_at(strangers)
    sign_in(page, secret)
    body = {
        "request": {"end_time": 100_000.0, "methods": [{"id": "a", "name": "letkf"}]},
        "axes": [{"field": "methods.0.params.inf_fact", "values": [1.0, 1.1]}],
    }
    api = httpx.Client(base_url=guarded, headers={"Authorization": f"Bearer {secret}"})
    sweep = api.post("/api/sweeps", json=body).raise_for_status().json()["sweep_id"]

    def end_session(route: Route) -> None:
        strangers.context.clear_cookies()
        route.continue_()

    page.route(f"**/api/sweeps/{sweep}/events", end_session, times=1)
    page.goto(f"{guarded}/?sweep={sweep}")
    card = page.locator("[data-sweep]")
    page.get_by_label("Token").wait_for()
    expect(card.locator("[data-gone]")).to_have_count(0)
    sign_in(page, secret)
    expect(card.locator("path.own")).to_have_attribute("d", re.compile("L"), timeout=180_000)
    card.get_by_role("button", name="Cancel", exact=True).click()
    expect(card.locator("header .badge")).to_contain_text("cancelled")
    api.close()


def test_the_documentation_works_under_its_policy(strangers: Tabs, secret: str) -> None:
    strangers.expected.append("cdn.redoc.ly")  # ReDoc's own logo, which the policy keeps away
    page = stranger_at(strangers)
    sign_in(page, secret)
    page.goto(f"{strangers.base}/docs")
    operation = page.locator(".opblock", has_text="/api/methods")
    operation.get_by_role("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text("requires_model")
    page.goto(f"{strangers.base}/redoc")
    page.get_by_text("Queue a twin experiment").first.wait_for()


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc"])
def test_no_page_lets_scripts_stand_in_it(guarded: str, secret: str, path: str) -> None:
    answer = httpx.get(f"{guarded}{path}", headers={"Authorization": f"Bearer {secret}"})
    policy = answer.raise_for_status().headers["content-security-policy"]
    sources = next(part for part in policy.split("; ") if part.startswith("script-src")).split()
    assert "'self'" in sources
    assert all(source == "'self'" or source.startswith("'sha256-") for source in sources[1:])
