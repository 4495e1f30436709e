"""Lorenz-96, Runge-Kutta: member-steps per second, against plain NumPy and a C kernel.

Ours shares the members out over the workers as the call Integrate does. The C kernel is compiled
here, for this processor; without a compiler its rows say so. All take their turns; a ratio is taken
within one round. States come and go in the same layout [members, n].
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Row, Spread, Target, ratios
from compute import lorenz96
from compute.integration_job import Parts
from compute.programs import USUAL
from compute.workers import Workers

SOURCE = Path(__file__).with_name("lorenz96.c")
BUILD = Path(__file__).resolve().parent.parent / ".cache" / "bench"
FORCING, DT = 8.0, 0.05
ROUNDS = 7
CHECK_STEPS = 5
"""Steps after which all must agree: before chaos tells rounding errors apart."""
TOLERANCE = {"float64": 1e-11, "float32": 1e-4}
"""Of the difference, relative to the forcing."""

States = NDArray[Any]
Integrate = Callable[[States, int], Any]
"""States [members, n] and steps to the states after them."""


@dataclass(frozen=True)
class Case:
    """One size; ``steps`` in one call."""

    n: int
    members: int
    steps: int
    target: Target | None = None

    def __str__(self) -> str:
        return f"n = {self.n:,}, {self.members:,} members, {self.steps:,} steps"


CASES = (
    Case(40, 20, 5000),
    Case(40, 1000, 200, Target(0.25, aim=0.5)),
    Case(40, 100_000, 8, Target(0.25, aim=0.5)),
    Case(10_000, 100, 40),
)


def measure() -> list[Row]:
    return [row for case in CASES for dtype in TOLERANCE for row in compare(case, dtype)]


def compare(case: Case, dtype: str, rounds: int = ROUNDS) -> list[Row]:
    """Ours, NumPy and C on one size."""
    with jax.enable_x64(dtype == "float64"), closing(Workers.of_device()) as workers:
        random = np.random.default_rng(case.members)
        states = random.normal(FORCING / 3, 3, (case.members, case.n)).astype(dtype)
        contenders: dict[str, Integrate] = {"ours": _ours(workers), "NumPy": _numpy}
        kernel, problem = _kernel(dtype)
        if kernel is not None:
            contenders |= {"C, 1 thread": kernel(1), "C, 2 threads": kernel(2)}
        disagreement = _disagreement(contenders, states)
        if disagreement > TOLERANCE[dtype]:
            raise AssertionError(f"{case}, {dtype}: they differ by {disagreement:.1e}")
        rates = _rates(contenders, states, case, rounds)

    ours = rates["ours"]
    unit = "member-steps/s"
    rows = [Row(f"{case}, {dtype}", Spread.of(ours), unit, ratios(ours, rates["NumPy"]), "NumPy")]
    if kernel is None:
        return [*rows, Row("  C", note=problem)]
    for name in ("C, 1 thread", "C, 2 threads"):
        target = case.target if name == "C, 2 threads" else None
        figure = Spread.of(rates[name])
        rows.append(Row(f"  {name}", figure, unit, ratios(ours, rates[name]), "ours / C", target))
    return rows


def _rates(
    contenders: dict[str, Integrate], states: States, case: Case, rounds: int
) -> dict[str, list[float]]:
    """Member-steps per second of each, taken in turn."""
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, integrate in contenders.items():
            given = states.copy()  # the C kernel works in place
            began = time.perf_counter()
            integrate(given, case.steps)
            rates[name].append(case.members * case.steps / (time.perf_counter() - began))
    return rates


def _disagreement(contenders: dict[str, Integrate], states: States) -> float:
    """The largest relative difference to NumPy after a few steps; compiles on the way."""
    results = {name: f(states.copy(), CHECK_STEPS) for name, f in contenders.items()}
    wanted = results.pop("NumPy")
    return max(float(np.abs(found - wanted).max()) for found in results.values()) / FORCING


def _ours(workers: Workers) -> Integrate:
    def steps_of(x: States, steps: Any) -> Any:
        return lorenz96.integrate(x, FORCING, DT, steps)

    compiled = jax.jit(steps_of, compiler_options=USUAL)  # as the engine compiles it

    def integrate_part(part: States, steps: int) -> Any:
        return np.asarray(compiled(part, np.int32(steps)))

    def integrate(states: States, steps: int) -> States:
        parts = Parts.of(states.shape, workers.count)
        calls = [workers.submit(integrate_part, part, steps) for part in parts.split(states)]
        return parts.join([call.result() for call in calls])

    return integrate


def _numpy(states: States, steps: int) -> States:
    """As one writes it with array slices."""

    def tendency(x: States) -> Any:
        ring = np.concatenate([x[:, -2:], x, x[:, :1]], axis=1)
        return (ring[:, 3:] - ring[:, :-3]) * ring[:, 1:-2] - x + x.dtype.type(FORCING)

    dt = states.dtype.type(DT)
    for _ in range(steps):
        k1 = tendency(states)
        k2 = tendency(states + dt / 2 * k1)
        k3 = tendency(states + dt / 2 * k2)
        k4 = tendency(states + dt * k3)
        states = states + dt / 6 * (k1 + 2 * (k2 + k3) + k4)
    return states


def _kernel(dtype: str) -> tuple[Callable[[int], Integrate] | None, str]:
    """The C kernel for so many threads; or None, and why."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None, "no C compiler here"
    real, c_real = {"float64": ("double", ctypes.c_double), "float32": ("float", ctypes.c_float)}[
        dtype
    ]
    BUILD.mkdir(parents=True, exist_ok=True)
    library = BUILD / f"lorenz96-{real}.so"
    flags = ["-O3", "-march=native", "-shared", "-fPIC", "-pthread", f"-DREAL={real}"]
    command = [compiler, *flags, "-o", str(library), str(SOURCE)]
    built = subprocess.run(command, capture_output=True, text=True)
    if built.returncode != 0:
        return None, f"the C compiler failed: {(built.stderr.strip().splitlines() or ['?'])[-1]}"
    function = ctypes.CDLL(str(library)).integrate
    size = ctypes.c_size_t
    function.argtypes = [ctypes.c_void_p, size, size, size, c_real, c_real, size]
    function.restype = ctypes.c_int

    def on(threads: int) -> Integrate:
        def integrate(states: States, steps: int) -> States:
            members, n = states.shape
            if function(states.ctypes.data, members, n, steps, FORCING, DT, threads) != 0:
                raise MemoryError("the C kernel could not run")
            return states

        return integrate

    return on, ""
