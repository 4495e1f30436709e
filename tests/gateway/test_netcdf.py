"""NetCDF files hold what the CSV and the JSON hold."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest
from gateway_process import follow, open_stream, post
from scipy.io import netcdf_file

from gateway import scores
from gateway.records import ALL_SERIES, SERIES
from learnda import metadata

BODY: dict[str, Any] = {
    "seed": 4,
    "end_time": 2.0,
    "replicates": 2,
    "methods": [{"id": "a", "name": "etkf", "label": "Ä"}, {"id": "b", "name": "3dvar"}],
}


@pytest.fixture(scope="module")
def api(stack: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack, timeout=30) as client:
        yield client


def opened(answer: httpx.Response) -> netcdf_file:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-netcdf"
    return netcdf_file(io.BytesIO(answer.content), "r", mmap=False)


def texts(file: netcdf_file, name: str) -> list[str]:
    return [row.tobytes().rstrip(b"\0").decode() for row in file.variables[name][:]]


def test_a_run(api: httpx.Client) -> None:
    run_id = post(api, BODY)
    follow(api, run_id)
    answer = api.get(f"/api/runs/{run_id}/netcdf")
    name = f"learnda_run_{run_id[:8]}.nc"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    file = opened(answer)
    assert file.Conventions == b"CF-1.11"
    run = api.get(f"/api/runs/{run_id}").json()
    assert json.loads(file.request) == run["request"]
    assert texts(file, "method_id") == ["a", "b"]
    assert texts(file, "label") == ["Ä", "3dvar"]
    rows = csv.DictReader(io.StringIO(api.get(f"/api/runs/{run_id}/csv").text))
    place = {"a": 0, "b": 1}
    count = 0
    for row in rows:
        at = (place[row["method_id"]], int(row["replicate"]), int(row["step"]))
        assert file.variables["time"][at[2]] == pytest.approx(float(row["t"]))
        for series in SERIES:
            assert file.variables[series][at] == float(row[series])
        count += 1
    assert count == 2 * 2 * 21
    for k, method in enumerate(run["methods"].values()):
        for metric, value in method["metrics"].items():
            stored = file.variables[f"metric_{metric}"][k]
            assert np.isnan(stored) if value is None else stored == value, metric
    for variable in file.variables.values():
        if variable.typecode() == "d":
            assert variable.units == b"1"
            assert variable.long_name


def test_a_run_that_goes_on_has_what_there_is(api: httpx.Client) -> None:
    run_id = post(api, {**BODY, "end_time": 5000.0, "ensemble_size": 50})
    with open_stream(api, f"/api/runs/{run_id}/events") as events:
        next(event for event in events if event.type == "partial")
    file = opened(api.get(f"/api/runs/{run_id}/netcdf"))
    api.delete(f"/api/runs/{run_id}")
    rmse = file.variables["rmse_analysis"][0, 0]
    known = np.isfinite(rmse)
    assert 0 < known.sum() < len(rmse) == 50_001
    assert known[: known.sum()].all()


def test_what_cannot_be_a_file(api: httpx.Client) -> None:
    assert api.get(f"/api/runs/{uuid4()}/netcdf").status_code == 404
    run_id = post(api, {**BODY, "end_time": 20_000.0})
    answer = api.get(f"/api/runs/{run_id}/netcdf")
    assert answer.status_code == 400
    assert "take the CSV" in answer.json()["error"]
    api.delete(f"/api/runs/{run_id}")


def test_a_sweep(api: httpx.Client) -> None:
    axes = [
        {"field": "obs_network", "values": ["random", "regular"]},
        {"field": "methods.0.params.inf_fact", "values": [1.0, 1.02, 1.04]},
    ]
    request = {**BODY, "methods": [BODY["methods"][0]]}
    made = api.post("/api/sweeps", json={"request": request, "axes": axes}).json()["sweep_id"]
    with open_stream(api, f"/api/sweeps/{made}/events") as events:
        assert list(events)[-1].type == "done"
    file = opened(api.get(f"/api/sweeps/{made}/netcdf"))
    assert json.loads(file.source.decode().removeprefix("LEARN-DA "))["jax"]
    assert file.variables["inf_fact"][:].tolist() == [1.0, 1.02, 1.04]
    assert texts(file, "obs_network") == ["random", "regular"]
    stored = [c["metrics"]["rmse_analysis"] for c in api.get(f"/api/sweeps/{made}").json()["cells"]]
    assert file.variables["metric_rmse_analysis"][:].ravel().tolist() == stored
    assert file.variables["metric_rmse_analysis"].dimensions == ("obs_network", "inf_fact")


def test_every_series_has_a_long_name() -> None:
    assert set(metadata.SERIES) == set(ALL_SERIES)


def test_every_metric_is_described() -> None:
    assert set(metadata.METRICS) == set(scores.METRICS)
