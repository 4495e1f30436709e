"""Experiments for the tests, stated briefly, and what comes out of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from compute.engine import Engine
from compute.events import Checkpoint, Event, MethodCompleted, Progress
from compute.registry import declarations
from learnda.cost import Limits
from learnda.experiment import Experiment
from learnda.validation import resolve

STANDARD = {
    "lorenz96_n": 40,
    "m": 40,
    "std_obs": 1.0,
    "obs_freq": 0.05,
    "inf_fact": 1.0,
    "initial": "perturbed-truth",
    "seed": 1,
}
"""Sakov & Oke (2008b): every site observed each 0.05."""


def experiment(*methods: tuple[str, dict[str, Any]], **fields: Any) -> Experiment:
    """A resolved experiment; its methods are called m0, m1 ..."""
    body = {
        "seed": 1,
        **fields,
        "methods": [
            {"id": f"m{i}", "name": name, "params": params}
            for i, (name, params) in enumerate(methods)
        ],
    }
    return resolve(body, declarations(), limits=Limits(), draw_seed=lambda: 1)


def run(engine: Engine, asked: Experiment, **options: Any) -> list[Event]:
    return list(engine.submit(asked, **options))


def series(events: list[Event], method_id: str, name: str) -> np.ndarray:
    """One series of one method over all its steps: [R, steps]; steps must follow each other."""
    chunks = [e for e in events if isinstance(e, Progress) and e.method_id == method_id]
    following = chunks[0].first_step
    for chunk in chunks:
        assert chunk.first_step == following
        following += len(chunk.t)
    return np.concatenate([chunk.replicates[name] for chunk in chunks], axis=1)


def completed(events: list[Event], method_id: str = "m0") -> MethodCompleted:
    (found,) = (e for e in events if isinstance(e, MethodCompleted) and e.method_id == method_id)
    return found


def checkpoints(events: list[Event]) -> list[Checkpoint]:
    return [e for e in events if isinstance(e, Checkpoint)]
