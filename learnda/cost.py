"""What an experiment will take, known from its request alone, before anything is allocated.

Estimates of the order of magnitude, meant to be a little high: bytes at the peak, floating-point
operations, rows of results. N members, n sites, m observations, R replicates.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from learnda.environment import numbers_of
from learnda.experiment import Experiment, MethodInstance
from learnda.problems import InvalidRequest, Problem

COPIES = 8
"""Ensembles that are alive at once while one is carried forward, analysed and judged."""
BUFFERED = 512
"""Ensembles that a buffer of cycles holds, with what is computed of them ..."""
BUFFER_BYTES = 128 << 20
"""... at most so much; of ensembles of which this holds less than 64, none is buffered."""
BLOCK = 512
"""Local problems that are solved at once."""
SPIN_UP = 500
"""Runge-Kutta steps before the first analysis."""
NATURE_CYCLES = 256
NATURE_BYTES = 64 << 20
"""Truth and observations that wait for the methods: at most so many, or so much."""
RUNGE_KUTTA = 40.0
"""Operations per site and Runge-Kutta step."""
EIGH = 25.0
"""Operations of an eigen-decomposition, over the cube of its side."""
UNBROKEN = 2e12
"""Operations of one cycle that any server takes: a minute or two of a core."""
UNBROKEN_PART = 1 / 50
"""Of all that a request may have: a server that takes larger ones takes longer cycles."""
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

    @property
    def max_unbroken(self) -> float:
        """Operations of one cycle or analysis: in its midst nothing can be cancelled."""
        return min(self.max_operations, max(UNBROKEN, UNBROKEN_PART * self.max_operations))

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
    unbroken: float = 0.0
    """Operations of the longest cycle of one method: all its instances may be one call."""


def estimate(experiment: Experiment) -> Cost:
    """What ``experiment`` will take; arithmetic on its fields only. Without methods: its nature."""
    e = experiment
    size = 8 if e.precision == "float64" else 4
    members, n, m, replicates = e.ensemble_size, e.lorenz96_n, e.m, e.replicates
    ensemble = replicates * members * n
    rows = len(e.methods) * replicates * e.step_count
    one_cycle = size * replicates * (n + m)
    buffered = len(e.methods) > 0 and 64 * size * ensemble <= BUFFER_BYTES
    analyses = [analysis_cost(e, instance) for instance in e.methods]
    peak = (
        size * ensemble * (COPIES + len(e.methods))
        + (min(size * ensemble * BUFFERED, BUFFER_BYTES) if buffered else 0)
        + size * max((numbers for numbers, _ in analyses), default=0)
        + max(min(NATURE_CYCLES * one_cycle, NATURE_BYTES), 2 * one_cycle)
        + size * replicates * e.forecast_leads * n * 2 * len(e.methods)
    )
    ahead = replicates * e.forecast_leads * n
    forecast = (e.substeps * RUNGE_KUTTA + 20 + math.log2(members)) * (ensemble + ahead)
    cycles = [operations + forecast for _, operations in analyses]
    nature = replicates * n * e.substeps * RUNGE_KUTTA
    spin_up = SPIN_UP * RUNGE_KUTTA * (ensemble + replicates * n)
    operations = spin_up + e.step_count * (sum(cycles) + nature)
    calls = {instance.name: 0.0 for instance in e.methods}
    for instance, one in zip(e.methods, cycles, strict=True):
        calls[instance.name] += one
    return Cost(peak, operations, rows, max([nature, *calls.values()]))


def admit(experiment: Experiment, limits: Limits) -> Cost:
    """The cost of ``experiment``; InvalidRequest names every field of a too large product."""
    cost = estimate(experiment)
    sites = "m" if experiment.obs_sites is None else "obs_sites"
    several = ("methods",) if experiment.methods else ()
    sizes = ("replicates", "ensemble_size", "lorenz96_n", sites, *several)
    steps = ("end_time", "obs_freq")
    products = (
        ("bytes of memory", cost.bytes, limits.max_bytes, (*sizes, "precision")),
        ("operations", cost.operations, limits.max_operations, (*sizes, *steps, "dt")),
        ("operations in one cycle", cost.unbroken, limits.max_unbroken, (*sizes, "obs_freq", "dt")),
        ("rows", cost.rows, limits.max_rows, ("methods", "replicates", *steps)),
    )
    refuse_beyond("run", products)
    return cost


Product = tuple[str, float, float, tuple[str, ...]]
"""Its unit, what it comes to, its limit, and the fields that it is made of."""


def refuse_beyond(what: str, products: Iterable[Product]) -> None:
    """InvalidRequest where a product is over its limit: it names each of its fields."""
    problems: dict[str, Problem] = {}
    for unit, amount, limit, names in products:
        if amount > limit:
            message = (
                f"is refused: {' x '.join(names)} come to about {amount:.2g} {unit}, "
                f"and a {what} may have {limit:.2g}"
            )
            for name in names:
                problems.setdefault(name, Problem(name, message))
    if problems:
        raise InvalidRequest(list(problems.values()))


class Sizes(Protocol):
    """What the cost of an analysis depends on, besides the method: an experiment, say."""

    @property
    def ensemble_size(self) -> int: ...
    @property
    def lorenz96_n(self) -> int: ...
    @property
    def m(self) -> int: ...
    @property
    def replicates(self) -> int: ...
    @property
    def substeps(self) -> int: ...
    @property
    def obs_error_correlation(self) -> float: ...


def analysis_cost(e: Sizes, instance: MethodInstance, near: int | None = None) -> tuple[int, float]:
    """Numbers held and operations spent by one analysis of all replicates; ``near`` observations
    count at a site, where that is known.
    """
    members, n, m = e.ensemble_size, e.lorenz96_n, e.m
    numbers, operations = 2 * n, 2.0 * members * n
    match instance.work:
        case "none":
            pass
        case "transform" | "members" if instance.params.get("taper", "none") != "none":
            numbers, operations = _local(e, instance, near)
        case "transform":
            side = min(members, m)
            numbers = 3 * members * m + 4 * side**2
            operations = members * side * (4.0 * m + 4 * n) + EIGH * side**3
        case "members":
            numbers = 4 * members**2
            operations = 4.0 * members**2 * n + EIGH * members**3
        case "serial":
            numbers = 2 * members * (n + m)
            operations = 6.0 * m * members * (n + m)
        case "observations":
            numbers = 3 * m * (m + n) + 2 * members * m
            operations = float(m) ** 3 + 2.0 * members * m * (m + n)
        case "matrix":
            numbers = 6 * n**2 + 3 * n * m + 2 * members * m
            operations = 2.0 * n**3 + 2.0 * n * m**2 + 2.0 * members * n * (n + m)
        case "tangent":
            numbers = 6 * n**2 + 3 * n * m
            rounds = float(instance.params.get("iterations", 1)) + 1
            operations = rounds * (e.substeps * (4.0 * n**3 + RUNGE_KUTTA * n**2) + float(m) ** 3)
        case "iterated":
            numbers = 3 * members * m + 8 * members**2
            rounds = float(instance.params.get("iterations", 1))
            forecast = e.substeps * RUNGE_KUTTA * members * n
            each = forecast + 4.0 * members**2 * (m + n) + EIGH * members**3
            operations = rounds * each
    if e.obs_error_correlation > 0:
        numbers += 3 * m**2
        operations += float(m) ** 3 + 2.0 * members * m**2
    return e.replicates * numbers, e.replicates * operations


def _local(e: Sizes, instance: MethodInstance, near: int | None) -> tuple[int, float]:
    """One small problem for each site, in blocks."""
    members, n, m = e.ensemble_size, e.lorenz96_n, e.m
    if near is None:
        taper = str(instance.params["taper"])
        reach = _REACH.get(taper, math.inf) * float(instance.params.get("r", n))
        near = n if reach >= n // 2 else min(n, 2 * math.ceil(reach) + 1)
    side = members if instance.work == "members" else min(members, near)
    block = min(n, BLOCK)
    numbers = 3 * members * m + 2 * n * near + block * (3 * members * near + 4 * side**2)
    return numbers, n * (4.0 * members * near * side + EIGH * side**3)
