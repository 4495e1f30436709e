"""Cases 8, 11, 20 and 23: what arrives at those who watch; real gateways, database and compute."""

from __future__ import annotations

import csv
import io
import json
import random
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway_process import GatewayProcess, follow, numbered, open_stream, parse, post
from hypothesis import given, settings
from hypothesis import strategies as st
from nginx_process import NGINX, nginx

METHODS = [{"id": "a", "name": "etkf"}, {"id": "b", "name": "letkf"}]
SHORT: dict[str, Any] = {"end_time": 10.0, "methods": METHODS}
LONG: dict[str, Any] = {"end_time": 100.0, "ensemble_size": 40, "methods": METHODS}
"""Some seconds of computing."""
ENDLESS: dict[str, Any] = {"end_time": 100_000.0, "methods": METHODS[:1]}
LARGEST = 2**63 - 1


@pytest.fixture(scope="module")
def gateways(compute_address: str, new_database: Any) -> Iterator[list[httpx.Client]]:
    """Clients of two gateways on one database, the first of which carries one run at a time."""
    database = new_database()
    common = {"EVENTS_FETCH_LIMIT": "40", "KEEPALIVE_SECONDS": "5"}
    with (
        GatewayProcess(database, compute_address, LEARNDA_CONCURRENT_RUNS="1", **common) as first,
        GatewayProcess(database, compute_address, LEARNDA_CONCURRENT_RUNS="1", **common) as second,
        httpx.Client(base_url=first.url, timeout=30) as one,
        httpx.Client(base_url=second.url, timeout=30) as other,
    ):
        deadline = time.monotonic() + 30
        while any(client.get("/readyz").status_code != 200 for client in (one, other)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield [one, other]


@pytest.fixture(scope="module")
def finished(gateways: list[httpx.Client]) -> tuple[str, int]:
    """A run that is over, and the number of its last event."""
    run_id = post(gateways[0], SHORT)
    return run_id, numbered(follow(gateways[0], run_id))[-1].number


# ---------------------------------------------------------------- 8


class Viewer:
    """Watches a run through connections that break at any byte; keeps what was whole."""

    def __init__(self, run_id: str) -> None:
        self._path = f"/api/runs/{run_id}/events"
        self.received: list[int] = []
        self.done = False

    def watch(
        self, gateway: httpx.Client, limit: int, params: Mapping[str, Any], header: int | None
    ) -> None:
        """Once, until so many bytes have come."""
        headers = {} if header is None else {"Last-Event-ID": str(header)}
        read = bytearray()
        with gateway.stream("GET", self._path, params=params, headers=headers) as answer:
            assert answer.status_code == 200
            for part in answer.iter_raw():
                read += part
                if len(read) >= limit:
                    break
        whole = bytes(read[:limit]).rpartition(b"\n\n")[0].decode() + "\n\n"
        for event in parse(iter(whole.splitlines())):
            self.done = self.done or event.type == "done"
            self.received += [event.number for event in numbered([event])]

    @property
    def last(self) -> int:
        return self.received[-1] if self.received else 0


def test_case_08_a_viewer_that_drops_and_comes_back_misses_nothing(
    gateways: list[httpx.Client],
) -> None:
    """Five at a time while the run is computed, each back at either of two gateways."""
    run_id = post(gateways[0], LONG)

    def watch(seed: int) -> list[int]:
        draw = random.Random(seed)
        viewer = Viewer(run_id)
        while not viewer.done:
            last = viewer.last
            params: dict[str, Any] = {}
            header = None
            match draw.randrange(3):
                case 0:
                    params["since"] = last
                case 1:
                    header = last
                case 2:  # the larger counts
                    params["since"], header = draw.randint(0, last), last
            viewer.watch(draw.choice(gateways), draw.randrange(1, 200_000), params, header)
        return viewer.received

    with ThreadPoolExecutor(5) as pool:
        views = list(pool.map(watch, range(5)))
    last = numbered(follow(gateways[1], run_id))[-1].number
    assert views == [list(range(1, last + 1))] * 5


places = st.integers(0, 250) | st.sampled_from([LARGEST, LARGEST - 1, 10**12])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(since=places, header=st.none() | places, limits=st.lists(st.integers(1, 60_000), max_size=6))
def test_case_08_from_any_place_and_with_any_cuts_the_rest_comes_in_order(
    gateways: list[httpx.Client],
    finished: tuple[str, int],
    since: int,
    header: int | None,
    limits: list[int],
) -> None:
    run_id, count = finished
    begin = max(since, header or 0)
    viewer = Viewer(run_id)
    for number, limit in enumerate([*limits, 10**9]):
        gateway = gateways[number % 2]
        if viewer.received:
            viewer.watch(gateway, limit, {"since": viewer.last}, None)
        else:
            viewer.watch(gateway, limit, {"since": since}, header)
    assert viewer.done
    assert viewer.received == list(range(begin + 1, count + 1))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    starts=st.lists(st.integers(0, 250), min_size=2, max_size=2), cuts=st.lists(st.integers(1, 60))
)
def test_case_08_a_stream_of_several_runs_resumes_without_a_gap(
    gateways: list[httpx.Client],
    finished: tuple[str, int],
    other_finished: tuple[str, int],
    starts: tuple[int, int],
    cuts: list[int],
) -> None:
    """As a browser does: the same address, and the id that it was told last."""
    runs = (finished, other_finished)
    address = {"run": [f"{run}:{since}" for (run, _), since in zip(runs, starts, strict=True)]}
    seen: dict[str, list[int]] = {run: [] for run, _ in runs}
    known = None
    for number, cut in enumerate([*cuts, 10**9]):
        headers = {"Last-Event-ID": known} if known else {}
        fresh: list[tuple[str, int]] = []
        with open_stream(gateways[number % 2], "/api/events", headers, **address) as events:
            for count, event in enumerate(events):
                if event.id not in (None, known):  # what came before it is accounted for
                    known = event.id
                    for run, number_ in fresh:
                        seen[run].append(number_)
                    fresh.clear()
                fresh += [(event.data["run_id"], event.number)] if numbered([event]) else []
                if count >= cut:
                    break
            else:
                for run, number_ in fresh:
                    seen[run].append(number_)
    for (run, last), since in zip(runs, starts, strict=True):
        assert seen[run] == list(range(since + 1, last + 1))


@pytest.fixture(scope="module")
def other_finished(gateways: list[httpx.Client]) -> tuple[str, int]:
    """A second run that is over."""
    run_id = post(gateways[1], {**SHORT, "methods": METHODS[:1]})
    return run_id, numbered(follow(gateways[1], run_id))[-1].number


# ---------------------------------------------------------------- 11


def needs_nginx(test: Any) -> Any:
    """Only root can install it."""
    return test if NGINX else pytest.mark.needs_root(test)


@pytest.mark.slow
@needs_nginx
@pytest.mark.parametrize("more", ["", "gzip_types text/event-stream; gzip_min_length 1;"])
def test_case_11_behind_nginx_the_first_event_comes_within_a_second(
    gateways: list[httpx.Client], tmp_path: Path, more: str
) -> None:
    """A run that waits for its turn: after its first event nothing comes that pushes it through."""
    first = gateways[0]
    busy = [post(first, ENDLESS) for _ in range(2)]
    waiting = post(first, ENDLESS)
    path = f"/api/runs/{waiting}/events"
    headers = {"Accept-Encoding": "gzip"}
    try:
        with (
            nginx(str(first.base_url), tmp_path, more) as url,
            httpx.Client(base_url=url) as client,
        ):
            began = time.monotonic()
            with client.stream("GET", path, headers=headers, timeout=5) as answer:
                events = parse(answer.iter_lines())
                assert (answer.headers.get("content-encoding") == "gzip") == bool(more)
                assert next(events).type == "hello"
                assert next(events).type == "run_created"
                assert time.monotonic() - began < 1
            with pytest.raises(httpx.ReadTimeout):  # an nginx that is not asked holds it back
                client.get(f"/deaf{path}", timeout=2)
    finally:
        for run_id in (*busy, waiting):
            first.delete(f"/api/runs/{run_id}")


# ---------------------------------------------------------------- 20


def test_case_20_a_filter_that_becomes_non_finite_ends_diverged_and_the_others_go_on(
    gateways: list[httpx.Client],
) -> None:
    """Its anomalies are multiplied until no number holds them."""
    api = gateways[0]
    body = {
        "end_time": 5.0,
        "replicates": 2,
        "seed": 7,
        "methods": [
            {"id": "sound", "name": "letkf"},
            {"id": "burst", "name": "letkf", "params": {"inf_fact": 1e200}},
            {"id": "also", "name": "etkf"},
        ],
    }
    run_id = post(api, body)
    events = follow(api, run_id)  # whose JSON is read strictly
    assert [event.type for event in events[-2:]] == ["run_completed", "done"]
    errors = {
        id: [
            e.data["error_a"] for e in events if e.data.get("method_id") == id and "step" in e.data
        ]
        for id in ("sound", "burst", "also")
    }
    assert [len(series) for series in errors.values()] == [51] * 3
    assert None not in errors["sound"] + errors["also"]
    lost = errors["burst"].index(None)
    assert errors["burst"][lost:] == [None] * (51 - lost)

    run = json.loads(api.get(f"/api/runs/{run_id}").text, parse_constant=pytest.fail)
    assert run["status"] == "completed"
    assert run["methods"]["sound"]["status"] == "completed"
    burst = run["methods"]["burst"]
    assert burst["status"] == "diverged"
    assert burst["diverged_step"] is not None
    assert burst["diverged_step"] <= lost
    assert burst["metrics"]["diverged_replicates"] == 2
    assert burst["metrics"]["final"] is None
    assert run["methods"]["sound"]["diverged_step"] is None
    done = {e.data["method_id"]: e.data for e in events if e.type == "method_completed"}
    assert done["burst"]["metrics"] == burst["metrics"]

    rows = rows_of(api, run_id)
    assert len(rows) == 3 * 2 * 51
    for row in rows:
        empty = row["method_id"] == "burst" and int(row["step"]) >= lost
        assert (row["error_a"] == "") == empty
        assert "nan" not in ",".join(row.values()).lower()


def rows_of(api: httpx.Client, run_id: str) -> list[dict[str, str]]:
    answer = api.get(f"/api/runs/{run_id}/csv").raise_for_status()
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


# ---------------------------------------------------------------- 23


def test_case_23_a_hostile_label_is_neutralised_in_the_text_cells_of_both_csv_files(
    gateways: list[httpx.Client],
) -> None:
    """And a tab or CR does not get so far. The page: tests/browser."""
    api = gateways[0]
    labels = ['=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(1)", '"=1"', "a,b;=c"]
    methods = [
        {"id": label[:1] + str(number), "name": "etkf", "label": label}
        for number, label in enumerate(labels)
    ]
    run_id = post(api, {"end_time": 0.5, "methods": methods})
    follow(api, run_id)
    for name in ("csv", "diagnostics.csv"):
        text = api.get(f"/api/runs/{run_id}/{name}").raise_for_status().text
        cells = {
            (row["method_id"], row["label"])
            for row in csv.DictReader(io.StringIO(text, newline=""))
        }
        assert cells == {
            ("'=0", "'" + labels[0]),
            ("'+1", "'" + labels[1]),
            ("'-2", "'" + labels[2]),
            ("'@3", "'" + labels[3]),
            ('"4', labels[4]),
            ("a5", labels[5]),
        }
    for start in ("\t", "\r", "\n=", "\x1b", "\u2028", "\u2029"):
        for key in ("id", "label"):
            answer = api.post("/api/runs", json={"methods": [{**methods[0], key: start + "=1"}]})
            assert answer.status_code == 422
            assert [error["field"] for error in answer.json()["errors"]] == [f"methods.0.{key}"]
