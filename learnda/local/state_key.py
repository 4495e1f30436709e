"""The key that signs the states of sessions, kept with the data: they outlive a restart."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

VARIABLE = "LEARNDA_STATE_KEY"
FILE = "state-key"


def state_key(data: Path) -> str:
    """The one that is set, or that of the folder, which is made where there is none."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return chosen
    data.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(data / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return (data / FILE).read_text().strip()
    with os.fdopen(handle, "w") as file:
        key = secrets.token_hex(32)
        file.write(key + "\n")
    return key
