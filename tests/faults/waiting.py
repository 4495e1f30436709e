"""Waiting that ends: with what was waited for, or with a failure that says what it was."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(what: str, true: Callable[[], bool], seconds: float = 30.0) -> float:
    """Wait until it is true; returns how many seconds that took."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < seconds, f"{what}: not within {seconds} s"
        time.sleep(0.01)
    return time.monotonic() - begun
