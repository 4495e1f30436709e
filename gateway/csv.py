"""Points -> the bytes of the CSV. Pure."""

from __future__ import annotations

import csv
import io
from typing import Final
from uuid import UUID

HEADER: Final = (
    b"run_id,method_id,name,label,step,t,error_b,error_a,"
    b"replicate,rmse_background,rmse_analysis,spread_background,spread_analysis\r\n"
)

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def neutral(text: str) -> str:
    """Text that a spreadsheet shows, and never runs."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


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
