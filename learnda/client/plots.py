"""The figures behind ``dataset.learnda.plot``; each draws on given axes or on new ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOW, HIGH = 0.16, 0.84
"""Quantiles of the replicates that a band reaches to: as in the page."""


def request_of(dataset: xr.Dataset) -> dict[str, Any]:
    """The request in the dataset's attributes."""
    found: dict[str, Any] = json.loads(dataset.attrs["request"])
    return found


def curves(dataset: xr.Dataset, name: str, ax: Axes | None) -> Axes:
    """A line for each method, and a band where there are replicates."""
    ax = _axes(ax)
    for label, each in _methods(dataset[name]):
        _curve(ax, each, label)
    _burn_in(ax, dataset)
    _finish(ax, "model time", _long_name(dataset, name))
    return ax


def error_and_spread(dataset: xr.Dataset, ax: Axes | None) -> Axes:
    """Lines and dashed lines of one colour."""
    ax = _axes(ax)
    spreads = dict(_methods(dataset["spread_analysis"]))
    for label, error in _methods(dataset["rmse_analysis"]):
        color = _curve(ax, error, label)
        spread = spreads[label].mean("replicate")
        ax.plot(spread["time"], spread, "--", color=color, label=f"{label}: spread")
    _burn_in(ax, dataset)
    _finish(ax, "model time", "RMSE and spread of the analysis")
    return ax


def scores(dataset: xr.Dataset, metric: str, ax: Axes | None) -> Axes:
    """Horizontal bars, the first method on top."""
    ax = _axes(ax)
    values = dataset[f"metric_{metric}"]
    places = np.arange(values.sizes["method_id"])
    errors = dataset["metric_rmse_analysis_se"] if metric == "rmse_analysis" else None
    ax.barh(places, values, xerr=errors)
    ax.set_yticks(places, [str(label) for label in dataset["label"].values])
    ax.invert_yaxis()
    ax.set_xlabel(metric)
    return ax


def ranks(dataset: xr.Dataset, ax: Axes | None) -> Axes:
    """Relative frequency of each rank, and the flat line."""
    ax = _axes(ax)
    counts = dataset["rank_histogram"].dropna("method_id", how="all")
    bins = counts.sizes["rank"]
    for label, each in _methods(counts):
        ax.stairs((each / each.sum()).values, np.arange(bins + 1) - 0.5, label=label)
    ax.axhline(1 / bins, color="0.5", linestyle=":", label="reliable")
    _finish(ax, "members below the truth", "relative frequency")
    return ax


def spread_skill(dataset: xr.Dataset, ax: Axes | None) -> Axes:
    """A point for each bin that is not empty, and the diagonal."""
    ax = _axes(ax)
    for (label, spread), (_, error) in zip(
        _methods(dataset["spread_rms"]), _methods(dataset["error_rms"]), strict=True
    ):
        ax.plot(spread, error, "o-", markersize=3, label=label)
    largest = float(np.nanmax([dataset["spread_rms"], dataset["error_rms"]]))
    ax.plot([0, largest], [0, largest], ":", color="0.5", label="reliable")
    _finish(ax, "spread of the background", "RMSE of the background mean")
    return ax


def leads(dataset: xr.Dataset, ax: Axes | None) -> Axes:
    """A line for each method over cycles ahead."""
    ax = _axes(ax)
    for label, each in _methods(dataset["lead_rmse"]):
        ax.plot(np.arange(each.sizes["lead"]) + 1, each, "o-", markersize=3, label=label)
    _finish(ax, "cycles ahead", "RMSE of the forecast")
    return ax


def sweep(dataset: xr.Dataset, metric: str, ax: Axes | None) -> Axes:
    """One axis: a line. Two: colours, the values of the axes in equal steps."""
    ax = _axes(ax)
    values = dataset[f"metric_{metric}"]
    if values.ndim == 1:
        (name,) = (str(dimension) for dimension in values.dims)
        ax.plot(dataset[name], values, "o-")
        ax.set(xlabel=name, ylabel=metric)
        return ax
    rows, columns = (str(dimension) for dimension in values.dims)
    image = ax.imshow(values, origin="lower", aspect="auto")
    ax.figure.colorbar(image, ax=ax, label=metric)
    for set_ticks, name in ((ax.set_yticks, rows), (ax.set_xticks, columns)):
        set_ticks(np.arange(dataset.sizes[name]), [str(value) for value in dataset[name].values])
    ax.set(xlabel=columns, ylabel=rows)
    return ax


# ---------------------------------------------------------------- parts of figures


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(layout="constrained")[1]


def _methods(array: xr.DataArray) -> Iterator[tuple[str, xr.DataArray]]:
    """Each method under its label, with its id where another has the same label."""
    labels = [str(label) for label in array["label"].values]
    for place, label in enumerate(labels):
        each = array.isel(method_id=place)
        alike = labels.count(label) > 1
        yield (f"{label} ({each['method_id'].item()})" if alike else label), each


def _curve(ax: Axes, each: xr.DataArray, label: str) -> Any:
    """The mean over finite replicates with its band; its colour."""
    (line,) = ax.plot(each["time"], each.mean("replicate"), label=label)
    if each.sizes["replicate"] > 1:
        low, high = _band(each.transpose("replicate", "time").values)
        ax.fill_between(each["time"], low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    return line.get_color()


def _band(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Quantiles over the finite replicates; NaN from where there is none."""
    some = np.isfinite(values).any(axis=0)
    low, high = np.full((2, values.shape[1]), np.nan)
    low[some], high[some] = np.nanquantile(values[:, some], (LOW, HIGH), axis=0)
    return low, high


def _burn_in(ax: Axes, dataset: xr.Dataset) -> None:
    """What is not scored is shaded."""
    burn_in = float(request_of(dataset).get("burn_in", 0))
    if burn_in > 0:
        ax.axvspan(0, burn_in, color="0.5", alpha=0.1, linewidth=0)


def _finish(ax: Axes, x: str, y: str) -> None:
    ax.set(xlabel=x, ylabel=y)
    ax.set_ylim(bottom=0)
    ax.legend()


def _long_name(dataset: xr.Dataset, name: str) -> str:
    return str(dataset[name].attrs.get("long_name", name))
