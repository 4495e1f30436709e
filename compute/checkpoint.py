"""A run's state as bytes: what is carried from one chunk to the next, on the host."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np


class UnusableCheckpoint(ValueError):
    """The bytes are no checkpoint of this experiment."""


def pack(arrays: Mapping[str, Any]) -> bytes:
    """Named arrays as one string of bytes; device arrays are fetched."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{k: np.asarray(v) for k, v in arrays.items()})
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, np.ndarray]:
    """The arrays that `pack` was given; UnusableCheckpoint for other bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if any(part.file_size > len(data) for part in archive.infolist()):
                raise ValueError("a part is larger than the whole: compressed")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except Exception as error:  # zipfile and numpy raise many kinds on damaged bytes
        raise UnusableCheckpoint("the checkpoint's bytes are damaged") from error


def matching(arrays: Mapping[str, np.ndarray], name: str, like: Any) -> Any:
    """The array called ``name``, which must have the shape and type of ``like``."""
    found = arrays.get(name)
    if found is None or found.shape != like.shape or found.dtype != like.dtype:
        raise UnusableCheckpoint(f"the checkpoint is of another experiment: {name}")
    return found
