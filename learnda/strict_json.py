"""JSON that says nothing twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


class RepeatedNameError(ValueError):
    """A name stands twice in one object: which of the values counts, JSON leaves open."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is there twice in one object")


def loads(text: str | bytes, *, parse_int: Callable[[str], Any] | None = None) -> Any:
    """As `json.loads`; RepeatedNameError where one of two values would be ignored."""
    return json.loads(text, parse_int=parse_int, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise RepeatedNameError(name)
        found[name] = value
    return found
