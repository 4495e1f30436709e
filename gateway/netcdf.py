"""Runs and sweeps as NetCDF files with CF-like metadata. Pure: the numbers are compute's, and numpy
is here only because the format's library wants its arrays.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from scipy.io import netcdf_file  # type: ignore[import-untyped]

from gateway import scores
from gateway.records import ALL_SERIES, Points
from learnda import metadata
from learnda.sweeps import Axis

MOST_ROWS: Final = 500_000
"""Method x replicate x step of one file: it is made in memory."""


def run(found: Mapping[str, Any], points: Iterable[Points]) -> bytes:
    """A run, as `gateway.store.runs.get` reads it, with every step that it has."""
    methods = list(found["methods"].values())
    request = found["request"]
    steps, replicates = found["step_count"], request["replicates"]
    shape = (len(methods), replicates, steps)
    series = {name: np.full(shape, np.nan) for name in ALL_SERIES}
    for chunk in points:
        span = slice(chunk.first_step, chunk.first_step + chunk.step_count)
        for name, column in zip(ALL_SERIES, chunk.series, strict=True):
            if column is not None:
                rows = np.reshape(column, (chunk.replicate_count, chunk.step_count))
                series[name][chunk.position, :, span] = rows
    file = _File(metadata.RUN_TITLE, found)
    for name, length in zip(("method_id", "replicate", "step"), shape, strict=True):
        file.dimension(name, length)
    file.numbers("time", ("step",), np.arange(steps) * request["obs_freq"], metadata.TIME)
    for name in ("method_id", "name", "label", "status"):
        file.texts(name, "method_id", [method[name] for method in methods])
    for name, values in series.items():
        if np.isfinite(values).any():
            file.numbers(name, ("method_id", "replicate", "step"), values, metadata.SERIES[name])
    _metrics(file, ("method_id",), [method["metrics"] for method in methods], (len(methods),))
    return file.bytes()


def sweep(
    found: Mapping[str, Any], axes: Sequence[Axis], cells: Sequence[Mapping[str, Any]]
) -> bytes:
    """A sweep: each metric over its axes."""
    file = _File(metadata.SWEEP_TITLE, found)
    dimensions = []
    for axis in axes:
        name = (axis.parameter or axis.field).replace(".", "_")
        dimensions.append(name)
        file.dimension(name, len(axis.values))
        if all(isinstance(value, int | float) for value in axis.values):
            file.numbers(name, (name,), np.array(axis.values, float), axis.field)
        else:
            file.texts(name, name, [str(value) for value in axis.values])
    shape = tuple(len(axis.values) for axis in axes)
    _metrics(file, tuple(dimensions), [cell["metrics"] for cell in cells], shape)
    return file.bytes()


def _metrics(
    file: _File,
    dimensions: tuple[str, ...],
    found: Sequence[Mapping[str, Any] | None],
    shape: tuple[int, ...],
) -> None:
    """Each metric by its name in the contract, `metric_` before it: some are names of series."""
    for name in scores.METRICS:
        values = [(metrics or {}).get(name) for metrics in found]
        numbers = np.array([np.nan if value is None else value for value in values], float)
        file.numbers(f"metric_{name}", dimensions, numbers.reshape(shape), metadata.METRICS[name])


class _File:
    """One file on its way."""

    def __init__(self, title: str, found: Mapping[str, Any]) -> None:
        self._buffer = io.BytesIO()
        self._file = netcdf_file(self._buffer, "w", version=2)
        created = datetime.fromtimestamp(found["created_at"], UTC)
        server = found.get("server") or {}
        attributes = {
            "Conventions": metadata.CONVENTIONS,
            "title": title,
            "source": "LEARN-DA " + json.dumps(server.get("versions", {})),
            "history": f"{created:%Y-%m-%dT%H:%M:%SZ} requested",
            "references": metadata.REFERENCE,
            "request": json.dumps(found["request"]),
        }
        for name in ("run_id", "sweep_id", "name", "note"):
            if found.get(name):
                attributes[name] = str(found[name])
        for name, text in attributes.items():
            setattr(self._file, name, text.encode())

    def dimension(self, name: str, length: int) -> None:
        self._file.createDimension(name, length)

    def numbers(
        self, name: str, dimensions: tuple[str, ...], values: np.ndarray[Any, Any], long_name: str
    ) -> None:
        """Of Lorenz-96, which has no units; what is missing is NaN."""
        variable = self._file.createVariable(name, "d", dimensions)
        variable[:] = values
        variable.units, variable.long_name = b"1", long_name.encode()
        variable._FillValue = np.nan

    def texts(self, name: str, dimension: str, texts: Sequence[str]) -> None:
        """UTF-8, as characters."""
        encoded = [text.encode() for text in texts]
        length = max(1, *map(len, encoded)) if encoded else 1
        self.dimension(f"{name}_length", length)
        variable = self._file.createVariable(name, "c", (dimension, f"{name}_length"))
        for row, text in enumerate(encoded):
            variable[row] = np.frombuffer(text.ljust(length, b"\0"), "S1")
        variable._Encoding = b"utf-8"

    def bytes(self) -> bytes:
        self._file.flush()
        return self._buffer.getvalue()
