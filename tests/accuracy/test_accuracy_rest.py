"""Published numbers through the REST API."""

from __future__ import annotations

import time

import httpx
import pytest

from learnda.accuracy import METHOD_ID, choose, shipped


@pytest.mark.parametrize("name", ["S08-etkf-28", "S08-letkf-10a", "S08-3dvar", "S08-lost-penkf"])
def test_a_published_row_is_met_through_rest(stack: str, name: str) -> None:
    (row,) = choose(shipped(), [name])
    with httpx.Client(base_url=stack, timeout=30) as client:
        created = client.post("/api/runs", json=row.request)
        assert created.status_code == 200, created.text
        address = f"/api/runs/{created.json()['run_id']}"
        deadline = time.monotonic() + 120
        while (run := client.get(address).json())["status"] in ("queued", "running"):
            assert time.monotonic() < deadline
            time.sleep(0.2)
    method = run["methods"][METHOD_ID]
    assert row.meets(method["metrics"]["rmse_analysis"])
    assert method["metrics"]["cycles_scored"] == 1001
    assert method["status"] == ("diverged" if row.above else "completed")
    ranks = method["diagnostics"]["rank_histogram"]
    assert sum(ranks) == (0 if name == "S08-3dvar" else 40 * 1001 * 10)


def test_every_shipped_row_is_accepted(stack: str) -> None:
    with httpx.Client(base_url=stack, timeout=30) as client:
        for row in shipped():
            created = client.post("/api/runs", json=row.request)
            assert created.status_code == 200, (row.id, created.text)
            client.delete(f"/api/runs/{created.json()['run_id']}")
