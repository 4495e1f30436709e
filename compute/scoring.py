"""The scores of one method, gathered chunk by chunk on the host in bounded memory.

Every sum runs step by step in the order of the steps, so that neither the cutting into chunks nor
an interruption changes a bit. Columns are [K, len(SERIES), R]: K steps, R replicates; NaN where a
replicate is not finite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute.diagnosis import SERIES
from compute.events import Diagnostics, Metrics
from compute.reliability import Gathered, spread_edges

FloatArray = NDArray[np.float64]

MAX_BATCHES = 20
"""Batch means per replicate behind the standard error: each must outlast the autocorrelation."""

_RMSE = SERIES.index("rmse_analysis")
_RELATIVE = [SERIES.index("error_a"), SERIES.index("error_b")]


@dataclass(frozen=True)
class Scale:
    """What the scores of one experiment are measured against."""

    step_count: int
    replicates: int
    first_scored: int
    """The first step with t >= burn_in."""
    lost_above: float
    """RMSE from which the truth counts as lost; infinite for a baseline."""

    @property
    def scored(self) -> int:
        return max(0, self.step_count - self.first_scored)

    @property
    def batches(self) -> int:
        return max(1, min(MAX_BATCHES, math.isqrt(self.scored)))

    @property
    def last_quarter(self) -> int:
        """The first step of the last quarter."""
        return self.step_count - max(1, self.step_count // 4)


def mean_over_replicates(columns: FloatArray) -> FloatArray:
    """[K, S, R] -> [K, S]: the mean over the finite replicates, NaN where there is none."""
    finite = np.isfinite(columns)
    total = _last_sum(np.where(finite, columns, 0.0), axis=2)
    count = finite.sum(axis=2)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


BANDED = ("rmse_analysis", "spread_analysis")
"""The series of which a band over the replicates is told."""
BAND = (0.16, 0.84)
"""Quantiles: what lies between them is about two standard deviations wide if it is Gaussian."""


def bands_over_replicates(columns: FloatArray) -> tuple[FloatArray, FloatArray]:
    """[K, R] -> the two quantiles [K] of BAND over the finite replicates, linearly interpolated;
    NaN where there are fewer than two.
    """
    ordered = np.sort(np.where(np.isfinite(columns), columns, np.nan), axis=1)  # NaN come last
    count = np.isfinite(ordered).sum(axis=1)
    ends = []
    for share in BAND:
        place = share * np.maximum(count - 1, 0)
        below = np.floor(place).astype(int)
        above = np.minimum(below + 1, np.maximum(count - 1, 0))
        low, high = (np.take_along_axis(ordered, k[:, None], 1)[:, 0] for k in (below, above))
        ends.append(np.where(count > 1, low + (place - below) * (high - low), np.nan))
    return ends[0], ends[1]


class Scorer:
    """Gathers what `metrics`, `diverged_step` and `diverged_replicates` need."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        replicates = scale.replicates
        self._state: dict[str, NDArray[Any]] = {
            # of the replicate-mean series, for error_a and error_b
            "total": np.zeros(2),
            "squares": np.zeros(2),
            "smallest": np.full(2, np.inf),
            "latest": np.full(2, np.nan),
            "steps": np.zeros(2, np.int64),
            # over scored cycles, per series and replicate
            "scored_total": np.zeros((len(SERIES), replicates)),
            "scored_count": np.zeros((len(SERIES), replicates), np.int64),
            # of rmse_analysis, per replicate
            "batch_total": np.zeros((replicates, scale.batches)),
            "batch_count": np.zeros((replicates, scale.batches), np.int64),
            "tail_total": np.zeros(replicates),
            "tail_count": np.zeros(replicates, np.int64),
            "last_held": np.zeros(replicates, np.int64),
            "nonfinite_from": np.full(replicates, -1, np.int64),
        }

    def add(self, first_step: int, columns: FloatArray, mean: FloatArray) -> None:
        """A chunk [K, S, R] from ``first_step``, and its mean over replicates [K, S]."""
        steps = first_step + np.arange(len(columns))
        self._add_means(mean[:, _RELATIVE])
        scored = columns[steps >= self.scale.first_scored]
        self._accumulate("scored", scored)
        rmse = columns[:, _RMSE]
        self._add_batches(steps, rmse)
        self._accumulate("tail", rmse[steps >= self.scale.last_quarter])
        held = np.where(rmse < self.scale.lost_above, steps[:, None], 0)
        self._state["last_held"] = np.maximum(self._state["last_held"], held.max(axis=0, initial=0))
        gone = ~np.isfinite(columns[:, SERIES.index("rmse_analysis")])
        newly = gone.any(axis=0) & (self._state["nonfinite_from"] < 0)
        self._state["nonfinite_from"] = np.where(
            newly, first_step + gone.argmax(axis=0), self._state["nonfinite_from"]
        )

    def diverged_replicates(self) -> int:
        return int(self._diverged().sum())

    def diverged_step(self) -> int | None:
        """The earliest step, over lost and non-finite replicates, after which the truth is lost."""
        diverged = self._diverged()
        if not diverged.any():
            return None
        nonfinite = self._state["nonfinite_from"]
        step = np.where(nonfinite >= 0, nonfinite, self._state["last_held"])
        return int(step[diverged].min())

    def metrics(self) -> Metrics:
        """Every metric of the contract; None where no finite value exists."""
        s = self._state
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = s["total"] / s["steps"]
            rms = np.sqrt(s["squares"] / s["steps"])
            totals = s["scored_total"].cumsum(axis=1)[:, -1]
            averages = totals / s["scored_count"].sum(axis=1)
        smallest = np.where(np.isfinite(s["smallest"]), s["smallest"], np.nan)
        score = dict(zip(SERIES, averages, strict=True))
        values = {
            "final": s["latest"][0],
            "mean": mean[0],
            "min": smallest[0],
            "rmse_a": rms[0],
            "rmse_b": rms[1],
            "background_final": s["latest"][1],
            "background_mean": mean[1],
            "background_min": smallest[1],
            **{name: score[name] for name in _SCORES},
            "rmse_analysis_se": self._standard_error(),
        }
        metrics: Metrics = {
            name: float(value) if np.isfinite(value) else None for name, value in values.items()
        }
        metrics["cycles_scored"] = self.scale.scored
        metrics["diverged_replicates"] = self.diverged_replicates()
        return metrics

    def state(self) -> Mapping[str, NDArray[Any]]:
        """All that has been gathered, for a checkpoint."""
        return self._state

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `state` returned; ValueError if it is of another experiment."""
        for name, mine in self._state.items():
            if state[name].shape != mine.shape or state[name].dtype != mine.dtype:
                raise ValueError(f"checkpoint does not fit this experiment: {name}")
        self._state = {name: state[name].copy() for name in self._state}

    def _diverged(self) -> NDArray[np.bool_]:
        s = self._state
        with np.errstate(invalid="ignore", divide="ignore"):
            tail = s["tail_total"] / s["tail_count"]
        return (s["nonfinite_from"] >= 0) | (tail > self.scale.lost_above)

    def _add_means(self, values: FloatArray) -> None:
        s = self._state
        finite = np.isfinite(values)
        known = np.where(finite, values, 0.0)
        s["total"] = _last_sum(np.concatenate([s["total"][None], known]))
        s["squares"] = _last_sum(np.concatenate([s["squares"][None], known**2]))
        s["smallest"] = np.minimum(
            s["smallest"], np.where(finite, values, np.inf).min(axis=0, initial=np.inf)
        )
        s["steps"] = s["steps"] + finite.sum(axis=0)
        if len(values):
            s["latest"] = values[-1]

    def _accumulate(self, name: str, values: FloatArray) -> None:
        """Add finite ``values`` [K, ...] to the total and count called ``name``."""
        s = self._state
        finite = np.isfinite(values)
        known = np.where(finite, values, 0.0)
        s[f"{name}_total"] = _last_sum(np.concatenate([s[f"{name}_total"][None], known]))
        s[f"{name}_count"] = s[f"{name}_count"] + finite.sum(axis=0)

    def _add_batches(self, steps: NDArray[np.int64], rmse: FloatArray) -> None:
        position = steps - self.scale.first_scored
        inside = position >= 0
        batch = position[inside] * self.scale.batches // max(1, self.scale.scored)
        values = rmse[inside]
        finite = np.isfinite(values)
        # ufunc.at adds in the order of its arguments
        np.add.at(self._state["batch_total"].T, batch, np.where(finite, values, 0.0))
        np.add.at(self._state["batch_count"].T, batch, finite)

    def _standard_error(self) -> float:
        """Of rmse_analysis, by batch means: batches long enough to be independent of each other."""
        count = self._state["batch_count"]
        filled = count > 0
        if filled.sum() < 2:
            return math.nan
        means = self._state["batch_total"][filled] / count[filled]
        return float(means.std(ddof=1) / math.sqrt(len(means)))


_SCORES = (
    "rmse_analysis",
    "rmse_background",
    "spread_analysis",
    "spread_background",
    "crps_analysis",
    "innovation_consistency",
    "desroziers_error",
    "desroziers_background",
    "effective_sample_size",
)


def diagnostics_of(gathered: Gathered, climatological_std: float) -> Diagnostics:
    """What all replicates have gathered; the arrays have R as first axis."""
    ranks, counts, variance, error, lead_total, lead_counts = (
        np.asarray(part).sum(axis=0) for part in gathered
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return Diagnostics(
            rank_histogram=ranks,
            spread_edges=spread_edges(climatological_std),
            spread_counts=counts,
            spread_rms=np.sqrt(variance / counts),
            error_rms=np.sqrt(error / counts),
            lead_rmse=lead_total / lead_counts,
        )


def spread_skill(found: Diagnostics, members: int) -> float | None:
    """Root of the mean background variance over its root mean squared error, 1 where the spread
    tells the error; Fortin et al. (2014), doi:10.1175/JHM-D-14-0008.1, with their (N + 1) / N.
    """
    filled = found.spread_counts > 0
    variance = (found.spread_counts * found.spread_rms**2)[filled].sum()
    error = (found.spread_counts * found.error_rms**2)[filled].sum()
    if not (error > 0 and variance > 0):
        return None
    unbiased = (members + 1) / members if members else 1.0
    ratio = math.sqrt(unbiased * variance / error)
    return ratio if math.isfinite(ratio) else None


def _last_sum(values: FloatArray, axis: int = 0) -> FloatArray:
    """The sum along ``axis``, strictly in order: numpy's own sum depends on the array's layout."""
    total: FloatArray = np.add.accumulate(values, axis=axis).take(-1, axis=axis)
    return total
