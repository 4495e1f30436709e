"""Points, what is gathered over them, and sweeps -> the bytes of CSV files. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from gateway import scores
from gateway.records import DIAGNOSTIC_SERIES
from learnda.csv_format import COLUMNS, neutral, number

SUMMARY_HEADER: Final = b"run_id,method_id,name,label,diagnostic,x,value,count\r\n"


def header(*, diagnostics: bool) -> bytes:
    """The names of the columns; ``diagnostics``: with those that are appended on request."""
    return (",".join(COLUMNS + DIAGNOSTIC_SERIES * diagnostics) + "\r\n").encode()


def row_prefix(run_id: UUID, method_id: str, name: str, label: str) -> bytes:
    """The text cells that every row of a method begins with, and the comma behind them."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(
        [run_id, neutral(method_id), neutral(name), neutral(label)]
    )
    return line.getvalue().encode() + b","


def rows(prefix: bytes, numbers: bytes) -> bytes:
    """Complete rows, from lines of numbers that each end with LF."""
    return prefix + numbers.removesuffix(b"\n").replace(b"\n", b"\r\n" + prefix) + b"\r\n"


def summary(run_id: UUID, method: Mapping[str, Any]) -> bytes:
    """The rows of one method, as `gateway.store.runs.get` reads it: one row per number."""
    prefix = row_prefix(run_id, method["method_id"], method["name"], method["label"])
    lines = [",".join(cells) for cells in _summary(method)]
    return rows(prefix, "\n".join(lines).encode()) if lines else b""


def sweep(fields: Sequence[str], cells: Iterable[Mapping[str, Any]]) -> bytes:
    """One row per cell: its number, its value of each field, how it stands, its metrics."""
    lines = io.StringIO()
    rows = csv.writer(lines)
    rows.writerow(["cell", *map(neutral, fields), "status", "diverged_step", *scores.METRICS])
    for cell in cells:
        values = [neutral(v) if isinstance(v, str) else v for v in cell["values"]]
        metrics = cell["metrics"] or {}
        numbers = [_cell(metrics.get(name)) for name in scores.METRICS]
        rows.writerow([cell["cell"], *values, cell["status"], cell["diverged_step"], *numbers])
    return lines.getvalue().encode()


def _summary(method: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """diagnostic, x, value and count."""
    gathered = method["diagnostics"]
    if gathered is not None:
        for rank, count in enumerate(gathered["rank_histogram"]):
            yield "rank_histogram", str(rank), "", str(count)
        bins = gathered["spread_skill"]
        for name in ("spread", "error"):
            columns = (bins["edges"], bins[name], bins["counts"])
            for edge, value, count in zip(*columns, strict=True):
                yield name, _cell(edge), _cell(value), str(count)
        for lead, value in enumerate(gathered["lead_rmse"], start=1):
            yield "lead_rmse", str(lead), _cell(value), ""
    for name, value in (method["metrics"] or {}).items():
        yield name, "", _cell(value), ""


def _cell(value: float | None) -> str:
    return "" if value is None else number(value)
