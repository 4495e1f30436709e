"""How long a run would take here, judged by those that were completed lately. Pure.

Operations are counted roughly, and how many are done in a second depends on the filter and on the
size of its arrays: the runs that count are the few that are most like the one in question.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

from learnda.cost import estimate
from learnda.experiment import Experiment

DEFAULT_RATE: Final = 5e9
"""Operations per second: the middle of what the methods reach on two cores."""
DEFAULT_OVERHEAD: Final = 0.02
"""Seconds that a run takes however small it is, on two cores."""
TINY: Final = 5e8
"""Operations of a run that says more about the overhead than about the rate."""
NEAREST: Final = 5
"""Runs that are compared with; their median counts."""
OTHER_METHODS: Final = 3.0
"""How far apart runs of other methods are, in powers of e of their size."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a run asks for."""

    operations: float
    step_count: int
    methods: Collection[str]
    """Their names."""


@dataclass(frozen=True, slots=True)
class Done:
    """A run that was completed in one piece, without waiting for a compilation."""

    work: Work
    seconds: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Seconds from the start of a run to its end, when no other run goes on."""

    seconds: float
    basis: Literal["history", "default"]


def work_of(experiment: Experiment) -> Work:
    """The work of an experiment."""
    names = {method.name for method in experiment.methods}
    return Work(estimate(experiment).operations, experiment.step_count, names)


def forecast(work: Work, history: Sequence[Done]) -> Forecast:
    """The overhead, and operations at the rate of runs alike: of large ones where there are any."""
    if not history:
        return Forecast(DEFAULT_OVERHEAD + work.operations / DEFAULT_RATE, "default")
    large = [done for done in history if done.work.operations >= TINY]
    tiny = [done for done in history if done.work.operations < TINY]
    near = sorted(large or tiny, key=lambda done: _distance(work, done.work))[:NEAREST]
    rate = median(done.work.operations / done.seconds for done in near)
    overhead = 0.0
    if large:
        idle = [max(0.0, done.seconds - done.work.operations / rate) for done in tiny]
        overhead = median(idle) if idle else DEFAULT_OVERHEAD
    return Forecast(overhead + work.operations / rate, "history")


def _distance(one: Work, other: Work) -> float:
    sizes = [work.operations / work.step_count for work in (one, other)]
    shared = set(one.methods) & set(other.methods)
    either = set(one.methods) | set(other.methods)
    return abs(math.log(sizes[0] / sizes[1])) + OTHER_METHODS * (1 - len(shared) / len(either))
