"""Diagnostics from compute's stream to every answer: a real gateway, database and gRPC port.

The compute server is `playing_compute`.
"""

from __future__ import annotations

import csv
import io
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import playing_compute
import pytest
from gateway_process import HOST, GatewayProcess, follow, open_stream, post
from playing_compute import STEPS
from stream_messages import gathered_json, value

from gateway import schemas
from gateway.records import DIAGNOSTIC_SERIES
from learnda.local.processes import die_with_parent
from learnda.local.services import free_port
from learnda.v1 import assimilation_pb2 as pb


@pytest.fixture(scope="module")
def api(new_database: Callable[[], str]) -> Iterator[httpx.Client]:
    address = f"{HOST}:{free_port(HOST)}"
    compute = subprocess.Popen(
        [sys.executable, playing_compute.__file__, address],
        preexec_fn=die_with_parent(signal.SIGKILL),
    )
    try:
        with (
            GatewayProcess(new_database(), address) as gateway,
            httpx.Client(base_url=gateway.url, timeout=30) as client,
        ):
            deadline = time.monotonic() + 30
            while client.get("/api/methods").status_code == 503:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield client
    finally:
        compute.kill()
        compute.wait()


def run_of(api: httpx.Client, id: str, name: str = "letkf", **fields: int) -> str:
    method = {"id": id, "name": name, "label": "@label"}
    return post(api, {"end_time": 0.9, **fields, "methods": [method]})


@pytest.fixture(scope="module")
def told(api: httpx.Client) -> str:
    """A run of two replicates with every diagnostic."""
    run_id = run_of(api, "=told", replicates=2)
    follow(api, run_id)
    return run_id


@pytest.fixture(scope="module")
def untold(api: httpx.Client) -> str:
    """A run of a compute server that knows no diagnostics."""
    run_id = run_of(api, "untold")
    follow(api, run_id)
    return run_id


@pytest.fixture
def waiting(api: httpx.Client) -> Iterator[Callable[[str], str]]:
    """Begin a run that has got as far as compute sends it, and stop it after the test."""
    begun = []

    def begin(id: str) -> str:
        begun.append(run_of(api, id))
        last = "partial" if id == "half" else "run_started"
        with open_stream(api, f"/api/runs/{begun[-1]}/events") as events:
            next(event for event in events if event.type == last)
        return begun[-1]

    yield begin
    for run_id in begun:
        assert api.delete(f"/api/runs/{run_id}").status_code == 204


def read(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.count("\r\n") == answer.text.count("\n")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def method_of(api: httpx.Client, run_id: str) -> dict[str, Any]:
    run = api.get(f"/api/runs/{run_id}").json()
    schemas.Run.model_validate(run)
    (method,) = run["methods"].values()
    found: dict[str, Any] = method
    return found


def test_a_run_and_its_events(api: httpx.Client, told: str, untold: str) -> None:
    assert method_of(api, told)["diagnostics"] == gathered_json(STEPS)
    assert method_of(api, untold)["diagnostics"] is None
    events = follow(api, told)
    (done,) = (e.data for e in events if e.type == "method_completed")
    assert done["diagnostics"] == gathered_json(STEPS)
    for step, data in enumerate(e.data for e in events if e.type == "partial"):
        for name in ("crps_analysis", "innovation_consistency", "effective_sample_size"):
            assert data[name] == value(name, 0, step)
        assert not {"desroziers_error", "desroziers_background"} & data.keys()
    for event in follow(api, untold):
        assert not {*DIAGNOSTIC_SERIES, "diagnostics"} & event.data.keys()


def test_diagnostics_come_while_the_run_goes_on(
    api: httpx.Client, waiting: Callable[[str], str]
) -> None:
    run_id = waiting("half")
    method = method_of(api, run_id)
    assert method["diagnostics"] == gathered_json(4)
    assert method["metrics"] is None
    rows = read(api.get(f"/api/runs/{run_id}/diagnostics.csv"))
    assert {row["diagnostic"] for row in rows} == {"rank_histogram", "spread", "error", "lead_rmse"}


def test_the_csv_appends_diagnostics_only_when_asked(
    api: httpx.Client, told: str, untold: str
) -> None:
    for run_id in (told, untold):
        path = f"/api/runs/{run_id}/csv"
        plain, extended = api.get(path).text, api.get(path, params={"diagnostics": "true"}).text
        assert api.get(path, params={"diagnostics": "false"}).text == plain
        cut = [line.rsplit(",", len(DIAGNOSTIC_SERIES))[0] for line in extended.split("\r\n")]
        assert "\r\n".join(cut) == plain
    rows = read(api.get(f"/api/runs/{told}/csv", params={"diagnostics": "true"}))
    assert list(rows[0])[13:] == list(DIAGNOSTIC_SERIES)
    assert len(rows) == 2 * STEPS
    for row in rows:
        for name in DIAGNOSTIC_SERIES:
            assert float(row[name]) == value(name, int(row["replicate"]), int(row["step"]))
    for row in read(api.get(f"/api/runs/{untold}/csv", params={"diagnostics": "true"})):
        assert [row[name] for name in DIAGNOSTIC_SERIES] == [""] * 5


def test_the_file_of_diagnostics(api: httpx.Client, told: str) -> None:
    answer = api.get(f"/api/runs/{told}/diagnostics.csv")
    disposition = f'attachment; filename="learnda_diagnostics_{told[:8]}.csv"'
    assert answer.headers["content-disposition"] == disposition
    rows = read(answer)
    assert list(rows[0]) == [
        *["run_id", "method_id", "name", "label", "diagnostic", "x", "value", "count"]
    ]
    for row in rows:
        text = (row["run_id"], row["method_id"], row["name"], row["label"])
        assert text == (told, "'=told", "letkf", "'@label")
    histogram = [row for row in rows if row["diagnostic"] == "rank_histogram"]
    assert [(int(row["x"]), int(row["count"])) for row in histogram] == list(
        enumerate(gathered_json(STEPS)["rank_histogram"])
    )
    metrics = method_of(api, told)["metrics"]
    assert [row["diagnostic"] for row in rows[-len(metrics) :]] == list(metrics)
    assert list(metrics) == list(schemas.Metrics.model_fields)
    (final,) = (row for row in rows if row["diagnostic"] == "final")
    assert (final["x"], final["value"], final["count"]) == ("", "0.5", "")


def test_the_file_of_a_run_with_metrics_only(api: httpx.Client, untold: str) -> None:
    rows = read(api.get(f"/api/runs/{untold}/diagnostics.csv"))
    assert [row["diagnostic"] for row in rows] == list(schemas.Metrics.model_fields)


def test_nothing_has_been_gathered_yet(api: httpx.Client, waiting: Callable[[str], str]) -> None:
    answer = api.get(f"/api/runs/{waiting('nothing')}/diagnostics.csv")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["error"] == "no diagnostics or metrics yet"


def test_the_listing_says_what_is_refused(api: httpx.Client) -> None:
    listing = api.get("/api/methods").json()
    schemas.MethodListing.model_validate(listing)
    assert listing["baselines"] == ["free-run"]
    assert listing["refuses"] == {"free-run": ["obs_error", "forecast_leads"]}
    assert listing["schema"]["letkf"]["r"]["only_with"] == {"name": "taper", "values": ["box"]}
    assert "only_with" not in listing["schema"]["letkf"]["taper"]


def test_everything_new_is_in_the_document(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    models = document["components"]["schemas"]
    for name in ("Diagnostics", "SpreadSkill", "OnlyWith"):
        assert models[name]["description"]
    (parameter,) = (
        p
        for p in document["paths"]["/api/runs/{run_id}/csv"]["get"]["parameters"]
        if p["name"] == "diagnostics"
    )
    assert "`effective_sample_size`" in parameter["description"]
    file = document["paths"]["/api/runs/{run_id}/diagnostics.csv"]["get"]
    assert "lead_rmse" in file["description"]
    assert list(file["responses"]["200"]["content"]) == ["text/csv"]
    for model, field in (("MethodResult", "diagnostics"), ("MethodListing", "refuses")):
        assert models[model]["properties"][field]["description"]
    for name in pb.Metrics.DESCRIPTOR.fields_by_name:
        assert models["Metrics"]["properties"][name]["description"]
