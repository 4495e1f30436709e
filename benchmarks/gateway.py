"""The gateway: events per second from the stream to its viewers, CSV megabytes per second.

One long run is watched by 1, 50 and 500 viewers while it goes on, and again from the database when
it has ended. Viewers decode nothing; they share this machine's processors with the service. Rates
are of all viewers together, from the first request to the last viewer's `done`; while the run goes
on they cannot exceed viewers times the rate at which events are made.
"""

from __future__ import annotations

import asyncio
import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Row, Spread
from benchmarks.requests import request
from benchmarks.viewer import Seen, carry_out, download, post, watch
from learnda.local.temporary import temporary_stack

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "jax"
LOG = CACHE.parent / "bench" / "gateway.log"
VIEWERS = (1, 50, 500)
REPEATS = {1: 3, 50: 3, 500: 1}
METHODS: dict[str, dict[str, Any]] = {"enkf": {}, "etkf": {}}
LONG: dict[str, Any] = {"end_time": 199.0}
"""1991 steps of each method: about as many `partial` events as a stream has at most."""
TABLE: dict[str, Any] = {"end_time": 199.0, "replicates": 8}
"""15,928 rows of each method."""
DOWNLOADS = 5


def measure() -> list[Row]:
    _allow_many_sockets()
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("w") as log:
        os.dup2(log.fileno(), 2)  # what the service says is not for the table
    with temporary_stack(CACHE) as url:
        return asyncio.run(_measure(url))


async def _measure(url: str) -> list[Row]:
    finished = await carry_out(url, request(METHODS, **LONG))
    rows = []
    for viewers in VIEWERS:
        live, replayed = [], []
        for seed in range(REPEATS[viewers]):
            run_id = await post(url, request(METHODS, seed, **LONG))
            live.append(await _watched(url, run_id, viewers))
            replayed.append(await _watched(url, finished.run_id, viewers))
        label = f"{viewers} viewer" + ("s" if viewers > 1 else "")
        rows.append(_row(f"{label}, while it runs", live))
        rows.append(_row(f"{label}, when it has ended", replayed))
    return [*rows, await _csv(url)]


@dataclass(frozen=True)
class Watched:
    """One run as all its viewers together saw it."""

    rate: float
    """`partial` events per second, of those viewers that saw the end."""
    broken: int
    """Viewers whose stream ended before the run's terminal event."""


async def _watched(url: str, run_id: str, viewers: int) -> Watched:
    began = time.perf_counter()
    streams = (watch(url, run_id) for _ in range(viewers))
    found = await asyncio.gather(*streams, return_exceptions=True)
    seconds = time.perf_counter() - began
    counts = [seen.partials for seen in found if isinstance(seen, Seen)]
    if len(set(counts)) > 1:
        raise AssertionError(f"viewers of one run saw different numbers of events: {set(counts)}")
    return Watched(sum(counts) / seconds, viewers - len(counts))


def _row(name: str, watched: list[Watched]) -> Row:
    broken = max(w.broken for w in watched)
    note = f"up to {broken} streams broke, see {LOG.name}" if broken else ""
    return Row(name, Spread.of(w.rate for w in watched), "events/s", note=note)


async def _csv(url: str) -> Row:
    table = await carry_out(url, request(METHODS, **TABLE))
    rates = []
    for _ in range(DOWNLOADS):
        began = time.perf_counter()
        size = await download(url, f"/api/runs/{table.run_id}/csv")
        rates.append(size / (time.perf_counter() - began) / 1e6)
    return Row("CSV", Spread.of(rates), "MB/s", note=f"{size / 1e6:.0f} MB")


def _allow_many_sockets() -> None:
    """As many open files as this process, and the service that it starts, may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
