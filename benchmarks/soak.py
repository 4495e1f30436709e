"""An hour of ordinary use, and what it does to the memory of each process.

    python -m benchmarks.soak --minutes 60 --log soak.csv

Runs of several shapes are posted at a steady pace, watched by viewers of whom some leave early,
cancelled, deleted, read as CSV and listed; old runs are removed after two minutes. Memory is what a
process has allocated (Pss_Anon in /proc/PID/smaps_rollup), without Postgres' shared buffers: a page
of these is "private" for as long as only one process has touched it. Postgres' processes are told
apart by what they do. The last half of each process that lived through it is judged by its first
and last quarter: the median of these. Connections come and go, and their backends with them.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from learnda.local.temporary import temporary_stack

SAMPLE_SECONDS = 15.0
PAUSE_SECONDS = 2.0
"""Between two runs: the machine is not to be full."""
TTL_SECONDS = 120
METHODS = ("enkf", "etkf", "letkf", "ensrf", "3dvar", "enkf-n")
POSTGRES_PROCESSES = {"autovacuum", "background", "checkpointer", "io", "logical", "walwriter"}
"""By the first word of what they call themselves; the others are backends of connections."""
SHAPES = (
    {"ensemble_size": 20, "end_time": 20.0},
    {"ensemble_size": 28, "end_time": 50.0, "m": 40, "std_obs": 1.0},
    {"ensemble_size": 10, "end_time": 10.0, "replicates": 4},
)


class Counts(defaultdict[str, int]):
    """What was done, by name."""


async def use(url: str, seconds: float, counts: Counts) -> None:
    """Post runs and look at them for so long."""
    rng = random.Random(1)
    deadline = time.monotonic() + seconds
    async with httpx.AsyncClient(base_url=url, timeout=60) as api, asyncio.TaskGroup() as tasks:
        while time.monotonic() < deadline:
            tasks.create_task(_one(api, rng, counts))
            await asyncio.sleep(PAUSE_SECONDS)


async def _one(api: httpx.AsyncClient, rng: random.Random, counts: Counts) -> None:
    methods = [{"id": f"m{k}", "name": name} for k, name in enumerate(rng.sample(METHODS, 2))]
    body: dict[str, Any] = {**rng.choice(SHAPES), "seed": rng.randrange(1000), "methods": methods}
    answer = await api.post("/api/runs", json=body)
    counts[f"POST {answer.status_code}"] += 1
    path = f"/api/runs/{answer.raise_for_status().json()['run_id']}"
    viewers = [_watch(api, path, leaves=rng.random() < 0.3, counts=counts) for _ in range(4)]
    if rng.random() < 0.1:
        await api.post(f"{path}/cancel")
        counts["cancelled"] += 1
    await asyncio.gather(*viewers)
    await api.get(f"{path}/csv")
    await api.get("/api/runs", params={"limit": 20})
    await api.get("/metrics")
    if rng.random() < 0.2:
        await api.delete(path)
        counts["deleted"] += 1


async def _watch(api: httpx.AsyncClient, path: str, *, leaves: bool, counts: Counts) -> None:
    async with api.stream("GET", f"{path}/events") as answer:
        async for line in answer.aiter_lines():
            if leaves and line == "event: partial":
                counts["viewers that left"] += 1
                return
            if line == "event: done":
                counts["viewers to the end"] += 1
                return
    counts["streams that broke"] += 1


async def sample(log: Path, began: float) -> None:
    """Write the memory of each process every some seconds, until cancelled."""
    with log.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["seconds", "process", "bytes"])
        while True:
            for pid, name in descendants(os.getpid()):
                size = allocated_bytes(pid)
                if size:
                    rows.writerow([f"{time.monotonic() - began:.0f}", f"{name} {pid}", size])
            file.flush()
            await asyncio.sleep(SAMPLE_SECONDS)


def descendants(parent: int) -> Iterator[tuple[int, str]]:
    """The processes below ``parent``, each with the name of what it is."""
    children = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            children[int(stat.read_text().rpartition(")")[2].split()[1])].append(stat.parent)
        except (OSError, IndexError):
            continue  # it has just ended
    waiting = [parent]
    while waiting:
        for folder in children[waiting.pop()]:
            waiting.append(int(folder.name))
            try:
                words = (folder / "cmdline").read_text().replace("\0", " ").split()
            except OSError:
                continue
            if words:
                yield int(folder.name), _name(words)


def _name(words: list[str]) -> str:
    """Of a process with this command line; Postgres' own processes rename themselves."""
    if words[-1] in ("compute", "gateway", "up"):
        return words[-1]
    if words[0] != "postgres:":
        return "postgres"
    return f"postgres {words[1]}" if words[1] in POSTGRES_PROCESSES else "postgres backend"


def allocated_bytes(pid: int) -> int:
    """What the process has allocated; 0 of one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))


def summary(log: Path) -> str:
    """How each process grew, in one line each."""
    series = defaultdict(list)
    with log.open() as file:
        for row in csv.DictReader(file):
            series[row["process"]].append((float(row["seconds"]), int(row["bytes"])))
    end = max(points[-1][0] for points in series.values())
    lived = {
        name: points
        for name, points in series.items()
        if points[0][0] <= end / 2 and points[-1][0] >= end - 2 * SAMPLE_SECONDS
    }
    lines = []
    for name, points in lived.items():
        half = [size for second, size in points if second >= end / 2]
        quarter = max(1, len(half) // 4)
        first, last = statistics.median(half[:quarter]), statistics.median(half[-quarter:])
        start, middle, final = (size / 2**20 for size in (points[0][1], half[0], half[-1]))
        lines.append(
            f"{name:28} {start:7.1f} MiB at first, {middle:7.1f} halfway, {final:7.1f} at the end:"
            f" {100 * (last / first - 1):+.2f} % within the last half"
        )
    lines.append(f"{len(series) - len(lived)} others came or went within the last half, or before")
    return "\n".join(lines)


async def _soak(url: str, seconds: float, log: Path) -> Counts:
    counts = Counts(int)
    sampling = asyncio.create_task(sample(log, time.monotonic()))
    try:
        await use(url, seconds, counts)
    finally:
        sampling.cancel()
    return counts


def main() -> None:
    """Soak, and print what became of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--log", type=Path, default=Path("soak.csv"))
    wanted = parser.parse_args()
    os.environ["EVENT_TTL_SECONDS"] = str(TTL_SECONDS)
    os.environ["CLEANUP_INTERVAL_SECONDS"] = "10"
    os.environ.pop("DATABASE_URL", None)
    with TemporaryDirectory() as cache, temporary_stack(Path(cache)) as url:
        counts = asyncio.run(_soak(url, 60 * wanted.minutes, wanted.log))
    print(", ".join(f"{name}: {count}" for name, count in sorted(counts.items())))
    print(summary(wanted.log))
    sys.exit(1 if counts["streams that broke"] else 0)


if __name__ == "__main__":
    main()
