"""Time the seed's request through the whole stack, against its floor: the engine alone.

The floor is the same experiment on an engine in this process, without HTTP, PostgreSQL and gRPC.
Both are warm and run in turn; what counts is their ratio. Prints a table, writes
.cache/bench/seed_request.json.
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

from learnda.threads import limit_threads

limit_threads()

import httpx

from compute.engine import Engine
from compute.registry import declarations
from learnda.cost import Limits
from learnda.local.temporary import temporary_stack
from learnda.validation import resolve

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "jax"
RESULT = ROOT / ".cache" / "bench" / "seed_request.json"
REPEATS = 20
REQUEST: dict[str, Any] = {
    "seed": 1,
    "methods": [
        {"id": "m1", "name": "enkf", "label": "EnKF", "params": {}},
        {"id": "m2", "name": "letkf", "label": "LETKF (r=2)", "params": {"r": 2}},
    ],
}


def through_the_stack(client: httpx.Client) -> tuple[float, float]:
    """Seconds from POST to the first `partial`, and to `run_completed`."""
    began = time.perf_counter()
    run_id = client.post("/api/runs", json=REQUEST).raise_for_status().json()["run_id"]
    first = None
    with client.stream("GET", f"/api/runs/{run_id}/events") as stream:
        for line in stream.iter_lines():
            if line == "event: partial" and first is None:
                first = time.perf_counter() - began
            if line == "event: run_completed":
                break
    assert first is not None
    return first, time.perf_counter() - began


def in_the_engine(engine: Engine) -> float:
    """Seconds of the same experiment, computed here."""
    experiment = resolve(REQUEST, declarations(), limits=Limits(), draw_seed=lambda: 1)
    began = time.perf_counter()
    for _ in engine.submit(experiment):
        pass
    return time.perf_counter() - began


def main() -> None:
    rows = []
    with (
        Engine(cache_dir=CACHE) as engine,
        temporary_stack(CACHE) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        in_the_engine(engine)
        through_the_stack(client)
        for _ in range(REPEATS):
            floor = in_the_engine(engine)
            first, total = through_the_stack(client)
            rows.append({"engine": floor, "first partial": first, "run_completed": total})
    figures = {
        name: _spread([row[name] for row in rows])
        for name in ("engine", "first partial", "run_completed")
    }
    figures["run_completed / engine"] = _spread([r["run_completed"] / r["engine"] for r in rows])
    print(f"The seed's request, warm, {REPEATS} times (seconds; the last row is a ratio)")
    for name, (low, middle, high) in figures.items():
        print(f"{name:24} min {low:7.3f}   median {middle:7.3f}   max {high:7.3f}")
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=1))


def _spread(values: list[float]) -> tuple[float, float, float]:
    return min(values), statistics.median(values), max(values)


if __name__ == "__main__":
    main()
