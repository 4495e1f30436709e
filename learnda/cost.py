"""What an experiment will take, known from its request alone, before anything is allocated.

Estimates of the order of magnitude, meant to be a little high: bytes at the peak, floating-point
operations, rows of results. N members, n sites, m observations, R replicates.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass

from learnda.environment import numbers_of
from learnda.experiment import Experiment, MethodInstance
from learnda.problems import InvalidRequest, Problem

COPIES = 12
"""Ensembles that are alive at once while one is carried forward and analysed."""
BLOCK = 1024
"""Local problems that are solved at once."""
SPIN_UP = 500
"""Runge-Kutta steps before the first analysis."""
NATURE_CYCLES = 256
NATURE_BYTES = 64 << 20
"""Truth and observations that wait for the methods: at most so many, or so much."""
_REACH = {"box": 1.0, "step": 1.0, "gaspari-cohn": 3.64}
"""Distance in radii beyond which a taper is zero; the others reach round the ring."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost; the defaults suit a laptop."""

    max_bytes: int = 4 << 30
    """At the peak."""
    max_operations: float = 1e14
    """Some hours on two cores."""
    max_rows: int = 5_000_000
    """Method x replicate x step."""
    max_methods: int = 100
    """Method instances."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Limits:
        """The settings LEARNDA_MAX_BYTES, _OPERATIONS, _ROWS and _METHODS, where they are set."""
        return cls(**numbers_of(cls, environment))


@dataclass(frozen=True, slots=True)
class Cost:
    """An estimate of one experiment."""

    bytes: int
    """At the peak; what is kept of each row is small, and bounded with the rows."""
    operations: float
    """Floating-point operations."""
    rows: int
    """Method x replicate x step."""


def estimate(experiment: Experiment) -> Cost:
    """What ``experiment`` will take; arithmetic on its fields only."""
    e = experiment
    size = 8 if e.precision == "float64" else 4
    members, n, m, replicates = e.ensemble_size, e.lorenz96_n, e.m, e.replicates
    ensemble = replicates * members * n
    rows = len(e.methods) * replicates * e.step_count
    one_cycle = size * replicates * (n + m)
    analyses = [_analysis(e, instance) for instance in e.methods]
    peak = (
        size * ensemble * (COPIES + 2 * len(e.methods))
        + size * max(numbers for numbers, _ in analyses)
        + max(min(NATURE_CYCLES * one_cycle, NATURE_BYTES), 2 * one_cycle)
    )
    runge_kutta = 40.0  # operations per site and step
    forecast = (e.substeps * runge_kutta + 20 + math.log2(members)) * ensemble
    per_cycle = sum(operations + forecast for _, operations in analyses)
    spin_up = SPIN_UP * runge_kutta * (ensemble + replicates * n)
    operations = spin_up + e.step_count * (per_cycle + replicates * n * e.substeps * runge_kutta)
    return Cost(peak, operations, rows)


def admit(experiment: Experiment, limits: Limits) -> Cost:
    """The cost of ``experiment``; InvalidRequest names every field of a too large product."""
    cost = estimate(experiment)
    sites = "m" if experiment.obs_sites is None else "obs_sites"
    sizes = ("replicates", "ensemble_size", "lorenz96_n", sites, "methods")
    steps = ("end_time", "obs_freq")
    products = (
        ("bytes of memory", cost.bytes, limits.max_bytes, (*sizes, "precision")),
        ("operations", cost.operations, limits.max_operations, (*sizes, *steps, "dt")),
        ("rows", cost.rows, limits.max_rows, ("methods", "replicates", *steps)),
    )
    problems: dict[str, Problem] = {}
    for unit, amount, limit, names in products:
        if amount > limit:
            message = (
                f"is refused: {' x '.join(names)} come to about {amount:.2g} {unit}, "
                f"and a run may have {limit:.2g}"
            )
            for name in names:
                problems.setdefault(name, Problem(name, message))
    if problems:
        raise InvalidRequest(list(problems.values()))
    return cost


def _analysis(e: Experiment, instance: MethodInstance) -> tuple[int, float]:
    """Numbers held and operations spent by one analysis of all replicates."""
    members, n, m = e.ensemble_size, e.lorenz96_n, e.m
    taper = instance.params.get("taper", "none")
    if taper == "none":
        side = min(members, m)
        numbers = 3 * members * m + 4 * side**2
        operations = 4.0 * members * m * side + 25.0 * side**3 + 4.0 * members * n * side
        return e.replicates * numbers, e.replicates * operations
    reach = _REACH.get(str(taper), math.inf) * float(instance.params.get("r", n))
    near = n if reach >= n // 2 else min(n, 2 * math.ceil(reach) + 1)
    side = min(members, near)
    numbers = 3 * members * m + 2 * n * near + min(n, BLOCK) * (3 * members * near + 4 * side**2)
    operations = n * (4.0 * members * near * side + 25.0 * side**3)
    return e.replicates * numbers, e.replicates * operations
