"""One analysis as n, members and observations grow, and what memory it needs.

An exponent is the slope of a straight line through the logarithms. A sweep ends before a size that
would take too long or too much memory, and says where. Peak memory is the compiled program's own
account (arguments, result and temporaries), and once what the system saw of a process.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax

from benchmarks.analyses import Analysis, Compiled, compile_analysis
from benchmarks.figures import Row, Spread, Target, exponent, short

REPEATS = 5
MOST_SECONDS = 4.0
"""Of one call: a sweep ends when the next size would take longer, were its cost cubic."""
MOST_BYTES = 2 << 30
LINEAR = Target(1.15, at_most=True)
PEAK = Target(4, at_most=True)
RSS = Analysis("letkf", 200_000, 40, 100_000)
"""What is run in a process of its own, to see its memory from outside."""


@dataclass(frozen=True)
class Sweep:
    """A filter over growing values of one of its sizes."""

    base: Analysis
    axis: str
    """n, members or m; with n the share of observed sites stays, unless ``fixed_m``."""
    sizes: Sequence[int]
    fixed_m: bool = False
    linear: bool = False
    """Cost per n must stay what it is."""

    def at(self, size: int) -> Analysis:
        changed: dict[str, Any] = {self.axis: size}
        if self.axis == "n" and not self.fixed_m:
            changed["m"] = self.base.m * size // self.base.n
        return replace(self.base, **changed)

    def __str__(self) -> str:
        base = self.base
        sizes = {"n": base.n, "members": base.members, "m": base.m}
        if self.axis == "n" and not self.fixed_m:
            sizes["m"] = 0
        del sizes[self.axis]
        told = [
            f"{name} {value:,}" if value else f"m n/{base.n // base.m}"
            for name, value in sizes.items()
        ]
        return f"{base.name} over {self.axis} ({', '.join(told)})"


DECADES = (1000, 3162, 10_000, 31_623, 100_000)
LETKF = Analysis("letkf", 1000, 20, 500)
ETKF = Analysis("etkf", 1000, 20, 500)
EAKF = Analysis("eakf", 1000, 20, 100)
CHOLESKY = Analysis("enkf-modified-cholesky", 250, 20, 125)
SWEEPS = (
    Sweep(LETKF, "n", DECADES, linear=True),
    Sweep(replace(LETKF, n=10_000, m=5000), "members", (10, 20, 40, 80, 160)),
    Sweep(replace(LETKF, n=10_000), "m", (625, 1250, 2500, 5000, 10_000)),
    Sweep(ETKF, "n", DECADES),
    Sweep(replace(ETKF, n=10_000, m=5000), "members", (10, 20, 40, 80, 160)),
    Sweep(replace(ETKF, n=10_000), "m", (625, 1250, 2500, 5000, 10_000)),
    Sweep(EAKF, "n", DECADES, fixed_m=True),
    Sweep(replace(EAKF, n=10_000), "members", (10, 20, 40, 80, 160)),
    Sweep(replace(EAKF, n=10_000), "m", (50, 100, 200, 400, 800)),
    Sweep(CHOLESKY, "n", (250, 500, 1000, 2000, 4000, 10_000, 100_000)),
    Sweep(replace(CHOLESKY, n=500, m=250), "members", (10, 20, 40, 80, 160)),
    Sweep(replace(CHOLESKY, n=500), "m", (60, 125, 250, 500)),
)


def measure() -> list[Row]:
    with jax.enable_x64(True):
        rows = [row for sweep in SWEEPS for row in grow(sweep)]
    return [*rows, _seen_from_outside()]


def grow(sweep: Sweep) -> list[Row]:
    """The cost of each size, the exponent, and the largest peak over the ensemble."""
    done: list[tuple[int, Compiled, Spread]] = []
    for size in sweep.sizes:
        if done:
            last, _, cost = done[-1]
            if cost.low * min((size / last) ** 3, 64) > MOST_SECONDS and cost.low > 0.5:
                break
        compiled = compile_analysis(sweep.at(size))
        if compiled.peak_bytes > MOST_BYTES:
            break
        compiled.seconds()
        repeats = range(REPEATS)
        done.append((size, compiled, Spread.of(compiled.seconds(seed) for seed in repeats)))
    if len(done) < 2:
        return [Row(str(sweep), note="too large for this machine from the first size on")]

    sizes, costs = [size for size, _, _ in done], [cost.low for _, _, cost in done]
    reached = "" if len(done) == len(sweep.sizes) else f"; ends at {sizes[-1]:,}"
    told = ", ".join(f"{short(cost * 1e3)}" for cost in costs)
    slope = exponent(sizes, costs)
    name = f"{sweep}, {sizes[0]:,} … {sizes[-1]:,}"
    rows = [Row(f"{name}: exponent", Spread.of([slope]), note=f"ms: {told}{reached}")]
    if sweep.linear:
        growth = costs[-1] / costs[0] / (sizes[-1] / sizes[0])
        rows.append(Row("  cost per site, last over first", Spread.of([growth]), target=LINEAR))
    if sweep.axis == "n":
        _, largest, _ = done[-1]
        peak = largest.peak_bytes / largest.analysis.ensemble_bytes
        target = PEAK if sweep.base.name == "letkf" else None
        rows.append(Row("  peak memory over the ensemble's", Spread.of([peak]), target=target))
    return rows


def _seen_from_outside() -> Row:
    """What one large analysis adds to a process' memory at the peak, over its ensemble."""
    name = f"letkf, n {RSS.n:,}, {RSS.members} members: peak of the process over the ensemble"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scaling"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        return Row(name, note=(done.stderr.strip().splitlines() or ["?"])[-1])
    return Row(name, Spread.of([float(done.stdout)]), target=PEAK)


def _peak_in_this_process() -> float:
    """Resident memory at the peak less that before the ensemble was made, over the ensemble's."""
    with jax.enable_x64(True):
        compiled = compile_analysis(RSS)
        compile_analysis(replace(RSS, n=2000, m=1000)).seconds()  # loads what is loaded once
        before = _status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        compiled.seconds()
    return (_status("VmHWM") - before) / RSS.ensemble_bytes


def _status(name: str) -> int:
    """A line of the process' status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    raise LookupError(name)


if __name__ == "__main__":
    print(_peak_in_this_process())
