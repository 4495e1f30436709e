"""What the CSV of the contract is made of: its columns, its numbers, and text that is safe
in a spreadsheet.
"""

from __future__ import annotations

import math
from typing import Final

COLUMNS: Final = (
    *("run_id", "method_id", "name", "label", "step", "t", "error_b", "error_a"),  # LEARN-DA's
    *("replicate", "rmse_background", "rmse_analysis", "spread_background", "spread_analysis"),
)
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def neutral(text: str) -> str:
    """Text that a spreadsheet shows, and never runs."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def number(value: float) -> str:
    """The shortest text that reads back as the same number; empty where it is not finite."""
    return repr(float(value)).removesuffix(".0") if math.isfinite(value) else ""
