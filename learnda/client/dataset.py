"""The events of a run -> an xarray Dataset, with the names and metadata of the NetCDF files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnda import metadata
from learnda.client.events import (
    Completed,
    Diagnostics,
    Event,
    MethodCompleted,
    Progress,
    Server,
    Started,
    States,
)

_DIAGNOSTICS = {
    "rank_histogram": ("rank", "how often the truth had so many members below it"),
    "spread_edges": ("bin", "upper edge of the bin of background standard deviation"),
    "spread_counts": ("bin", "sites and cycles whose standard deviation fell into the bin"),
    "spread_rms": ("bin", "root mean background variance in the bin"),
    "error_rms": ("bin", "root mean squared error of the background mean in the bin"),
    "lead_rmse": ("lead", "mean RMSE of a forecast so many cycles ahead"),
}
_SHARED_STATES = {
    "truth": "truth of the first replicate",
    "observations": "what was observed of the first replicate",
}
_METHOD_STATES = {
    "analysis_mean": "analysis mean of the first replicate",
    "analysis_std": "standard deviation of the analysis ensemble of the first replicate",
}


class RunReader:
    """Takes the events of one run; `result` is its Dataset."""

    def __init__(self) -> None:
        self._started: Started | None = None
        self._series: dict[str, NDArray[np.float64]] = {}
        self._completed: dict[str, MethodCompleted] = {}
        self._states: dict[str, list[States]] = {}
        self._warnings: tuple[str, ...] = ()

    def take(self, event: Event) -> None:
        """The next event of the stream."""
        match event:
            case Started():
                self._started = event
            case Progress():
                self._progress(event)
            case States():
                self._states.setdefault(event.method_id, []).append(event)
            case MethodCompleted():
                self._completed[event.method_id] = event
            case Completed():
                self._warnings = event.warnings
            case _:
                pass

    @property
    def started(self) -> Started:
        """The first event."""
        assert self._started is not None, "a stream begins with `started`"
        return self._started

    @property
    def completed(self) -> Mapping[str, MethodCompleted]:
        """The methods that have ended, by id."""
        return self._completed

    def result(self) -> xr.Dataset:
        """Everything that was told: see `Client.run`."""
        started = self.started
        methods = started.request["methods"]
        steps, replicates = started.step_count, started.request.get("replicates", 1)
        completed = [self._completed[method["id"]] for method in methods]
        of_step = ("method_id", "replicate", "time")
        data = {
            name: variable(of_step, self._series[name], metadata.SERIES[name])
            for name in metadata.SERIES
            if name in self._series and np.isfinite(self._series[name]).any()
        }
        data |= metric_variables(
            ("method_id",), (len(methods),), [done.metrics for done in completed]
        )
        data |= _diagnostics([done.diagnostics for done in completed])
        data |= self._state_variables()
        dataset = xr.Dataset(
            {**data, **_outcomes(completed)},
            coords={
                **_method_coordinates(methods),
                "replicate": np.arange(replicates),
                "time": variable("time", self._times(), metadata.TIME),
                "step": ("time", np.arange(steps)),
            },
            attrs=attributes(metadata.RUN_TITLE, started.request, started.server),
        )
        if self._warnings:
            dataset.attrs["warnings"] = "\n".join(self._warnings)
        return dataset

    def _progress(self, event: Progress) -> None:
        started = self.started
        place = started.method_ids.index(event.method_id)
        span = slice(event.first_step, event.first_step + len(event.t))
        for name, column in event.replicates.items():
            if name not in self._series:
                shape = (len(started.method_ids), column.shape[0], started.step_count)
                self._series[name] = np.full(shape, np.nan)
            self._series[name][place, :, span] = column

    def _times(self) -> NDArray[np.float64]:
        times = np.arange(self.started.step_count, dtype=np.float64)
        return times * float(self.started.request["obs_freq"])

    # ------------------------------------------------------------ states

    def _state_variables(self) -> dict[str, xr.Variable]:
        """What `record_states` asked for; its steps are thinned: a dimension of their own."""
        if not self._states:
            return {}
        shared = self._states.get("", [])
        steps = np.concatenate([states.steps for states in shared])
        values = np.concatenate([states.values for states in shared])
        found = {
            "state_time": variable("state_time", self._times()[steps], metadata.TIME),
        }
        for place, (name, long_name) in enumerate(_SHARED_STATES.items()):
            found[name] = variable(("state_time", "site"), values[:, place], long_name)
        of_methods = [
            np.concatenate([states.values for states in self._states[method_id]])
            for method_id in self.started.method_ids
        ]
        for place, (name, long_name) in enumerate(_METHOD_STATES.items()):
            each = np.stack([states[:, place] for states in of_methods])
            found[name] = variable(("method_id", "state_time", "site"), each, long_name)
        members = _padded([states[:, 2:] for states in of_methods])
        if members.shape[2]:
            dimensions = ("method_id", "state_time", "member", "site")
            found["members"] = variable(dimensions, members, "members of the first replicate")
        return found


# ---------------------------------------------------------------- parts of any dataset


def variable(dimensions: str | Sequence[str], values: NDArray[Any], long_name: str) -> xr.Variable:
    """With the metadata of CF; Lorenz-96 has no units."""
    return xr.Variable(dimensions, values, {"units": "1", "long_name": long_name})


def metric_variables(
    dimensions: Sequence[str], shape: tuple[int, ...], metrics: Sequence[Mapping[str, float] | None]
) -> dict[str, xr.Variable]:
    """Each score by its name, ``metric_`` before it; NaN where there is none."""
    found = {}
    for name, described in metadata.METRICS.items():
        values = [np.nan if scores is None else scores[name] for scores in metrics]
        numbers = np.array(values, float).reshape(shape)
        found[f"metric_{name}"] = variable(dimensions, numbers, described)
    return found


def attributes(title: str, request: Mapping[str, Any], server: Server) -> dict[str, Any]:
    """Of the whole: what was asked and what computed it."""
    return {
        "Conventions": metadata.CONVENTIONS,
        "title": title,
        "source": "LEARN-DA " + json.dumps(server.versions),
        "history": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} computed",
        "references": metadata.REFERENCE,
        "request": json.dumps(request),
        "seed": request.get("seed", -1),
        "versions": json.dumps(server.versions),
        "device": ", ".join(server.devices),
    }


def _method_coordinates(methods: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    ids = [method["id"] for method in methods]
    return {
        "method_id": ids,
        "name": ("method_id", [method["name"] for method in methods]),
        "label": ("method_id", [method.get("label") or method["name"] for method in methods]),
        "params": ("method_id", [json.dumps(method.get("params", {})) for method in methods]),
    }


def _outcomes(completed: Sequence[MethodCompleted]) -> dict[str, xr.Variable]:
    diverged = [np.nan if m.diverged_step is None else m.diverged_step for m in completed]
    seconds = xr.Variable(
        "method_id",
        [m.runtime_seconds for m in completed],
        {"units": "s", "long_name": "time that the cycles took, without compilation"},
    )
    return {
        "status": xr.Variable("method_id", [m.status for m in completed]),
        "diverged_step": variable(
            "method_id",
            np.array(diverged, float),
            "earliest step after which a replicate had lost the truth; NaN where none has",
        ),
        "runtime_seconds": seconds,
    }


def _diagnostics(found: Sequence[Diagnostics]) -> dict[str, xr.Variable]:
    """What was gathered of each method; NaN where a method has none."""
    variables = {}
    for name, (dimension, long_name) in _DIAGNOSTICS.items():
        columns = _padded([np.asarray(getattr(d, name), float)[None] for d in found])[:, 0]
        if columns.shape[1]:
            variables[name] = variable(("method_id", dimension), columns, long_name)
    return variables


def _padded(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Stacked; the second axis of each is filled up with NaN to the longest."""
    longest = max(array.shape[1] for array in arrays)
    shape = (len(arrays), arrays[0].shape[0], longest, *arrays[0].shape[2:])
    stacked = np.full(shape, np.nan, arrays[0].dtype)
    for k, array in enumerate(arrays):
        stacked[k, :, : array.shape[1]] = array
    return stacked
