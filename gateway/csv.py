"""Points -> the bytes of the CSV. Pure."""

from __future__ import annotations

import csv
import io
from typing import Final
from uuid import UUID

from learnda.csv_format import COLUMNS, neutral

HEADER: Final = (",".join(COLUMNS) + "\r\n").encode()


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
