"""How the process keeps memory that was freed, where the C library can be told (glibc)."""

from __future__ import annotations

import ctypes
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""The numbers that `mallopt` has for them."""
MAPPED_FROM = 2 << 20
"""Bytes; arrays of less come from memory that was used before. To get each from the system means
to touch every page of it for the first time: half of what an analysis of 1 MB took."""
KEPT = 12 << 20
"""Bytes that an arena keeps at most, for the next."""


def keep_what_is_freed() -> None:
    """To be called once, early."""
    mallopt: Any = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, MAPPED_FROM)
        mallopt(_TRIM_THRESHOLD, KEPT)
