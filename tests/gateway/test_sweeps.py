"""Sweeps over HTTP: a resource of its own, whose cells are those of runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from gateway_process import Event, follow, open_stream, post
from stream_messages import experiment, queued

from gateway import schemas
from gateway.callers import Caller
from gateway.database import Pool
from gateway.store import admission, runs, sweeps
from learnda.cost import Limits
from learnda.declarations import Method, Parameter
from learnda.quotas import Quota
from learnda.sweeps import Sweep, resolve_sweep

NOWHERE = "00000000-0000-4000-8000-000000000000"
"""The id of nothing."""
INFLATION = {"field": "methods.0.params.inf_fact", "values": [1.0, 1.05, 3.0]}
MEMBERS = {"field": "ensemble_size", "values": [8, 30]}
REQUEST: dict[str, Any] = {
    "seed": 7,
    "end_time": 5.0,
    "std_obs": 0.5,
    "m": 40,
    "initial": "perturbed-truth",
    "replicates": 2,
    "methods": [{"id": "a", "name": "etkf"}],
}
METHODS = {
    "etkf": Method(
        "etkf", "", "", (Parameter("inf_fact", "float", None, "", "", min=0, exclusive_min=True),)
    )
}


@pytest.fixture(scope="module")
def api(stack: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def sweep_id(api: httpx.Client) -> str:
    answer = api.post("/api/sweeps", json={"request": REQUEST, "axes": [MEMBERS, INFLATION]})
    assert answer.status_code == 200, answer.text
    schemas.SweepStanding.model_validate(answer.json())
    found: str = answer.json()["sweep_id"]
    events(api, found)
    return found


def events(api: httpx.Client, sweep_id: str, **headers: str) -> list[Event]:
    with open_stream(api, f"/api/sweeps/{sweep_id}/events", headers) as stream:
        return list(stream)


# ---------------------------------------------------------------- a sweep


def test_every_cell_has_its_values_and_metrics(api: httpx.Client, sweep_id: str) -> None:
    found = api.get(f"/api/sweeps/{sweep_id}").json()
    schemas.Sweep.model_validate(found)
    assert found["status"] == "completed"
    assert found["finished_at"] >= found["created_at"]
    assert found["request"] == REQUEST
    assert found["axes"] == [MEMBERS, INFLATION]
    cells = found["cells"]
    assert [cell["cell"] for cell in cells] == list(range(6))
    assert [cell["values"] for cell in cells] == [
        [members, inflation] for members in (8, 30) for inflation in (1.0, 1.05, 3.0)
    ]
    assert len({cell["run_id"] for cell in cells}) == 2
    for cell in cells:
        assert cell["status"] in ("completed", "diverged")
        assert cell["metrics"]["cycles_scored"] == 51
        series = cell["series"]
        assert series["t"] == sorted(series["t"])
        assert 25 <= len(series["t"]) == len(series["rmse_analysis"]) <= 40
    rmse = {tuple(cell["values"]): cell["metrics"]["rmse_analysis"] for cell in cells}
    assert rmse[(30, 1.05)] < rmse[(30, 3.0)]
    assert rmse[(30, 1.05)] < rmse[(8, 1.05)]


def test_a_cell_reopened_as_a_run_has_the_same_numbers(api: httpx.Client, sweep_id: str) -> None:
    for number in (1, 4):
        cell = api.get(f"/api/sweeps/{sweep_id}/cells/{number}").json()
        schemas.SweepCell.model_validate(cell)
        run_id = post(api, cell["request"])
        follow(api, run_id)
        alone = api.get(f"/api/runs/{run_id}").json()["methods"]["a"]
        assert alone["metrics"].keys() == cell["metrics"].keys()
        for name, value in cell["metrics"].items():
            same = value if value is None else pytest.approx(value, rel=1e-6)
            assert alone["metrics"][name] == same, name
    assert api.get(f"/api/sweeps/{sweep_id}/cells/6").status_code == 404


def test_events_tell_each_cell_and_resume(api: httpx.Client, sweep_id: str) -> None:
    found = events(api, sweep_id)
    assert (found[0].type, found[-1].type) == ("hello", "done")
    cells = [event.data for event in found if event.type == "cell"]
    last = {cell["cell"]: cell for cell in cells}
    assert sorted(last) == list(range(6))
    stored = api.get(f"/api/sweeps/{sweep_id}").json()["cells"]
    for number, cell in last.items():
        assert cell["values"] == stored[number]["values"]
        assert cell["status"] == stored[number]["status"]
        assert cell["metrics"] == stored[number]["metrics"]
    for number in last:
        told = [c["series"] for c in cells if c["cell"] == number and "series" in c]
        for name, column in stored[number]["series"].items():
            assert [value for series in told for value in series[name]] == column
    place = [event.id for event in found if event.id is not None][-1]
    rest = events(api, sweep_id, **{"Last-Event-ID": place})
    assert [event.type for event in rest] == ["hello", "done"]


def test_as_csv(api: httpx.Client, sweep_id: str) -> None:
    answer = api.get(f"/api/sweeps/{sweep_id}/csv")
    name = f"learnda_sweep_{sweep_id[:8]}.csv"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    stored = api.get(f"/api/sweeps/{sweep_id}").json()["cells"]
    assert len(rows) == 6
    for row, cell in zip(rows, stored, strict=True):
        assert float(row["ensemble_size"]) == cell["values"][0]
        assert float(row["methods.0.params.inf_fact"]) == cell["values"][1]
        assert float(row["rmse_analysis"]) == cell["metrics"]["rmse_analysis"]
        assert row["status"] == cell["status"]


def test_its_runs_are_not_listed_as_runs(api: httpx.Client, sweep_id: str) -> None:
    runs_of_it = {cell["run_id"] for cell in api.get(f"/api/sweeps/{sweep_id}").json()["cells"]}
    listed = {run["run_id"] for run in api.get("/api/runs?limit=200").json()["runs"]}
    assert not runs_of_it & listed
    page = api.get("/api/sweeps", params={"limit": 1}).json()
    schemas.SweepPage.model_validate(page)
    found = [s["sweep_id"] for s in page["sweeps"]]
    while page["next_cursor"]:
        query = {"limit": 1, "cursor": page["next_cursor"]}
        page = api.get("/api/sweeps", params=query).json()
        found += [s["sweep_id"] for s in page["sweeps"]]
    assert sweep_id in found
    assert len(found) == len(set(found))


def test_what_people_say_of_it(api: httpx.Client, sweep_id: str) -> None:
    answer = api.patch(f"/api/sweeps/{sweep_id}", json={"name": "inflation", "shared": True})
    schemas.Sweep.model_validate(answer.json())
    assert (answer.json()["name"], answer.json()["shared"]) == ("inflation", True)
    assert api.patch(f"/api/sweeps/{sweep_id}", json={"name": 3}).status_code == 422


def test_cancelled_and_deleted(api: httpx.Client) -> None:
    endless = {**REQUEST, "end_time": 100_000.0, "replicates": 1}
    body = {"request": endless, "axes": [MEMBERS, INFLATION]}
    made = api.post("/api/sweeps", json=body).json()["sweep_id"]
    answer = api.post(f"/api/sweeps/{made}/cancel")
    assert answer.json() == {"sweep_id": made, "status": "cancelled"}
    found = api.get(f"/api/sweeps/{made}").json()
    assert {cell["status"] for cell in found["cells"]} == {"cancelled"}
    assert events(api, made)[-1].type == "done"
    assert api.delete(f"/api/sweeps/{made}").status_code == 204
    run_id = found["cells"][0]["run_id"]
    for path in (f"/api/sweeps/{made}", f"/api/sweeps/{made}/events", f"/api/runs/{run_id}"):
        assert api.get(path).status_code == 404
    assert api.delete(f"/api/sweeps/{made}").status_code == 404


@pytest.mark.parametrize("suffix", ["", "/csv", "/events", "/cells/0"])
@pytest.mark.parametrize("name", ["x", NOWHERE])
def test_no_such_sweep(api: httpx.Client, name: str, suffix: str) -> None:
    answer = api.get(f"/api/sweeps/{name}{suffix}")
    assert (answer.status_code, answer.json()["error"]) == (404, "sweep not found")


def test_refusals_name_their_field(api: httpx.Client) -> None:
    body = {"request": REQUEST, "axes": [MEMBERS | {"values": [8, 1]}]}
    answer = api.post("/api/sweeps", json=body)
    assert answer.status_code == 422
    assert [e["field"] for e in answer.json()["errors"]] == ["axes.0.values.1"]
    assert api.post("/api/sweeps", content="{").status_code == 400


# ---------------------------------------------------------------- in the queue


def asked(*axes: dict[str, Any]) -> Sweep:
    body = {"request": REQUEST, "axes": list(axes)}
    return resolve_sweep(body, METHODS, limits=Limits(), draw_seed=lambda: 1)


async def test_all_its_runs_are_queued_or_none(pool: Pool) -> None:
    sweep = asked({"field": "ensemble_size", "values": [5, 6, 7]})
    caller = Caller("anna", Quota(max_queued=4))
    await sweeps.create(pool, sweep, caller, max_queued=100)
    with pytest.raises(admission.TooManyRuns, match=r"you have 3 runs .* 3 more, and 4 are"):
        await sweeps.create(pool, sweep, caller, max_queued=100)
    with pytest.raises(admission.TooManyRuns, match="the queue is full"):
        await sweeps.create(pool, sweep, Caller("bert", Quota()), max_queued=5)
    assert await runs.counts(pool) == {"queued": 3}
    assert len(await sweeps.page(pool, limit=10, after=None)) == 1


async def test_sweeps_are_searched_like_runs(pool: Pool) -> None:
    caller = Caller("anna", Quota())
    first, second = [
        await sweeps.create(pool, asked(INFLATION), caller, max_queued=100) for _ in range(2)
    ]
    await sweeps.describe(pool, first, {"name": "Lecture 3: Größe", "note": "100% a_b"})

    async def found(text: str) -> list[UUID]:
        return [row["sweep_id"] for row in await sweeps.page(pool, limit=9, words=text.split())]

    assert await found("") == [second, first]
    assert await found("größe LECTURE 100%") == [first]
    assert await found("ETKF") == [second, first]
    assert await found(str(second)[:8]) == [second]
    assert await found("lecture letkf") == []
    assert await found("a%b") == []


def test_a_search_over_http(api: httpx.Client, sweep_id: str) -> None:
    for search, hit in ((sweep_id, True), (f"{sweep_id} nothing-like-it", False)):
        page = api.get("/api/sweeps", params={"search": search}).json()
        assert [s["sweep_id"] for s in page["sweeps"]] == [sweep_id] * hit
    for search, status in (("\0", 200), ("x" * 201, 422)):
        assert api.get("/api/sweeps", params={"search": search}).status_code == status


async def test_it_grows_old_as_a_whole(pool: Pool) -> None:
    sweep = asked({"field": "ensemble_size", "values": [5, 6]})
    made = [
        await sweeps.create(pool, sweep, Caller("anna", Quota()), max_queued=100) for _ in range(3)
    ]
    first, second, third = made
    await runs.cancel(pool, (await sweeps.run_ids(pool, first))[0])
    for sweep_id in (second, third):
        await sweeps.cancel(pool, sweep_id)
    await sweeps.describe(pool, third, {"note": "keep"})
    assert await runs.remove_old(pool, ttl=0, grace=0) == 0
    assert await sweeps.remove_old(pool, ttl=0, grace=0) == 1
    assert await sweeps.get(pool, second) is None
    assert await sweeps.run_ids(pool, second) == []
    assert await sweeps.get(pool, first) is not None
    assert await sweeps.get(pool, third) is not None
    await sweeps.delete(pool, first)
    assert await sweeps.get(pool, first) is None
    await runs.remove_old(pool, ttl=1e9, grace=0)
    assert await sweeps.remove_old(pool, ttl=1e9, grace=0) == 1


async def test_a_runs_list_is_of_runs_alone(pool: Pool) -> None:
    alone = await queued(pool, experiment("a"))
    await sweeps.create(pool, asked(INFLATION), Caller("anna", Quota()), max_queued=100)
    listed = await runs.page(pool, limit=10, status=None, after=None)
    assert [row["run_id"] for row in listed] == [alone]
