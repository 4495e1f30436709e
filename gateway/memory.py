"""What was freed goes back to the system, where the C library can be asked to (glibc)."""

from __future__ import annotations

import ctypes
from typing import Any


def give_back() -> None:
    """A crowd of viewers leaves holes that malloc keeps; takes some milliseconds."""
    trim: Any = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
