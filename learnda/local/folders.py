"""Where LEARN-DA keeps its data on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def data_dir() -> Path:
    """``LEARNDA_DATA_DIR``, or ``learn-da`` in the user's data folder (XDG)."""
    chosen = os.environ.get("LEARNDA_DATA_DIR")
    if chosen:
        return Path(chosen).expanduser().absolute()
    shared = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(shared).absolute() / "learn-da"


def cache_dir(data: Path) -> Path:
    """``LEARNDA_CACHE_DIR``, or a folder in the data folder: compiled programs are kept there."""
    chosen = os.environ.get("LEARNDA_CACHE_DIR")
    return Path(chosen).expanduser().absolute() if chosen else data / "jax-cache"
