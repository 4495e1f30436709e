"""JSON that says nothing twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any


class RepeatedNameError(ValueError):
    """A name stands twice in one object: which of the values counts, JSON leaves open."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is there twice")
        self.path = path
        """From the outside in, with dots: methods.0.id."""


def loads(text: str | bytes, *, parse_int: Callable[[str], Any] | None = None) -> Any:
    """As `json.loads`; RepeatedNameError where one of two values would be ignored."""
    repeated: list[tuple[dict[str, Any], str]] = []

    def make(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                repeated.append((found, name))
            found[name] = value
        return found

    value = json.loads(text, parse_int=parse_int, object_pairs_hook=make)
    for holder, name in repeated:
        raise RepeatedNameError(next(_paths_to(holder, value, ""), "") + name)
    return value


def _paths_to(holder: dict[str, Any], value: Any, prefix: str) -> Iterator[str]:
    """Where ``holder`` itself lies within ``value``."""
    if value is holder:
        yield prefix
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in items:
        if isinstance(inner, dict | list):
            yield from _paths_to(holder, inner, f"{prefix}{name}.")
