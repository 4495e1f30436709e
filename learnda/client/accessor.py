"""``dataset.learnda.plot``: figures of what `Client.run` and `Client.sweep` return.

Registered by importing `learnda.client`; a dataset opened from a file has it too. Matplotlib is
imported when something is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr

from learnda.client import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Plots:
    """Each draws on ``ax``, or on a figure of its own, and returns the axes."""

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset

    def rmse(self, ax: Axes | None = None, *, background: bool = False) -> Axes:
        """Error of the analysis over time; with replicates, their mean and the band that holds the
        middle two thirds of them. ``background``: that of the background instead.
        """
        name = "rmse_background" if background else "rmse_analysis"
        return plots.curves(self._dataset, name, ax)

    def series(self, name: str, ax: Axes | None = None) -> Axes:
        """The same of any series of the dataset: ``crps_analysis``, say."""
        return plots.curves(self._dataset, name, ax)

    def error_and_spread(self, ax: Axes | None = None) -> Axes:
        """Error of the analysis (lines) beside its spread (dashed): alike where the ensemble knows
        how wrong it is.
        """
        return plots.error_and_spread(self._dataset, ax)

    def scores(self, metric: str = "rmse_analysis", ax: Axes | None = None) -> Axes:
        """A bar for each method; RMSE with its standard error."""
        return plots.scores(self._dataset, metric, ax)

    def ranks(self, ax: Axes | None = None) -> Axes:
        """Rank histogram of the background: flat where the truth is like one of the members."""
        return plots.ranks(self._dataset, ax)

    def spread_skill(self, ax: Axes | None = None) -> Axes:
        """Error against spread of the background, in bins of spread: on the diagonal where the
        spread is reliable.
        """
        return plots.spread_skill(self._dataset, ax)

    def leads(self, ax: Axes | None = None) -> Axes:
        """Error of a forecast by lead, of a run with ``forecast_leads``."""
        return plots.leads(self._dataset, ax)

    def sweep(self, metric: str = "rmse_analysis", ax: Axes | None = None) -> Axes:
        """A score over the axes of a sweep: a curve over one, a heat map over two."""
        return plots.sweep(self._dataset, metric, ax)


@xr.register_dataset_accessor("learnda")  # type: ignore[no-untyped-call]
class LearnDA:
    """What a dataset of this client can do besides what xarray can."""

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset

    def __getitem__(self, method: str | list[str]) -> xr.Dataset:
        """The part of one method or of several, by id: ``run.learnda["letkf"]`` is
        ``run.sel(method_id="letkf")``.
        """
        return self._dataset.sel({"method_id": method})

    @property
    def plot(self) -> Plots:
        """Its figures."""
        return Plots(self._dataset)

    @property
    def request(self) -> dict[str, Any]:
        """What was asked, every default filled in."""
        return plots.request_of(self._dataset)
