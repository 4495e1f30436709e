"""What people do with runs that are over: rank, compare, find, keep, share, take away."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import grpc
import httpx
import pytest
from google.protobuf import json_format
from page_driver import (
    Tabs,
    control,
    newest_card,
    press_run,
    run_id,
    violations,
    wait_for_points,
    wait_for_status,
)
from playwright.sync_api import Locator, Page, expect

from learnda.v1 import assimilation_pb2 as pb
from learnda.v1 import assimilation_pb2_grpc as rpc

pytestmark = pytest.mark.browser

LABEL = """it's "mine" <b>$HOME</b> `id` é"""
METHODS = [
    {"id": "m1", "name": "letkf", "label": LABEL, "params": {"r": 2}},
    {"id": "m2", "name": "enkf", "label": "EnKF"},
    {"id": "m3", "name": "climatology", "label": "Climatology"},
    {"id": "m4", "name": "3dvar", "label": "3D-Var"},
]
COUNT_PIXELS = """async ([png, colour]) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const { width, height } = image;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    count += `rgb(${data[i]}, ${data[i + 1]}, ${data[i + 2]})` === colour;
  }
  return { width, height, count };
}"""
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def api(stack: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack, timeout=30) as client:
        yield client


def make_run(api: httpx.Client, **fields: Any) -> dict[str, Any]:
    """A run that is over."""
    body = {"seed": 1, "std_obs": 0.5, "end_time": 10.0, "methods": METHODS, **fields}
    run = api.post("/api/runs", json=body).raise_for_status().json()
    while run["status"] in ("queued", "running"):
        time.sleep(0.1)
        run = api.get(f"/api/runs/{run['run_id']}").raise_for_status().json()
    assert run["status"] == "completed"
    return dict(run)


def rows(place: Locator) -> list[str]:
    """Ids of the methods in the table of scores, from the top."""
    table = place.get_by_role("region", name="Scores of the methods")
    return table.locator("tbody tr").evaluate_all("(all) => all.map((e) => e.dataset.method)")


def cell(place: Locator, method: str, metric: str) -> str:
    return place.locator(f'tr[data-method="{method}"] td[data-metric="{metric}"]').inner_text()


def share(page: Page, what: str) -> str:
    """The text of a part of "Share and cite", which must be open."""
    return page.locator(f'[data-share="{what}"]').inner_text()


def legend_of(place: Locator, label: str) -> Locator:
    return place.locator(".legend").get_by_role("button", name=label)


def comparison(tabs: Tabs, *runs: dict[str, Any]) -> tuple[Page, Locator]:
    ids = [run["run_id"] for run in runs]
    page = tabs.open("/#/compare?" + "&".join(f"run={one}" for one in ids))
    found = page.locator("section.compare")
    expect(found).to_be_visible()
    return page, found


# ---------------------------------------------------------------- one run


def test_the_best_method_comes_first_and_is_named(tabs: Tabs, api: httpx.Client) -> None:
    run = make_run(api)
    page = tabs.open(f"/?run={run['run_id']}")
    card = newest_card(page)
    wait_for_points(card, 101)
    scores = {i: m["metrics"]["rmse_analysis"] for i, m in run["methods"].items()}
    expect(card.locator("tbody th .label").first).to_have_text(LABEL)
    assert rows(card) == sorted(scores, key=lambda i: scores[i])
    expect(card.locator("[data-verdict]")).to_contain_text(f"{LABEL} follows the truth best")
    expect(card.locator("[data-verdict]")).to_contain_text("the best baseline, 3D-Var")
    assert cell(card, "m1", "place") == "1"
    assert cell(card, "m4", "overBaseline") == "best one"
    over = 1 - scores["m1"] / scores["m4"]
    assert cell(card, "m1", "overBaseline") == f"+{100 * over:.0f} %"
    lost = run["methods"]["m2"]["diverged_step"]
    assert cell(card, "m2", "diverged") == f"× 1, at step {lost}"

    card.get_by_role("button", name="Time", exact=True).click()
    timed = {i: m["runtime_sec"] for i, m in run["methods"].items()}
    assert rows(card) == sorted(timed, key=lambda i: timed[i])
    card.get_by_role("button", name="Time", exact=True).press("Enter")
    assert rows(card) == sorted(timed, key=lambda i: -timed[i])
    heading = card.locator('th[aria-sort="descending"]')
    expect(heading).to_have_count(1)
    expect(heading).to_contain_text("Time")

    expect(card.locator("figure path[data-curve]")).to_have_count(4)
    expect(card.locator('figure rect[data-curve="m1"]')).to_have_count(1)
    assert page.locator("main b, main article img").count() == 0


def test_differences_below_their_standard_error_are_ties(tabs: Tabs, api: httpx.Client) -> None:
    methods = [{"id": k, "name": "letkf", "label": k, "params": {"r": r}} for k, r in TIED]
    run = make_run(api, methods=methods)
    metrics = [m["metrics"] for m in run["methods"].values()]
    assert abs(metrics[0]["rmse_analysis"] - metrics[1]["rmse_analysis"]) < max(
        m["rmse_analysis_se"] for m in metrics[:2]
    )
    card = newest_card(tabs.open(f"/?run={run['run_id']}"))
    expect(card.locator("[data-verdict]")).to_contain_text("A tie with")
    assert [cell(card, k, "place") for k, _ in TIED] == ["1, tie", "1, tie"]
    expect(card.locator('td[data-metric="overBaseline"]')).to_have_count(0)


TIED = [("a", 3.0), ("b", 4.0)]


def test_figures_are_taken_away_as_png_and_svg(tabs: Tabs, api: httpx.Client) -> None:
    run = make_run(api)
    short = run["run_id"][:8]
    page = tabs.open(f"/?run={run['run_id']}")
    card = newest_card(page)
    wait_for_points(card, 101)
    card.get_by_text("RMSE", exact=True).click()
    legend_of(card, "EnKF").click()

    name, svg = downloaded(card, "RMSE as a file", "SVG")
    assert name == f"learnda_{short}_rmse.svg"
    root = ElementTree.fromstring(svg)
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert f"Run {short}" in texts
    assert texts.count(LABEL) == 1
    assert "EnKF" not in texts, "what is hidden on the page is not in the figure"
    assert texts.count("Climatology") == 2, "in the legend, and on its level"
    curves = [e for e in root.iter(f"{SVG}path") if e.get("class") == "curve"]
    assert [(e.get("d") or "").count("L") for e in curves] == [100] * 4  # letkf has two
    assert len([e for e in root.iter(f"{SVG}path") if e.get("class") == "level"]) == 2

    name, png = downloaded(card, "RMSE as a file", "PNG")
    assert name == f"learnda_{short}_rmse.png"
    width, height, count = pixels(page, png, curves[1].get("stroke"))
    assert width == 2 * 960
    assert height == 2 * float(root.get("height") or 0)
    assert count > 1000, "the curve of the LETKF"

    for figure, kind in (("Scores at a glance", "path"), ("Improvement over", "rect")):
        _, svg = downloaded(card, figure, "SVG")
        root = ElementTree.fromstring(svg)
        drawn = [e for e in root.iter(f"{SVG}{kind}") if e.get("data-curve")]
        written = [element.text or "" for element in root.iter(f"{SVG}text")]
        assert any(short in text and figure in text for text in written[:2]), "its title"
        assert run["run_id"] in " ".join(written), "its source"
        if kind == "path":
            assert [written.count(name) for name in (LABEL, "EnKF")] == [1, 0], "its key"
        assert len(drawn) == 3
        assert all("rgb" in f"{e.get('fill')} {e.get('stroke')}" for e in drawn)
        colour = drawn[0].get("stroke" if kind == "path" else "fill")
        assert pixels(page, downloaded(card, figure, "PNG")[1], colour)[2] > 100


def downloaded(place: Locator, figure: str, kind: str) -> tuple[str, bytes]:
    group = place.get_by_role("group", name=figure)
    with place.page.expect_download() as download:
        group.get_by_role("button", name=kind, exact=True).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def pixels(page: Page, png: bytes, colour: str | None) -> tuple[int, int, int]:
    """Width, height, and how many pixels have just this colour."""
    found = page.evaluate(COUNT_PIXELS, [base64.b64encode(png).decode(), colour])
    return found["width"], found["height"], found["count"]


# ---------------------------------------------------------------- two runs


def test_two_runs_are_chosen_and_laid_over_each_other(tabs: Tabs, api: httpx.Client) -> None:
    first = make_run(api, methods=METHODS[:3])
    wider = [{**METHODS[0], "label": "wider", "params": {"r": 4}}, METHODS[1]]
    second = make_run(api, methods=wider, ensemble_size=30)
    page = tabs.open()
    for run in (second, first):
        page.get_by_label(f"Choose run {run['run_id'][:8]} to compare it").check()
    page.get_by_role("button", name="Compare 2 runs").click()
    assert f"#/compare?run={first['run_id']}&run={second['run_id']}" in page.url  # older first

    place = page.locator("section.compare")
    expect(place.locator('[data-fair="true"]')).to_contain_text("the comparison is fair")
    settings = place.get_by_role("region", name="Differences of the settings")
    assert [row.all_inner_texts() for row in cells_of(settings)] == [
        ["Members", "20", "30"],
        [f"{LABEL}: label", LABEL, "wider"],
        [f"{LABEL}: r", "2", "4"],
        ["Climatology (method)", "Climatology", "–"],
    ]
    expect(place.locator(".chart")).to_have_attribute("aria-label", re.compile("5 methods at 101"))
    expect(place.locator(".legend button")).to_contain_text(
        [f"A · {LABEL}", "A · EnKF", "A · Climatology", "B · wider", "B · EnKF"]
    )
    both = {"A": first, "B": second}
    scores = {
        f"{letter}.{i}": m["metrics"]["rmse_analysis"]
        for letter, run in both.items()
        for i, m in run["methods"].items()
    }
    assert rows(place) == sorted(scores, key=lambda i: scores[i])
    assert violations(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360

    page.get_by_role("button", name="Back to the runs").click()
    expect(page.get_by_role("button", name=f"Open run {first['run_id'][:8]}")).to_be_visible()
    page.go_back()
    expect(place).to_be_visible()


def cells_of(table: Locator) -> list[Locator]:
    return [row.locator("th, td") for row in table.locator("tbody tr").all()]


def test_another_truth_is_no_fair_comparison(tabs: Tabs, api: httpx.Client) -> None:
    first, second = make_run(api), make_run(api, seed=2, obs_freq=0.2)
    page, place = comparison(tabs, second, first)
    note = place.locator('[data-fair="false"]')
    expect(note).to_contain_text("Different experiments")
    expect(note).to_contain_text("differ in: Between analyses, Seed.")
    expect(place.locator(".chart")).to_have_attribute("aria-label", re.compile("8 methods at 101"))
    expect(place.locator("[data-verdict]")).to_have_count(0)
    expect(place.locator('td[data-metric="place"]')).to_have_count(0)
    assert [row[0] for row in rows(place)] == ["A"] * 4 + ["B"] * 4
    assert page.locator("h2#compare-title").inner_text() == "Comparison of 2 runs"


def test_an_address_restores_the_view(tabs: Tabs, api: httpx.Client) -> None:
    first, second = make_run(api), make_run(api, ensemble_size=30)
    page, place = comparison(tabs, first, second)
    expect(place.locator(".chart")).to_have_attribute("aria-label", re.compile("8 methods at 101"))
    place.get_by_text("Spread", exact=True).first.click()
    place.get_by_text("linear", exact=True).click()
    legend_of(place, "B · EnKF").click()
    place.get_by_role("button", name="CRPS", exact=True).click()
    expect(place.locator('th[aria-sort="ascending"]')).to_contain_text("CRPS")
    page.wait_for_function("location.hash.includes('about=')")
    page.wait_for_timeout(100)
    other = tabs.open("/" + page.url.removeprefix(tabs.base + "/"))
    place = other.locator("section.compare")
    expect(place.locator('th[aria-sort="ascending"]')).to_contain_text("CRPS")
    expect(place.get_by_role("radio", name="Spread")).to_be_checked()
    expect(place.get_by_role("radio", name="linear")).to_be_checked()
    expect(legend_of(place, "B · EnKF")).to_have_attribute("aria-pressed", "false")


# ---------------------------------------------------------------- found and kept


def test_a_run_is_named_found_and_kept(tabs: Tabs, api: httpx.Client) -> None:
    make_run(api)
    run = make_run(api, methods=METHODS[2:], end_time=1.0)
    short = run["run_id"][:8]
    page = tabs.open(f"/?run={run['run_id']}")
    card = newest_card(page)
    expect(card).to_contain_text("This run is deleted 24 hours after its end")
    card.get_by_role("button", name=f"Name, note, keep: run {short}").press("Enter")
    expect(card.get_by_label("Name", exact=True)).to_be_focused()
    name = f"Lecture {short} <i>x</i>"
    card.get_by_label("Name", exact=True).fill(name)
    expect(card).to_contain_text("This run is kept for good")
    card.get_by_label("Note", exact=True).fill("The reference")
    card.get_by_label("Name", exact=True).press("Enter")
    expect(card.get_by_role("heading", level=3)).to_have_text(name)
    kept = api.get(f"/api/runs/{run['run_id']}").json()
    assert (kept["name"], kept["note"], kept["shared"]) == (name, "The reference", False)

    listed = page.locator('section[aria-labelledby="history-title"]')
    search = listed.get_by_label("Find in names, notes and methods")
    for words in (f"lecture {short}", f"REFERENCE climatology {short}"):
        search.fill(words)
        expect(listed.locator("li")).to_have_count(1)
        expect(listed.locator("li")).to_contain_text(name)
        expect(listed.locator("li")).to_contain_text("kept")
    search.fill("nothing has this")
    expect(listed).to_contain_text("No run has that in its name, note or methods.")
    search.fill(short)

    listed.get_by_role("button", name=f"Name, note, keep: run {short}").click()
    listed.get_by_label("Name", exact=True).fill("")
    listed.get_by_label("Note", exact=True).fill(" ")
    listed.get_by_role("switch").check()
    assert violations(page) == []
    listed.get_by_role("button", name="Save").click()
    expect(listed.locator("form")).to_have_count(0)
    expect(card.get_by_role("heading", level=3)).to_have_text(f"Run {short}")
    kept = api.get(f"/api/runs/{run['run_id']}").json()
    assert (kept["name"], kept["note"], kept["shared"]) == (None, None, True)
    assert page.locator("main i").count() == 0


# ---------------------------------------------------------------- gone


def test_the_address_of_a_run_that_is_gone_says_what_it_was(tabs: Tabs, api: httpx.Client) -> None:
    tabs.expected = ["status of 404"]
    run = make_run(api, seed=4711, lorenz96_F=9.0)
    page = tabs.open(f"/?run={run['run_id']}")
    card = newest_card(page)
    card.get_by_role("button", name="Share and cite").click()
    expect(page.locator('[data-share="address"]')).to_contain_text("about=")
    address = share(page, "address")
    api.delete(f"/api/runs/{run['run_id']}").raise_for_status()

    page = tabs.open(address.removeprefix(tabs.base))
    gone = page.locator("[data-gone]")
    expect(gone).to_contain_text("This run is no longer on this server. This was its request:")
    expect(gone).to_contain_text("F = 9")
    expect(gone).to_contain_text("seed 4711")
    expect(gone).to_contain_text(LABEL)
    expect(control(page, "seed")).to_have_value("4711")
    expect(control(page, "lorenz96_F")).to_have_value("9")
    control(page, "std_obs").fill("0.25")
    page.reload()
    expect(gone).to_contain_text("Put it into the form")
    expect(control(page, "std_obs")).to_have_value("0.25")
    gone.get_by_role("button", name="Edit as new").click()
    expect(control(page, "std_obs")).to_have_value("0.5")
    press_run(page)
    expect(page.locator("article.run")).to_have_count(2)
    wait_for_status(newest_card(page), "completed")
    again = api.get(f"/api/runs/{run_id(newest_card(page))}").json()
    assert again["request"] == run["request"]
    for method in run["methods"]:
        assert again["methods"][method]["metrics"] == run["methods"][method]["metrics"]


def test_a_comparison_outlives_its_runs(tabs: Tabs, api: httpx.Client) -> None:
    tabs.expected = ["status of 404"]
    first, second = make_run(api), make_run(api, seed=2)
    page, place = comparison(tabs, first, second)
    page.wait_for_function("location.hash.includes('about=')")
    address = page.url.removeprefix(tabs.base)
    api.delete(f"/api/runs/{first['run_id']}").raise_for_status()
    page = tabs.open(address)
    place = page.locator("section.compare")
    expect(place.locator("[data-gone]")).to_have_count(1)
    expect(place.locator('[data-fair="false"]')).to_contain_text("differ in: Seed.")
    expect(place.locator(".chart")).to_have_attribute("aria-label", re.compile("4 methods at 101"))
    expect(control(page, "seed")).to_have_value("1")


def test_an_address_that_was_cut_does_no_harm(tabs: Tabs, api: httpx.Client) -> None:
    tabs.expected = ["status of 404"]
    page = tabs.open("/?run=nonsense#/?about=rVNBbtswEPyK")
    expect(newest_card(page)).to_contain_text("no longer on the server")
    expect(page.locator("[data-gone]")).to_have_count(0)


# ---------------------------------------------------------------- code and citation


def test_the_request_as_code_makes_the_same_run(
    tabs: Tabs, api: httpx.Client, compute_address: str
) -> None:
    run = make_run(api, initial="perturbed-truth", obs_sites=[0, 3, 6, 9], end_time=2.0)
    page = tabs.open(f"/?run={run['run_id']}")
    card = newest_card(page)
    wait_for_points(card, 21)
    with page.expect_download() as download:
        card.get_by_role("link", name="JSON", exact=True).click()
    assert download.value.suggested_filename == f"learnda_run_{run['run_id'][:8]}.json"
    assert json.loads(Path(download.value.path()).read_text()) == run

    card.get_by_role("button", name="Share and cite").click()
    posted = subprocess.run(["bash", "-c", share(page, "curl")], capture_output=True, check=True)
    made = [json.loads(posted.stdout)["run_id"]]

    page.get_by_text("Python", exact=True).click()
    printed = subprocess.run(
        [sys.executable, "-c", share(page, "python")], capture_output=True, check=True, text=True
    ).stdout
    for method in run["methods"].values():
        line = f"{method['label']} {method['status']} {method['metrics']['rmse_analysis']}"
        assert line in printed.splitlines()
    made.append(api.get("/api/runs?limit=1").json()["runs"][0]["run_id"])
    for one in made:
        assert api.get(f"/api/runs/{one}").json()["request"] == run["request"]

    page.get_by_text("gRPC", exact=True).click()
    text = share(page, "grpcurl")
    called = re.search(r"localhost:50051 (\S+) <<'JSON'\n(.*)\nJSON", text, re.DOTALL)
    assert called
    assert called[1] == "learnda.v1.AssimilationService/RunExperiment"
    message = json_format.Parse(called[2], pb.RunExperimentRequest())
    with grpc.insecure_channel(compute_address) as channel:
        for event in rpc.AssimilationServiceStub(channel).RunExperiment(message):
            if event.HasField("method_completed"):
                done = event.method_completed
                metrics = run["methods"][done.method_id]["metrics"]
                assert done.metrics.rmse_analysis == metrics["rmse_analysis"]
                made.append(done.method_id)
    assert len(made) == 2 + len(METHODS)


def test_a_citation_names_version_seed_and_papers(tabs: Tabs, api: httpx.Client) -> None:
    run = make_run(api, seed=123)
    page = tabs.open(f"/?run={run['run_id']}")
    newest_card(page).get_by_role("button", name="Share and cite").click()
    block = page.locator('[data-share="cite"]')
    version = run["server"]["versions"]["learn-da"]
    expect(block.locator("dl")).to_contain_text(f"LEARN-DA {version} (")
    papers = api.get("/api/methods").json()["references"]
    for method in METHODS:
        expect(block.locator("dl")).to_contain_text(papers[str(method["name"])])
    links = block.locator("a").evaluate_all("(all) => all.map((e) => e.href)")
    assert "https://doi.org/10.1016%2Fj.physd.2006.11.008" in links
    for words in (f"LEARN-DA {version}", "seed 123", run["run_id"], "Hunt, Kostelich"):
        expect(block.locator("pre")).to_contain_text(words)
    assert violations(page) == []
    assert urlsplit(page.url).netloc == urlsplit(tabs.base).netloc
