"""Numbers that settings take from the environment: LEARNDA_ and the field's name in capitals."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any


def numbers_of(
    settings: type[Any], environment: Mapping[str, str], *, leave: Collection[str] = ()
) -> dict[str, Any]:
    """The numeric fields of the dataclass ``settings`` that are set, but for those to ``leave``."""
    chosen: dict[str, Any] = {}
    for field in fields(settings):
        name = f"LEARNDA_{field.name.upper()}"
        numeric = type(field.default) in (int, float) and field.name not in leave
        if numeric and name in environment:
            chosen[field.name] = _positive(name, environment[name], type(field.default))
    return chosen


def _positive(name: str, value: str, kind: type) -> int | float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    least = 1 if kind is int else 0
    if not (math.isfinite(number) and number > 0 and number >= least):
        raise ValueError(f"{name} must be a positive number, not {value!r}")
    return int(number) if kind is int else number
