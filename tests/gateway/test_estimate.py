"""``POST /api/estimate``, on a real gateway whose history is known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from gateway_process import SEED_REQUEST, GatewayProcess, follow, post

from gateway import schemas
from gateway.throughput import DEFAULT_OVERHEAD, DEFAULT_RATE
from learnda.cost import Limits
from learnda.local.probes import is_ready

METHOD = {"id": "a", "name": "etkf"}
LARGE = {"replicates": 64, "ensemble_size": 40, "end_time": 1000.0, "methods": [METHOD]}


@pytest.fixture(scope="module")
def database(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture(scope="module")
def api(database: str, compute_address: str) -> Iterator[httpx.Client]:
    with (
        GatewayProcess(database, compute_address) as gateway,
        httpx.Client(base_url=gateway.url, timeout=30) as api,
    ):
        deadline = time.monotonic() + 60
        while not is_ready(gateway.url):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield api


@pytest.fixture(autouse=True)
def _forget(api: httpx.Client, database: str) -> None:
    """Each test begins without history."""
    forget(database)


def forget(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("DELETE FROM learnda.run")


def estimate(api: httpx.Client, body: object) -> dict[str, Any]:
    answer = api.post("/api/estimate", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    schemas.Estimate.model_validate(found)
    return found


def remember(database: str, *, rate: float, **changes: Any) -> None:
    """One completed run of ETKF at this rate, of 1e10 operations, changed in some columns."""
    columns = {
        "id": uuid4(),
        "request": "{}",
        "step_count": 100,
        "status": "completed",
        "operations": 1e10,
        "runtime_sec": 1e10 / rate,
        "generation": 1,
        **changes,
    }
    names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
    with psycopg.connect(database) as connection:
        connection.execute(
            f"INSERT INTO learnda.run ({names}, finished_at) VALUES ({marks}, clock_timestamp())",
            list(columns.values()),
        )
        connection.execute(
            "INSERT INTO learnda.method (run_id, position, method_id, name, label, params)"
            " VALUES (%s, 0, 'a', 'etkf', '', '{}')",
            [columns["id"]],
        )


def test_an_estimate_runs_nothing_and_follows_history(api: httpx.Client, database: str) -> None:
    first = estimate(api, LARGE)
    assert (first["fits"], first["errors"], first["basis"]) == (True, [], "default")
    assert first["rows"] == 64 * 10_001
    assert first["seconds"] == pytest.approx(DEFAULT_OVERHEAD + first["operations"] / DEFAULT_RATE)
    for rate in (1e8, 1e7):
        forget(database)
        for _ in range(3):
            remember(database, rate=rate)
        found = estimate(api, LARGE)
        assert found["basis"] == "history"
        assert found["seconds"] == pytest.approx(DEFAULT_OVERHEAD + found["operations"] / rate)
    assert len(api.get("/api/runs").json()["runs"]) == 3


def test_runs_that_tell_nothing_are_left_out(api: httpx.Client, database: str) -> None:
    compiled = uuid4()
    for changes in (
        {"status": "failed"},
        {"generation": 2},
        {"operations": None},
        {"runtime_sec": None},
        {"id": compiled},
    ):
        remember(database, rate=1e3, **changes)
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO learnda.event (run_id, first_id, last_id, type, payloads)"
            " VALUES (%s, 3, 5, 'compiling', '{a,b,c}')",
            [compiled],
        )
    assert estimate(api, LARGE)["basis"] == "default"
    remember(database, rate=1e9)
    found = estimate(api, LARGE)
    assert found["seconds"] == pytest.approx(DEFAULT_OVERHEAD + found["operations"] / 1e9)


def test_what_was_really_run_is_history(api: httpx.Client) -> None:
    """The second one: the first may have had to wait for a compilation."""
    for _ in range(2):
        follow(api, post(api, SEED_REQUEST))
    found = estimate(api, SEED_REQUEST)
    runs = api.get("/api/runs").json()["runs"]
    assert found["basis"] == "history"
    assert min(r["runtime_sec"] for r in runs) <= found["seconds"]
    assert found["seconds"] <= max(r["runtime_sec"] for r in runs)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"lorenz96_n": 10**9, "m": 10}, {"lorenz96_n", "ensemble_size", "m", "methods"}),
        (
            {"lorenz96_n": 10**9, "ensemble_size": 10**9, "replicates": 10**4},
            {"lorenz96_n", "ensemble_size", "replicates", "precision", "end_time"},
        ),
        ({"end_time": 1e7, "obs_freq": 0.05}, {"end_time", "obs_freq"}),
    ],
)
def test_what_is_too_costly_is_answered_with_its_fields(
    api: httpx.Client, body: dict[str, Any], fields: set[str]
) -> None:
    body = {**body, "methods": [METHOD]}
    found = estimate(api, body)
    assert not found["fits"]
    assert fields <= {error["field"] for error in found["errors"]}
    refusal = api.post("/api/runs", json=body)
    assert refusal.status_code == 422
    assert refusal.json()["errors"] == found["errors"]
    usual = Limits()
    assert found["limits"] == {
        "bytes": usual.max_bytes,
        "operations": usual.max_operations,
        "rows": usual.max_rows,
        "methods": usual.max_methods,
    }
    assert any(found[name] > found["limits"][name] for name in ("bytes", "operations", "rows"))


@pytest.mark.parametrize(
    "body",
    [
        {"methods": []},
        {"methods": [METHOD] * 101},
        {"methods": [METHOD, METHOD]},
        {"methods": [{"id": "a", "name": "nope"}]},
        {"ensemble_size": 1, "methods": [METHOD]},
        {"what": 1, "methods": [METHOD]},
        [],
    ],
)
def test_what_is_invalid_is_refused_as_for_a_run(api: httpx.Client, body: object) -> None:
    answers = [api.post(path, json=body) for path in ("/api/estimate", "/api/runs")]
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].status_code in (400, 422)
    assert answers[0].json() == answers[1].json()


def test_what_is_still_being_written_is_no_error(api: httpx.Client) -> None:
    lenient = {"prefer": "handling=lenient"}
    for invalid in ({"methods": []}, {"ensemble_size": 1, "methods": [METHOD]}):
        answer = api.post("/api/estimate", json=invalid, headers=lenient)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["preference-applied"] == "handling=lenient"
        strict = api.post("/api/estimate", json=invalid, headers={"prefer": "respond-async"})
        assert strict.status_code == 422
    costly = {"lorenz96_n": 10**9, "m": 10, "methods": [METHOD]}
    found = api.post("/api/estimate", json=costly, headers=lenient)
    assert found.status_code == 200
    assert not found.json()["fits"]


def test_it_is_documented(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    operation = document["paths"]["/api/estimate"]["post"]
    assert operation["requestBody"] == document["paths"]["/api/runs"]["post"]["requestBody"]
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/Estimate"}
    for status in ("400", "413", "422", "503"):
        assert "application/problem+json" in operation["responses"][status]["content"]
