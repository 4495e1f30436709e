"""The bare twin experiment, cycle after cycle: against DAPPER and pyteda, in cycles per second.

The setting is that of Sakov & Oke (2008b): n = 40, all observed each 0.05 with unit error. Both
sides rotate nothing. A ratio is taken within one round, in which the peers and then ours have their
turn. The RMSEs show that they do the same work; pyteda's are of few cycles.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import peer_environment
from benchmarks.figures import Row, Spread, Target, ratios
from compute.engine import Engine
from compute.events import MethodCompleted
from compute.registry import declarations
from learnda.cost import Limits
from learnda.validation import resolve

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "jax"
ROUNDS = 3
DT = 0.05
BURN_IN = 20.0
DAPPER_CYCLES = 1000
PYTEDA_CYCLES = 200
PYTEDA_BURN_IN = 5.0
REPLICATES = 64
OUR_SECONDS = 1.0
"""About what one run of ours takes: its length follows from a short one."""
SHORT_CYCLES = 20
LENGTHS = {1: (1000, 20_000), REPLICATES: (40, 2000)}
"""Cycles of one run of ours, at least and at most, by replicates."""


@dataclass(frozen=True)
class Setting:
    """One method as each side calls it; a side that lacks it has None."""

    name: str
    members: int
    inflation: float
    params: dict[str, Any] = field(default_factory=dict)
    dapper: tuple[str, dict[str, Any]] | None = None
    pyteda: dict[str, Any] | None = None
    single: Target | None = None
    """Of our rate over DAPPER's."""
    batched: Target | None = None
    note: str = ""

    def __str__(self) -> str:
        return f"{self.name}, {self.members} members"


def _local(taper: str, radius: int) -> dict[str, Any]:
    return {"taper": taper, "r": radius}


SETTINGS = (
    Setting(
        "etkf", 28, 1.02, {}, ("EnKF", {"upd_a": "Sqrt"}), {}, single=Target(30), batched=Target(50)
    ),
    Setting("enkf", 40, 1.06, {}, ("EnKF", {"upd_a": "PertObs"}), {}),
    Setting(
        "letkf",
        7,
        1.04,
        _local("gaspari-cohn", 4),
        ("LETKF", {"loc_rad": 4}),
        single=Target(30),
        batched=Target(30),
        note="DAPPER analyses domains of two sites",
    ),
    Setting("letkf", 10, 1.04, _local("box", 4), pyteda={"r": 4}),
    Setting("denkf", 40, 1.01, {}, ("EnKF", {"upd_a": "DEnKF"})),
    Setting(
        "ensrf", 28, 1.02, {}, ("EnKF", {"upd_a": "Serial"}), {}, note="pyteda's is a batch form"
    ),
    Setting("eakf", 7, 1.07, _local("gaspari-cohn", 6), ("SL_EAKF", {"loc_rad": 6})),
    Setting("enkf-n", 24, 1.0, {"xN": 2.0}, ("EnKF_N", {"xN": 2.0})),
)


@dataclass(frozen=True)
class Loop:
    """What one run of one side gave."""

    rate: float
    """Cycles per second, of all replicates together."""
    rmse: float


Rounds = dict[str, list[Loop]]
"""By side: dapper, pyteda, single, batched."""


def measure() -> list[Row]:
    problem = ""
    try:
        peer_environment.prepare()
    except peer_environment.PeersUnavailable as error:
        problem = str(error)
    found: list[Rounds] = [{} for _ in SETTINGS]
    with Engine(cache_dir=CACHE) as engine:
        lengths = [{count: _length(engine, s, count) for count in LENGTHS} for s in SETTINGS]
        for seed in range(1, ROUNDS + 1):
            turn = [] if problem else [("dapper", _dapper(seed)), ("pyteda", _pyteda(seed))]
            for side, count in (("single", 1), ("batched", REPLICATES)):
                mine: list[Loop | None] = [
                    _ours(engine, setting, count, length[count], seed)
                    for setting, length in zip(SETTINGS, lengths, strict=True)
                ]
                turn.append((side, mine))
            for side, loops in turn:
                for rounds, loop in zip(found, loops, strict=True):
                    if loop is not None:
                        rounds.setdefault(side, []).append(loop)
    rows = [row for s, rounds in zip(SETTINGS, found, strict=True) for row in _rows(s, rounds)]
    return [Row("peers", note=problem), *rows] if problem else rows


def _rows(setting: Setting, rounds: Rounds) -> list[Row]:
    """A line for each side, and for each ratio of ours to a peer."""
    rows = []
    for peer, label in (("dapper", "DAPPER"), ("pyteda", "pyteda")):
        if peer in rounds:
            note = setting.note if label in setting.note else ""
            rows.append(_row(f"{setting}: {label}", rounds[peer], note))
    for side, label in (("single", "ours, single"), ("batched", f"ours, {REPLICATES} replicates")):
        mine = rounds[side]
        compared = [peer for peer in rounds if peer in ("dapper", "pyteda")]
        for peer in compared or [""]:
            target = getattr(setting, side) if peer == "dapper" else None
            rows.append(_row(f"{setting}: {label}", mine, "", rounds.get(peer), peer, target))
    return rows


def _row(
    name: str,
    loops: list[Loop],
    note: str,
    peer: list[Loop] | None = None,
    to: str = "",
    target: Target | None = None,
) -> Row:
    rmse = Spread.of(loop.rmse for loop in loops).middle
    note = f"RMSE {rmse:.3f}" + (f"; {note}" if note else "")
    rates = [loop.rate for loop in loops]
    ratio = ratios(rates, [loop.rate for loop in peer]) if peer else None
    return Row(name, Spread.of(rates), "cycles/s", ratio, to, target, note)


def _length(engine: Engine, setting: Setting, replicates: int) -> int:
    """Cycles of a run of about OUR_SECONDS; what it needs is compiled on the way."""
    _ours(engine, setting, replicates, 2, seed=1)
    short = _ours(engine, setting, replicates, SHORT_CYCLES, seed=1)
    least, most = LENGTHS[replicates]
    return int(min(max(short.rate / replicates * OUR_SECONDS, least), most))


def _ours(engine: Engine, setting: Setting, replicates: int, cycles: int, seed: int) -> Loop:
    """Our loop, from the submission to the last event: truth, observations and scores included."""
    body = {
        "lorenz96_n": 40,
        "m": 40,
        "std_obs": 1.0,
        "obs_freq": DT,
        "end_time": (cycles - 1) * DT,
        "burn_in": min(BURN_IN, cycles * DT / 2),
        "initial": "perturbed-truth",
        "ensemble_size": setting.members,
        "replicates": replicates,
        "seed": seed,
        "methods": [
            {
                "id": "m",
                "name": setting.name,
                "params": {**setting.params, "inf_fact": setting.inflation},
            }
        ],
    }
    experiment = resolve(body, declarations(), limits=Limits(), draw_seed=lambda: seed)
    began = time.perf_counter()
    events = list(engine.submit(experiment))
    seconds = time.perf_counter() - began
    (completed,) = (event for event in events if isinstance(event, MethodCompleted))
    rmse = completed.metrics["rmse_analysis"]
    return Loop(replicates * experiment.step_count / seconds, math.nan if rmse is None else rmse)


def _dapper(seed: int) -> list[Loop | None]:
    jobs = []
    for setting in SETTINGS:
        if setting.dapper is not None:
            method, arguments = setting.dapper
            arguments = {"N": setting.members, "infl": setting.inflation, **arguments}
            jobs.append(
                {
                    "method": method,
                    "arguments": arguments,
                    "cycles": DAPPER_CYCLES,
                    "burn_in": BURN_IN,
                    "seed": seed,
                }
            )
    answers = iter(peer_environment.call("peer_dapper.py", jobs))
    return [None if s.dapper is None else _loop(next(answers)) for s in SETTINGS]


def _pyteda(seed: int) -> list[Loop | None]:
    jobs = [
        {
            "m": 40,
            "std_obs": 1.0,
            "obs_freq": DT,
            "end_time": (PYTEDA_CYCLES - 1) * DT,
            "burn_in": PYTEDA_BURN_IN,
            "ensemble_size": setting.members,
            "inf_fact": setting.inflation,
            "seed": seed,
            "spin_up": 25.0,
            "perturbation": 0.2,
            "member_spin_up": 0.0,
            "methods": {setting.name: setting.pyteda},
        }
        for setting in SETTINGS
        if setting.pyteda is not None
    ]
    answers = iter(peer_environment.call("peer_pyteda.py", jobs))
    return [None if s.pyteda is None else _loop(next(answers)["methods"][s.name]) for s in SETTINGS]


def _loop(answer: dict[str, Any]) -> Loop:
    return Loop(answer["cycles"] / answer["seconds"], answer["rmse"])
