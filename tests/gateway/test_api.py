"""The HTTP contract, on a real gateway, database and compute server."""

from __future__ import annotations

import csv
import io
import json
import random
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from gateway_process import SEED_REQUEST, follow, numbered, post

from gateway import schemas

NOWHERE = "00000000-0000-4000-8000-000000000000"
"""The id of nothing."""
METHOD = {"id": "a", "name": "etkf"}


@pytest.fixture(scope="module")
def api(stack: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def seed_run(api: httpx.Client) -> str:
    run_id = post(api, {**SEED_REQUEST, "seed": 7})
    follow(api, run_id)
    return run_id


def refused(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    schemas.Problem.model_validate(problem)
    assert problem["status"] == status
    assert problem["detail"] == problem["error"]
    return problem


# ---------------------------------------------------------------- methods


def test_methods(api: httpx.Client) -> None:
    answer = api.get("/api/methods")
    listing = answer.json()
    schemas.MethodListing.model_validate(listing)
    assert listing["methods"] == sorted(listing["methods"])
    assert {"enkf", "etkf", "letkf"} <= set(listing["methods"])
    assert "letkf" in listing["requires_model"]
    assert "etkf" not in listing["requires_model"]
    for view in ("defaults", "schema", "help"):
        assert sorted(listing[view]) == listing["methods"]
    assert listing["schema"]["letkf"]["taper"]["choices"]
    assert not any("inf_fact" in defaults for defaults in listing["defaults"].values())


def test_defaults_sent_back_change_nothing(api: httpx.Client) -> None:
    listing = api.get("/api/methods").json()
    for name in listing["methods"]:
        bodies = []
        for params in ({}, listing["defaults"][name]):
            instance = {"id": "a", "name": name, "params": params}
            run_id = post(api, {"end_time": 0.3, "seed": 1, "methods": [instance]})
            bodies.append(api.get(f"/api/runs/{run_id}").json()["request"])
            api.post(f"/api/runs/{run_id}/cancel")  # what is computed is seen elsewhere
        assert bodies[0] == bodies[1]


# ---------------------------------------------------------------- a run


def test_the_seeds_request(api: httpx.Client, seed_run: str) -> None:
    run = api.get(f"/api/runs/{seed_run}").json()
    schemas.Run.model_validate(run)
    assert (run["run_id"], run["status"], run["error"]) == (seed_run, "completed", None)
    assert run["created_at"] <= run["finished_at"] <= time.time()
    assert abs(time.time() - run["created_at"]) < 600
    request = run["request"]
    assert request["seed"] == 7
    for field, value in SEED_REQUEST.items():
        if field != "methods":
            assert request[field] == value
    assert list(run["methods"]) == ["m1", "m2"]
    assert [m["status"] for m in run["methods"].values()] == ["diverged", "completed"]
    assert run["methods"]["m1"]["diverged_step"] is not None
    assert run["methods"]["m2"]["metrics"]["mean"] < 0.1


def test_its_events(api: httpx.Client, seed_run: str) -> None:
    events = follow(api, seed_run)
    assert [e.type for e in events[:3]] == ["hello", "run_created", "run_started"]
    assert [e.type for e in events[-2:]] == ["run_completed", "done"]
    assert (events[0].data, events[-1].data) == ({}, {})
    counted = numbered(events)
    assert [e.number for e in counted] == list(range(1, len(counted) + 1))
    for event in counted:
        assert event.id == str(event.number)
        assert (event.data["type"], event.data["run_id"]) == (event.type, seed_run)
        assert isinstance(event.data["ts"], float)
    run = api.get(f"/api/runs/{seed_run}").json()
    assert counted[0].data["request"] == run["request"]
    for method, label in (("m1", "EnKF"), ("m2", "LETKF (r=2)")):
        own = [e for e in counted if e.data.get("method_id") == method]
        assert [e.type for e in own] == ["method_started", *["partial"] * 101, "method_completed"]
        assert [e.data["step"] for e in own[1:-1]] == list(range(101))
        assert {e.data["label"] for e in own} == {label}
        result = run["methods"][method]
        assert own[0].data["params"] == result["params"]
        assert own[-1].data["metrics"] == result["metrics"]
        assert own[-1].data["runtime_sec"] == result["runtime_sec"]
        errors = [e.data["error_a"] for e in own[1:-1]]
        assert result["metrics"]["final"] == pytest.approx(errors[-1], rel=1e-12)
        assert result["metrics"]["mean"] == pytest.approx(sum(errors) / 101, rel=1e-9)


def test_a_run_says_what_has_to_be_compiled_first(api: httpx.Client) -> None:
    sites = random.randrange(100, 1000)  # hardly ever asked for before
    run_id = post(api, {"lorenz96_n": sites, "m": 8, "end_time": 0.3, "methods": [METHOD]})
    events = numbered(follow(api, run_id))
    types = [event.type for event in events]
    waiting = [event.data for event in events if event.type == "compiling"]
    assert types[1 : 3 + len(waiting)] == [
        "run_started",
        *["compiling"] * len(waiting),
        "method_started",
    ]
    assert "etkf" in {event["program"] for event in waiting}
    assert all(
        event["estimated_seconds"] is None or event["estimated_seconds"] > 0 for event in waiting
    )
    again = [event.type for event in follow(api, post(api, run_request(api, run_id)))]
    assert "compiling" not in again


def run_request(api: httpx.Client, run_id: str) -> dict[str, Any]:
    request: dict[str, Any] = api.get(f"/api/runs/{run_id}").json()["request"]
    return request


def test_its_csv_agrees_with_its_events(api: httpx.Client, seed_run: str) -> None:
    answer = api.get(f"/api/runs/{seed_run}/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    disposition = f'attachment; filename="teda_run_{seed_run[:8]}.csv"'
    assert answer.headers["content-disposition"] == disposition
    assert answer.text.count("\r\n") == answer.text.count("\n") == 203
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    partials = [e.data for e in follow(api, seed_run) if e.type == "partial"]
    partials.sort(key=lambda data: (data["method_id"], data["step"]))
    for row, data in zip(rows, partials, strict=True):
        assert row["run_id"] == seed_run
        assert row["replicate"] == "0"
        for name in ("method_id", "name", "label"):
            assert row[name] == data[name]
        for name in ("step", "t", "error_b", "error_a", "rmse_background", "spread_analysis"):
            assert float(row[name]) == data[name]


def test_replicates_in_the_csv(api: httpx.Client) -> None:
    methods = [{"id": "=b", "name": "etkf", "label": "@x"}, METHOD]
    run_id = post(api, {"replicates": 3, "end_time": 2.0, "methods": methods})
    events = follow(api, run_id)
    assert len([e for e in events if e.type == "partial"]) == 2 * 21
    rows = list(csv.DictReader(io.StringIO(api.get(f"/api/runs/{run_id}/csv").text, newline="")))
    assert [(r["method_id"], int(r["replicate"]), int(r["step"])) for r in rows] == [
        (method, r, k) for method in ("'=b", "a") for r in range(3) for k in range(21)
    ]
    assert rows[0]["label"] == "'@x"
    first = [float(r["error_a"]) for r in rows if r["method_id"] == "a" and r["step"] == "20"]
    last = [e.data for e in events if e.type == "partial" and e.data["method_id"] == "a"][-1]
    assert last["error_a"] == pytest.approx(sum(first) / 3)


def test_a_long_run_is_thinned_but_its_csv_is_whole(api: httpx.Client) -> None:
    run_id = post(api, {"end_time": 500.0, "ensemble_size": 5, "methods": [METHOD]})
    steps = [e.data["step"] for e in follow(api, run_id) if e.type == "partial"]
    assert steps == list(range(0, 5001, 3))
    assert api.get(f"/api/runs/{run_id}/csv").text.count("\r\n") == 1 + 5001


def test_no_points_yet(api: httpx.Client) -> None:
    body = {"lorenz96_n": 2000, "ensemble_size": 200, "end_time": 100.0, "methods": [METHOD]}
    run_id = post(api, body)
    problem = refused(api.get(f"/api/runs/{run_id}/csv"), 400)
    assert problem["error"] == "no point data yet"
    api.delete(f"/api/runs/{run_id}")


def test_cancel_and_delete(api: httpx.Client) -> None:
    body = {"end_time": 100_000.0, "methods": [METHOD]}
    run_id = post(api, body)
    answer = api.post(f"/api/runs/{run_id}/cancel")
    assert answer.json() == {"run_id": run_id, "status": "cancelled"}
    events = follow(api, run_id)
    assert [e.type for e in events[-2:]] == ["run_cancelled", "done"]
    run = api.get(f"/api/runs/{run_id}").json()
    assert (run["status"], run["methods"]["a"]["status"]) == ("cancelled", "cancelled")
    assert api.post(f"/api/runs/{run_id}/cancel").json()["status"] == "cancelled"
    assert api.delete(f"/api/runs/{run_id}").status_code == 204
    refused(api.delete(f"/api/runs/{run_id}"), 404)
    refused(api.get(f"/api/runs/{run_id}"), 404)


def test_what_people_say_of_a_run(api: httpx.Client, seed_run: str) -> None:
    path = f"/api/runs/{seed_run}"
    said = {"name": "<b>A</b> name", "note": "Line 1\nLine 2", "shared": True}
    answer = api.patch(path, json=said)
    schemas.Run.model_validate(answer.json())
    assert {key: answer.json()[key] for key in said} == said
    api.patch(path, json={"note": None})
    found = api.get(path).json()
    assert [found[key] for key in said] == [said["name"], None, True]
    api.patch(path, json={})
    assert api.get(path).json() == found
    api.patch(path, json={"name": "  ", "shared": False})
    assert [api.get(path).json()[key] for key in said] == [None, None, False]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x" * 201),
        ("name", 7),
        ("name", "a\0b"),
        ("name", "\ud800"),
        ("note", "x" * 10_001),
        ("shared", None),
        ("shared", "yes"),
        ("status", "completed"),
    ],
)
def test_what_cannot_be_said_of_a_run(
    api: httpx.Client, seed_run: str, field: str, value: object
) -> None:
    answer = api.patch(f"/api/runs/{seed_run}", content=json.dumps({field: value}))
    assert [e["field"] for e in refused(answer, 422)["errors"]] == [field]


def test_nothing_is_said_of_no_run(api: httpx.Client, seed_run: str) -> None:
    refused(api.patch(f"/api/runs/{uuid4()}", json={"name": "a"}), 404)
    refused(api.patch(f"/api/runs/{seed_run}", content="{"), 400)
    refused(api.patch(f"/api/runs/{seed_run}", content=b" " * 1_000_001), 413)
    assert refused(api.patch(f"/api/runs/{seed_run}", json=[]), 422)["errors"]


def test_the_list(api: httpx.Client, seed_run: str) -> None:
    made = [post(api, {"end_time": 0.2, "methods": [METHOD]}) for _ in range(3)]
    for run_id in made:
        follow(api, run_id)
    page = api.get("/api/runs", params={"limit": 2}).json()
    schemas.RunPage.model_validate(page)
    assert [run["run_id"] for run in page["runs"]] == made[:0:-1]
    after = {"limit": 1, "cursor": page["next_cursor"]}
    assert api.get("/api/runs", params=after).json()["runs"][0]["run_id"] == made[0]
    found, cursor = [], ""
    while cursor is not None:
        page = api.get("/api/runs", params={"cursor": cursor, "status": "completed"}).json()
        found += [run["run_id"] for run in page["runs"]]
        cursor = page["next_cursor"]
    assert len(found) == len(set(found))
    assert {seed_run, *made} <= set(found)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize("run_id", ["x", NOWHERE, "{" + NOWHERE + "}", "%00", "1" * 500])
@pytest.mark.parametrize("suffix", ["", "/events", "/csv", "/diagnostics.csv"])
def test_no_such_run(api: httpx.Client, run_id: str, suffix: str) -> None:
    assert refused(api.get(f"/api/runs/{run_id}{suffix}"), 404)["error"] == "run not found"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"methods": [{"id": "a", "name": "nope"}]}, "Unknown method: nope"),
        ({"methods": [METHOD, METHOD]}, "Duplicate method instance id: a"),
    ],
)
def test_bad_requests(api: httpx.Client, body: dict[str, Any], sentence: str) -> None:
    assert refused(api.post("/api/runs", json=body), 400)["error"] == sentence


@pytest.mark.parametrize("path", ["/api/runs", "/api/sweeps", "/api/estimate"])
def test_what_is_said_twice_is_refused(api: httpx.Client, path: str) -> None:
    """Else one of the two values would silently do nothing."""
    for body, field in (
        (b'{"std_obs": 1, "std_obs": 2, "methods": []}', "std_obs"),
        (b'{"methods": [{}, {"params": {"r": 1, "r": 2}}]}', "methods.1.params.r"),
        (b'{"axes": [{"field": "m", "values": [1], "field": "F"}]}', "axes.0.field"),
    ):
        problem = refused(api.post(path, content=body), 422)
        assert [error["field"] for error in problem["errors"]] == [field]


def test_methods_that_an_address_has_are_told(api: httpx.Client, seed_run: str) -> None:
    for method, path, allowed in (
        ("PUT", f"/api/runs/{seed_run}", "DELETE, GET, PATCH"),
        ("DELETE", "/api/runs", "GET, POST"),
        ("GET", f"/api/runs/{seed_run}/cancel", "POST"),
        ("HEAD", f"/api/runs/{seed_run}", "DELETE, GET, PATCH"),
    ):
        response = api.request(method, path)
        assert (response.status_code, response.headers["Allow"]) == (405, allowed)
    assert api.head("/healthz").status_code == api.head("/readyz").status_code == 200
    assert api.head("/").status_code == 200


def test_the_largest_body_is_read(api: httpx.Client) -> None:
    refused(api.post("/api/runs", content=b" " * 1_000_000), 400)
    refused(api.post("/api/runs", content=b" " * 1_000_001), 413)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/runs?limit=0", "limit"),
        ("/api/runs?limit=x", "limit"),
        ("/api/runs?limits=1", "limits"),
        (f"/api/runs/{NOWHERE}/csv?diagnostic=true", "diagnostic"),
        (f"/api/runs/{NOWHERE}/events?from=1", "from"),
        ("/api/runs?cursor=zebra", "cursor"),
        ("/api/runs?status=odd", "status"),
        (f"/api/runs/{NOWHERE}/events?since=-1", "since"),
        (f"/api/runs/{NOWHERE}/events?since=x", "since"),
        (f"/api/runs/{NOWHERE}/csv?diagnostics=perhaps", "diagnostics"),
        ("/api/events", "run"),
        ("/api/events?run=x:1", "run"),
    ],
)
def test_bad_parameters(api: httpx.Client, path: str, field: str) -> None:
    problem = refused(api.get(path), 422)
    assert [error["field"] for error in problem["errors"]] == [field]


def test_unknown_addresses_and_verbs(api: httpx.Client) -> None:
    refused(api.get("/api/nothing"), 404)
    refused(api.put("/api/runs"), 405)


# ---------------------------------------------------------------- around it


def test_documents_need_no_internet(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    for path in ("/api/runs", "/api/runs/{run_id}/events", "/api/events", "/api/methods"):
        assert path in document["paths"]
    schema = document["paths"]["/api/runs"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    assert schema["properties"]["ensemble_size"]["minimum"] == 2
    assert schema["example"] == SEED_REQUEST
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path in ("/docs", "/redoc"):
        page = api.get(path)
        assert page.status_code == 200
        assert "http://" not in page.text
        assert "https://" not in page.text


def test_operations(api: httpx.Client) -> None:
    assert api.get("/healthz").json() == {"status": "alive"}
    assert api.get("/readyz").json() == {"status": "ready", "database": True, "compute": True}
    api.get("/api/runs/x")
    text = api.get("/metrics").text
    line = 'learnda_http_requests_total{method="GET",route="/api/runs/{run_id}",status="404"}'
    assert line in text
    assert "learnda_runs{status=" in text
    assert "learnda_compute_connected 1.0" in text
