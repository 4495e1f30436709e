"""What a benchmark reports: rows of figures with their spread, as a table and as JSON. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Spread:
    """Repetitions of one figure: the least, the median and the largest."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Of at least one value."""
        found = list(values)
        return cls(min(found), statistics.median(found), max(found))


@dataclass(frozen=True)
class Target:
    """A bound that a median should meet; ``aim``: one that it had better meet."""

    bound: float
    at_most: bool = False
    aim: float | None = None

    def met(self, value: float) -> bool:
        """Whether ``value`` is on the right side of the bound."""
        return value <= self.bound if self.at_most else value >= self.bound

    def __str__(self) -> str:
        aim = "" if self.aim is None else f" (aim {short(self.aim)})"
        return f"{'≤' if self.at_most else '≥'} {short(self.bound)}{aim}"


@dataclass(frozen=True)
class Row:
    """One line of the table. The target is for the ratio where there is one."""

    name: str
    figure: Spread | None = None
    unit: str = ""
    ratio: Spread | None = None
    to: str = ""
    """What the ratio is taken to."""
    target: Target | None = None
    note: str = ""

    @property
    def judged(self) -> Spread | None:
        """The figure that the target is for."""
        return self.ratio or self.figure

    @property
    def verdict(self) -> str:
        """met, missed, or nothing where there is no target or no figure."""
        if self.target is None or self.judged is None:
            return ""
        return "met" if self.target.met(self.judged.middle) else "missed"

    def as_json(self) -> dict[str, Any]:
        """All of it, and the verdict."""
        return asdict(self) | {"verdict": self.verdict}


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Of two series whose repetitions were taken in turn: repetition by repetition."""
    return Spread.of(a / b for a, b in zip(above, below, strict=True))


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The slope p of a straight line through the logarithms: costs grow like sizes^p."""
    x, y = [math.log(s) for s in sizes], [math.log(c) for c in costs]
    return statistics.linear_regression(x, y).slope


def short(value: float) -> str:
    """Three significant digits: 1.2e+08, 45,600, 12.3, 0.0456."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = math.floor(math.log10(abs(value)))
    if digits >= 6 or digits < -4:
        return f"{value:.3g}"
    return f"{round(value, 2 - digits):,.{max(0, 2 - digits)}f}"


_HEAD = ("", "median", "min … max", "unit", "ratio", "min … max", "to", "target", "")


def table(rows: Sequence[Row]) -> str:
    """The rows as text, in columns; notes behind them."""
    lines = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEAD))]
    right = {1, 4}
    printed = []
    for line, note in zip(lines, ["", *(row.note for row in rows)], strict=True):
        cells = (
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        printed.append("  ".join(cells).rstrip() + (f"  [{note}]" if note else ""))
    return "\n".join(printed)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        *_middle_and_range(row.figure),
        row.unit,
        *_middle_and_range(row.ratio),
        row.to,
        "" if row.target is None else str(row.target),
        row.verdict,
    )


def _middle_and_range(spread: Spread | None) -> tuple[str, str]:
    if spread is None:
        return "", ""
    if spread.low == spread.high:
        return short(spread.middle), ""
    return short(spread.middle), f"{short(spread.low)} … {short(spread.high)}"
