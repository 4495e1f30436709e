"""What people do at the page, in a real Chromium against the real services."""

from __future__ import annotations

import random
import time
from typing import Any, Literal

import httpx
import pytest
from page_driver import (
    Tabs,
    chart_label,
    control,
    download_csv,
    labels,
    newest_card,
    painted,
    points,
    press_run,
    read_chart,
    run_id,
    said_against,
    set_fields,
    status,
    violations,
    wait_for_points,
    wait_for_status,
)
from playwright.sync_api import Route, expect

pytestmark = pytest.mark.browser

# Long enough to be watched, and to be left and found again, while it runs.
SLOW = {"ensemble_size": "100", "end_time": "400"}
SLOW_POINTS = 1334  # 4,001 steps, thinned to at most 2,000
ENDLESS = {"ensemble_size": "200", "lorenz96_n": "400", "end_time": "2000"}


def get_run(tabs: Tabs, run: str) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(f"{tabs.base}/api/runs/{run}").raise_for_status().json()
    return answer


def wait_for_one_viewer(tabs: Tabs) -> None:
    """Until the server serves one stream of one run: those of earlier tests may take a moment."""
    found = "no metric"
    for _ in range(50):
        lines = httpx.get(f"{tabs.base}/metrics").text.splitlines()
        found = next(line for line in lines if line.startswith("learnda_viewers "))
        if float(found.split()[1]) == 1:
            return
        time.sleep(0.1)
    pytest.fail(found)


def test_the_seed_example_is_one_press_away(tabs: Tabs) -> None:
    page = tabs.open()
    assert labels(page) == ["EnKF", "LETKF (r = 2)"]
    press_run(page)
    card = newest_card(page)
    wait_for_status(card, "completed")

    enkf, letkf = card.locator("li[data-method]").all()
    expect(enkf.locator(".badge")).to_contain_text("diverged at step")
    expect(letkf.locator(".badge")).to_have_text("✓completed")
    wait_for_points(card, 101)

    metrics = get_run(tabs, run_id(card))["methods"]["m2"]["metrics"]
    cells = {
        cell.get_attribute("data-metric"): cell.inner_text()
        for cell in card.locator('tr[data-method="m2"] td').all()
    }
    for name in ("rmse_background", "spread_analysis", "crps_analysis", "mean", "min", "final"):
        assert float(cells[name]) == pytest.approx(metrics[name], rel=0.01)
    mean, error = cells["rmse_analysis"].split(" ± ")
    assert float(mean) == pytest.approx(metrics["rmse_analysis"], rel=0.01)
    assert float(error) == pytest.approx(metrics["rmse_analysis_se"], rel=0.1)
    assert "–" not in cells.values()


def test_choose_run_watch_reload_and_export(tabs: Tabs) -> None:
    tabs.expected = ["willReadFrequently"]  # said of this test's own look at the canvas
    page = tabs.open()
    page.get_by_role("button", name="Add ETKF").click()
    page.get_by_label("Label of this instance").last.fill("Mine")
    page.get_by_role("button", name="Move Mine up").click()
    page.get_by_role("button", name="Remove EnKF").click()
    control(page, "m3.params.rotate").check()
    assert labels(page) == ["Mine", "LETKF (r = 2)"]
    set_fields(page, **SLOW, seed="12")
    press_run(page)

    card = newest_card(page)
    wait_for_status(card, "running")
    expect(card.locator('td[data-metric="rmse_analysis"]').first).to_have_text("–")
    wait_for_points(card)
    before, coloured = points(card), painted(card)
    page.wait_for_timeout(400)
    assert points(card) > before
    assert painted(card) > coloured

    run = run_id(card)
    page.reload()
    card = newest_card(page)
    expect(status(card)).to_be_visible()
    assert run_id(card) == run
    assert get_run(tabs, run)["status"] == "running", "make it slower: the reload came too late"
    wait_for_status(card, "completed")
    wait_for_points(card, SLOW_POINTS)
    assert page.evaluate("window.shifted") < 0.02

    name, rows = download_csv(card)
    assert name == f"teda_run_{run[:8]}.csv"
    assert [(row["label"], int(row["step"])) for row in rows] == [
        (label, step) for label in ("Mine", "LETKF (r = 2)") for step in range(4001)
    ]
    time, values = read_chart(card, 0.6)
    for label, (analysis, background) in values.items():
        row = next(r for r in rows if r["label"] == label and float(r["t"]) == pytest.approx(time))
        assert analysis == pytest.approx(float(row["error_a"]), rel=1e-2)
        assert background == pytest.approx(float(row["error_b"]), rel=1e-2)
    assert get_run(tabs, run)["request"]["methods"][0]["params"]["rotate"] is True


def test_the_page_says_what_a_run_waits_for(tabs: Tabs) -> None:
    page = tabs.open()
    set_fields(page, lorenz96_n=str(random.randrange(100, 1000)))  # hardly ever compiled before
    press_run(page)
    card = newest_card(page)
    waiting = card.locator(".compiling")
    waiting.wait_for()
    assert waiting.inner_text().startswith("Compiling ")
    wait_for_status(card, "completed")
    expect(waiting).to_have_count(0)
    page.reload()  # what its events tell again
    wait_for_points(newest_card(page), 101)
    expect(waiting).to_have_count(0)
    assert page.evaluate("window.shifted") < 0.02


def test_one_of_many_methods_is_found(tabs: Tabs) -> None:
    local = ["letkf", *(f"local-{i}" for i in range(6))]
    baselines = [f"line-{i}" for i in range(6)]
    names = ["enkf", "etkf", *local, *baselines]
    listing = httpx.get(f"{tabs.base}/api/methods").json()
    for key in ("schema", "defaults", "help"):
        listing[key] = {name: listing[key].get(name, listing[key]["etkf"]) for name in names}
    listing |= {"methods": names, "requires_model": local, "baselines": baselines}
    tabs.context.route("**/api/methods", lambda route: route.fulfill(json=listing))

    page = tabs.open()
    groups = page.locator(".group")
    expect(groups.locator("button")).to_have_text(["EnKF", "ETKF", "LETKF"])
    page.get_by_role("button", name="More methods (12)").press("Enter")
    expect(groups.locator("button")).to_have_count(15)
    expect(page.get_by_role("group", name="Baselines").locator("button")).to_have_count(6)
    assert violations(page) == []

    search = page.get_by_label("Find a method")
    search.fill("loc 5")
    expect(groups.locator("button")).to_have_text(["local-5"])
    search.press("Enter")
    expect(search).to_have_value("")
    assert labels(page) == ["EnKF", "LETKF (r = 2)", "local-5"]
    search.fill("none of them")
    expect(page.get_by_text("No method has that")).to_be_visible()
    assert violations(page) == []
    expect(page.locator("article.run")).to_have_count(0)


def test_what_is_observed_and_forecast_is_stated_and_comes_back(tabs: Tabs) -> None:
    page = tabs.open()
    page.get_by_text("More settings").click()
    control(page, "obs_error").select_option("student")
    expect(control(page, "obs_error_correlation")).to_have_count(0)
    set_fields(page, obs_error_dof="4", forecast_F="8.25", forecast_leads="3", end_time="1")
    set_fields(page, std_obs_sites=", ".join(["0.5", "1"] * 20))
    expect(control(page, "std_obs")).to_have_count(0)
    press_run(page)
    card = newest_card(page)
    request = get_run(tabs, run_id(card))["request"]
    assert request["std_obs_sites"] == [0.5, 1.0] * 20
    assert (request["obs_error"], request["obs_error_dof"]) == ("student", 4.0)
    expect(card).to_contain_text("Forecast F: 8.25")
    wait_for_status(card, "completed")

    page.get_by_role("button", name="Start over").click()
    expect(control(page, "std_obs")).to_have_value("0.01")
    card.get_by_role("button", name="Edit as new").click()
    expect(control(page, "obs_error_dof")).to_have_value("4")
    expect(control(page, "forecast_leads")).to_have_value("3")
    press_run(page)
    expect(page.locator("article.run")).to_have_count(2)
    assert get_run(tabs, run_id(newest_card(page)))["request"] == request


def test_diagnostics_are_drawn_when_they_are_opened(tabs: Tabs) -> None:
    tabs.expected = ["ERR_FAILED"]
    tabs.context.add_init_script("delete window.SharedWorker")  # its requests cannot be routed
    told = {
        "rank_histogram": [4] + [1] * 19 + [4],
        "spread_skill": {
            "edges": [0.1, 1, None],
            "counts": [0, 50, 50],
            "spread": [None, 0.5, 2],
            "error": [None, 1, 2],
        },
        "lead_rmse": [0.1, 0.2, 0.4],
    }

    def with_diagnostics(route: Route) -> None:
        run = route.fetch().json()
        for method in run["methods"].values():
            method["diagnostics"] = told if method["status"] != "running" else None
        route.fulfill(json=run)

    page = tabs.open()
    press_run(page)
    card = newest_card(page)
    wait_for_status(card, "completed")
    page.route(f"**/api/runs/{run_id(card)}", with_diagnostics)
    page.route("**/api/events?*", lambda route: route.abort())  # they tell the run's own
    page.reload()
    wait_for_status(card, "completed")
    expect(card.locator("[data-diagnostics]")).to_have_count(0)
    card.get_by_text("Diagnostics", exact=True).click()
    figures = card.locator('[data-diagnostics="m2"] figure')
    expect(figures).to_have_count(3)
    expect(figures.nth(0)).to_contain_text("in 30 % of the cases; 9.5 % would be reliable")
    expect(figures.nth(1)).to_contain_text("1.0 to 2.0 times the spread")
    expect(figures.nth(2)).to_contain_text("From 0.100 at 1 to 0.400 at 3 cycles ahead")
    link = card.get_by_role("link", name="Diagnostics CSV")
    assert (link.get_attribute("href") or "").endswith(f"{run_id(card)}/diagnostics.csv")
    assert violations(page) == []


def test_a_refused_value_is_explained_where_it_stands(tabs: Tabs) -> None:
    tabs.expected = ["status of 422"]  # Chromium's own line about the answer
    page = tabs.open()
    set_fields(page, ensemble_size="1")
    control(page, "m2.params.r").fill("-1")
    page.get_by_text("More settings").click()
    set_fields(page, dt="0.03")
    page.get_by_text("More settings").click()
    press_run(page)

    for path in ("ensemble_size", "m2.params.r", "dt"):
        expect(said_against(page, path)).to_be_visible()
        assert control(page, path).get_attribute("aria-invalid") == "true"
    expect(page.locator(".error:visible")).to_have_count(3)
    expect(page.get_by_text("3 values need attention")).to_be_visible()
    expect(control(page, "ensemble_size")).to_be_focused()
    expect(page.locator("article.run")).to_have_count(0)

    set_fields(page, ensemble_size="20", dt="0.05")
    control(page, "m2.params.r").fill("3")
    expect(page.locator(".error:visible")).to_have_count(0)
    set_fields(page, std_obs="small")
    press_run(page)
    expect(said_against(page, "std_obs")).to_have_text("Enter a number.")
    set_fields(page, std_obs="1,000")
    press_run(page)
    expect(said_against(page, "std_obs")).to_contain_text("write thousands without a comma (1000)")
    set_fields(page, std_obs="0,010")
    press_run(page)
    wait_for_status(newest_card(page), "completed")
    expect(page.get_by_text("need attention")).to_have_count(0)


def test_case_10_seven_tabs_watch_and_a_post_goes_through(tabs: Tabs) -> None:
    first = tabs.open()
    set_fields(first, **ENDLESS)
    press_run(first)
    card = newest_card(first)
    wait_for_status(card, "running")
    # a stream of its own in each tab would take all six connections that a browser opens
    others = [tabs.open(f"/?run={run_id(card)}") for _ in range(6)]
    for page in others:
        wait_for_points(newest_card(page))
    wait_for_one_viewer(tabs)

    last = others[-1]
    set_fields(last, ensemble_size="20", lorenz96_n="40", end_time="1")
    with last.expect_response(lambda r: r.request.method == "POST") as posted:
        press_run(last)
    assert posted.value.status == 200
    wait_for_status(newest_card(last), "completed")
    wait_for_points(newest_card(last), 11)

    watching = [card, *(newest_card(page) for page in others[:-1])]
    watching.append(last.locator("article.run").nth(1))
    seen = [chart_label(one) for one in watching]
    for one, label in zip(watching, seen, strict=True):
        expect(one.locator(".chart")).not_to_have_attribute("aria-label", label)
    others[1].locator("article.run").get_by_role("button", name="Cancel").click()
    for one in watching:
        wait_for_status(one, "cancelled")


def test_without_a_shared_worker_the_page_streams_by_itself(tabs: Tabs) -> None:
    tabs.context.add_init_script("delete window.SharedWorker")
    page = tabs.open()
    press_run(page)
    wait_for_status(newest_card(page), "completed")
    wait_for_points(newest_card(page), 101)


def test_case_23_labels_are_inert_on_the_page(tabs: Tabs) -> None:
    label = '<img src=x onerror="window.hacked = 1"><b>bold</b>{{1}}'
    page = tabs.open()
    page.get_by_label("Label of this instance").first.fill(label)
    press_run(page)
    card = newest_card(page)
    wait_for_status(card, "completed")
    page.reload()
    card = newest_card(page)
    wait_for_status(card, "completed")
    for place in (
        card.locator("li[data-method] .label"),
        card.locator('[data-method="m1"] th .label'),
    ):
        expect(place.first).to_have_text(label)
    expect(page.locator("li .labels").first).to_contain_text(label)
    # The page has a <b> of its own in the ring's key, once the states are there.
    assert page.locator('main img[src="x"]').count() == 0
    assert page.locator("main b").filter(has_text="bold").count() == 0
    assert page.evaluate("window.hacked") is None


def test_cancel_delete_and_earlier_runs(tabs: Tabs) -> None:
    page = tabs.open()
    set_fields(page, **ENDLESS)
    press_run(page)
    card = newest_card(page)
    run = run_id(card)
    wait_for_status(card, "running")
    card.get_by_role("button", name="Cancel").click()
    wait_for_status(card, "cancelled")

    card.get_by_role("button", name=f"Close run {run[:8]}").click()
    expect(page.locator("article.run")).to_have_count(0)
    assert "run=" not in page.url
    page.get_by_role("button", name=f"Open run {run[:8]}").click()
    card = newest_card(page)
    wait_for_status(card, "cancelled")
    assert run in page.url

    card.get_by_role("button", name="Delete").click()
    expect(card).to_be_visible()
    card.get_by_role("button", name="Delete for good?").click()
    expect(page.locator("article.run")).to_have_count(0)
    expect(page.get_by_role("button", name=f"Open run {run[:8]}")).to_have_count(0)
    assert httpx.get(f"{tabs.base}/api/runs/{run}").status_code == 404

    tabs.expected = ["status of 404"]
    page = tabs.open(f"/?run={run}")
    expect(newest_card(page)).to_contain_text("no longer on the server")


def test_settings_of_a_run_go_back_into_the_form(tabs: Tabs) -> None:
    page = tabs.open()
    set_fields(page, seed="77", lorenz96_F="7.5", m="20")
    press_run(page)
    card = newest_card(page)
    wait_for_status(card, "completed")
    first = get_run(tabs, run_id(card))

    page.get_by_role("button", name="Start over").click()
    expect(control(page, "seed")).to_have_value("")
    card.get_by_role("button", name="Edit as new").click()
    expect(control(page, "lorenz96_F")).to_have_value("7.5")
    press_run(page)
    expect(page.locator("article.run")).to_have_count(2)
    wait_for_status(newest_card(page), "completed")
    second = get_run(tabs, run_id(newest_card(page)))
    assert second["request"] == first["request"]
    for method in ("m1", "m2"):
        assert second["methods"][method]["metrics"] == first["methods"][method]["metrics"]


def test_by_keyboard_and_in_the_dark(tabs: Tabs) -> None:
    page = tabs.open()
    light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    toggle = page.get_by_role("button", name="Colours:")
    toggle.press("Enter")
    toggle.press("Enter")
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert dark != light
    page.reload()
    assert dark == page.evaluate("getComputedStyle(document.documentElement).backgroundColor")

    control(page, "ensemble_size").press("ArrowUp")
    expect(control(page, "ensemble_size")).to_have_value("21")
    page.get_by_role("button", name="Move EnKF down").press("Enter")
    assert labels(page) == ["LETKF (r = 2)", "EnKF"]
    page.get_by_role("button", name="How to cite").press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("TEDA")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    control(page, "ensemble_size").press("Enter")
    card = newest_card(page)
    wait_for_status(card, "completed")
    assert get_run(tabs, run_id(card))["request"]["ensemble_size"] == 21
    assert get_run(tabs, run_id(card))["request"]["methods"][0]["name"] == "letkf"


def test_a_run_within_its_burn_in_says_why_it_has_no_scores(tabs: Tabs) -> None:
    page = tabs.open()
    page.get_by_text("More settings").click()
    set_fields(page, end_time="2", burn_in="5")
    press_run(page)
    card = newest_card(page)
    wait_for_status(card, "completed")
    expect(card.locator("[data-verdict]")).to_have_text(
        "All cycles lie within the burn-in of 5: nothing is scored."
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_accessibility_violations(tabs: Tabs, scheme: Literal["light", "dark"]) -> None:
    tabs.expected = ["status of 422"]
    page = tabs.open()
    page.emulate_media(color_scheme=scheme)
    press_run(page)
    wait_for_status(newest_card(page), "completed")
    page.get_by_text("More settings").click()
    set_fields(page, ensemble_size="1")
    press_run(page)
    expect(said_against(page, "ensemble_size")).to_be_visible()
    assert violations(page) == []
    for name in ("Methods", "Learn", "How to cite"):
        page.get_by_role("button", name=name, exact=True).click()
        assert violations(page) == []
        page.keyboard.press("Escape")


def test_a_phone_has_no_sideways_scroll(tabs: Tabs) -> None:
    page = tabs.open()
    page.set_viewport_size({"width": 360, "height": 740})
    press_run(page)
    wait_for_status(newest_card(page), "completed")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
