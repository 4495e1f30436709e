"""The original's example request through the whole stack, against pyteda's bare loops.

Ours is timed from the POST to the event, at a viewer: HTTP, PostgreSQL, gRPC, computing and the way
back. pyteda's is its set-up and its loops alone, in its own process, without a service. Rounds
take turns; a ratio is taken within one round. The spin-up of truth and members is the same.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import peer_environment
from benchmarks.figures import Row, Spread, Target, ratios
from benchmarks.requests import SEED_METHODS, TEN_METHODS, request
from benchmarks.viewer import Seen, carry_out
from learnda.local.temporary import temporary_stack

COLD, WARM_DISK = 3, 5
"""Fresh processes."""
WARM = 20
AT_ONCE, AT_ONCE_ROUNDS = 20, 5
ROUNDS = {"two": 3, "ten": 2}
"""Against pyteda."""
IN_A_ROUND = 5
"""Requests of ours in a round, of which the median counts."""
SPIN_UP = 25.0
"""Model time of the spin-up; ours takes 500 steps of 0.05."""

Methods = dict[str, dict[str, Any]]


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="learn-da-bench-") as folder:
        cache = Path(folder) / "warm"
        cold = [_fresh(Path(folder) / f"cold{i}") for i in range(COLD)]
        _fresh(cache)
        disk = [_fresh(cache) for _ in range(WARM_DISK)]
        rows = [
            *_fresh_rows("nothing cached, fresh process", cold, Target(3, at_most=True)),
            *_fresh_rows("warm disk cache, fresh process", disk, Target(0.7, at_most=True)),
        ]
        with temporary_stack(cache) as url:
            for methods in (SEED_METHODS, TEN_METHODS):
                _carry_out(url, methods, 0)
            warm = [_carry_out(url, SEED_METHODS, seed) for seed in range(WARM)]
            rows += [
                _row("warm, two methods: POST to run_completed", map(_total, warm)),
                _row(
                    "warm, two methods: POST to first partial",
                    map(_first, warm),
                    Target(0.05, at_most=True),
                ),
                _at_once(url),
                *_against_pyteda(url),
            ]
    return rows


def _fresh(cache: Path) -> tuple[float, Seen]:
    """Seconds until a new stack is ready, and the request that it is then sent at once."""
    began = time.perf_counter()
    with temporary_stack(cache) as url:
        return time.perf_counter() - began, _carry_out(url, SEED_METHODS, 1)


def _fresh_rows(name: str, found: list[tuple[float, Seen]], target: Target) -> list[Row]:
    seen = [s for _, s in found]
    return [
        _row(f"{name}: start to ready", [ready for ready, _ in found]),
        _row(f"{name}: POST to first partial", map(_first, seen)),
        _row(f"{name}: POST to run_completed", map(_total, seen), target),
    ]


def _at_once(url: str) -> Row:
    """Twenty runs, posted together, each read to its terminal event."""

    async def twenty() -> float:
        began = time.perf_counter()
        await asyncio.gather(
            *(carry_out(url, request(SEED_METHODS, seed)) for seed in range(AT_ONCE))
        )
        return time.perf_counter() - began

    asyncio.run(twenty())
    seconds = [asyncio.run(twenty()) for _ in range(AT_ONCE_ROUNDS)]
    note = "each stream had run_completed and done"
    return _row(f"{AT_ONCE} runs at once, all completed", seconds, Target(1.5, True), note)


def _against_pyteda(url: str) -> list[Row]:
    try:
        peer_environment.prepare()
    except peer_environment.PeersUnavailable as error:
        return [Row("pyteda", note=str(error))]
    rows = []
    for name, methods in (("two", SEED_METHODS), ("ten", TEN_METHODS)):
        ours, theirs = [], []
        for seed in range(1, ROUNDS[name] + 1):
            theirs.append(_pyteda(methods, seed))
            found = [_carry_out(url, methods, seed) for _ in range(IN_A_ROUND)]
            ours.append(statistics.median(map(_total, found)))
        rows += [
            _row(f"{name} methods: pyteda's set-up and loops", theirs),
            Row(
                f"{name} methods: ours, POST to run_completed",
                Spread.of(ours),
                "s",
                ratios(theirs, ours),
                "times faster",
                Target(100),
            ),
        ]
    return rows


def _pyteda(methods: Methods, seed: int) -> float:
    """Seconds of pyteda's set-up and loops for the same request."""
    job = {
        "m": 32,
        "std_obs": 0.01,
        "obs_freq": 0.1,
        "end_time": 10.0,
        "burn_in": 0.0,
        "ensemble_size": 20,
        "inf_fact": 1.04,
        "seed": seed,
        "spin_up": SPIN_UP,
        "perturbation": 0.5,
        "member_spin_up": SPIN_UP,
        "methods": methods,
    }
    (answer,) = peer_environment.call("peer_pyteda.py", [job])
    seconds: float = answer["seconds"]
    return seconds


def _carry_out(url: str, methods: Methods, seed: int) -> Seen:
    return asyncio.run(carry_out(url, request(methods, seed)))


def _first(seen: Seen) -> float:
    return seen.first_partial - seen.posted


def _total(seen: Seen) -> float:
    return seen.completed - seen.posted


def _row(name: str, seconds: Iterable[float], target: Target | None = None, note: str = "") -> Row:
    return Row(name, Spread.of(seconds), "s", target=target, note=note)
