"""The numbers of one analysis: are they possible, and what each ensemble has of its own.

On the host. Axes: see `compute.analyses.program`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from compute import geometry
from compute.analyses.program import Given
from compute.analyses.setting import check_points
from compute.analyses.task import Task, admit
from learnda.cost import Limits
from learnda.problems import InvalidRequest, Problem


def arrange(
    task: Task,
    arrays: Mapping[str, NDArray[Any]],
    inflation: NDArray[Any],
    limits: Limits,
    neighbours: Neighbours,
) -> tuple[Given, Given]:
    """What each ensemble has of its own and what all share, on the host. InvalidRequest where a
    number is not possible. ``inflation`` [n] is the adaptive one, ``neighbours`` the setting's.
    """
    form = task.form
    dtype = np.dtype(form.dtype)
    at = "observations."
    got = {k.removeprefix(at): v for k, v in arrays.items() if k.startswith(at)}
    batch = form.batch
    ensemble = arrays["ensemble"].reshape(batch, form.members, form.n)
    given: dict[str, NDArray[Any]] = {}
    own: set[str] = set(task.batched)
    given["y"] = got["values"].astype(dtype, copy=False)
    if "values" in own:
        own.add("y")
    std, correlation = _errors(got, form.m, dtype, found_in=at)
    given["std"] = std
    if correlation is not None:
        given["correlation"] = correlation
    for name in ("std", "correlation"):
        if {"variances", "covariance"} & own:
            own.add(name)
    for name in ("predicted", "matrix", "state_tapers", "observation_tapers"):
        if name in got:
            given[name] = got[name].astype(dtype, copy=False)
    for name in ("state_tapers", "observation_tapers"):
        if name in got and not ((got[name] >= 0) & (got[name] <= 1)).all():
            raise InvalidRequest([Problem(f"{at}{name}", "must hold numbers from 0 to 1")])
    between = got.get("observation_tapers")
    if between is not None and (between != np.swapaxes(between, -1, -2)).any():
        raise InvalidRequest([Problem(f"{at}observation_tapers", "must be symmetric")])
    if "sites" in got:
        given["sites"] = _sites(got["sites"], form.n, f"{at}sites")
    if form.where not in ("nowhere", "grid", "tapers"):
        _locate(task, got, given, own, limits, neighbours)
    each = {name: array for name, array in given.items() if name in own}
    shared = {name: array for name, array in given.items() if name not in own}
    each["ensemble"] = ensemble
    each["inflation"] = np.broadcast_to(inflation.astype(dtype), (batch, form.n))
    return _given(each), _given(shared)


def _given(arrays: Mapping[str, Any]) -> Given:
    return Given(**{name: arrays.get(name) for name in Given._fields})


def _errors(
    got: Mapping[str, NDArray[Any]], m: int, dtype: np.dtype[Any], *, found_in: str
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Standard deviations [.., m] and correlations [.., m, m]."""
    if "variances" in got:
        variances = got["variances"].astype(float)
        if not (variances > 0).all():
            raise InvalidRequest([Problem(f"{found_in}variances", "must be greater than 0")])
        std = np.sqrt(variances)
        if std.shape in ((), (1,)):
            std = np.broadcast_to(std, (m,))
        elif std.shape[-1] == 1 != m:
            std = np.broadcast_to(std, (*std.shape[:-1], m))
        std = std.astype(dtype)
        if not (std > 0).all():
            raise InvalidRequest([Problem(f"{found_in}variances", f"is too small for {dtype}")])
        return std, None
    path = f"{found_in}covariance"
    covariance = got["covariance"].astype(float)
    variances = np.diagonal(covariance, axis1=-2, axis2=-1)
    if not (variances > 0).all():
        raise InvalidRequest([Problem(path, "must be greater than 0 on its diagonal")])
    std = np.sqrt(variances)
    correlation = covariance / std[..., :, None] / std[..., None, :]
    tolerance = 1e-6 if got["covariance"].dtype == np.float32 else 1e-12
    if np.abs(correlation - np.swapaxes(correlation, -1, -2)).max() > tolerance:
        raise InvalidRequest([Problem(path, "must be symmetric")])
    try:
        np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        raise InvalidRequest([Problem(path, "must be positive definite")]) from None
    return std.astype(dtype), correlation.astype(dtype)


def _sites(sites: NDArray[Any], n: int, path: str) -> NDArray[np.int32]:
    if not ((sites >= 0) & (sites < n)).all():
        raise InvalidRequest([Problem(path, f"must be from 0 to {n - 1}")])
    ordered = np.sort(sites, axis=-1)
    if (ordered[..., 1:] == ordered[..., :-1]).any():
        raise InvalidRequest([Problem(path, "must be distinct")])
    return sites.astype(np.int32)


def _locate(
    task: Task,
    got: Mapping[str, NDArray[Any]],
    given: dict[str, NDArray[Any]],
    own: set[str],
    limits: Limits,
    neighbours: Neighbours,
) -> None:
    """Where state and observations lie, and which are near which."""
    form, setting = task.form, task.setting
    place = setting.place
    state = place.coordinates
    if state is None:
        state = np.arange(form.n, dtype=float)[:, None]
    if "sites" in given:
        points = state[given["sites"]]
        if "sites" in own:
            own.add("observations")
    else:
        path = "observations.coordinates"
        sent = got["coordinates"]
        points = sent[..., None] if place.axes == 1 else sent
        check_points(points, place, path)
        if "coordinates" in own:
            own.add("observations")
    dtype = np.dtype(form.dtype)
    state, points = state.astype(dtype), points.astype(dtype)
    metric = geometry.Metric(cast(geometry.Kind, form.where), place.size)
    taper, radius = str(setting.params["taper"]), float(setting.params["r"])
    reach = geometry.reach(taper, radius)
    each = points if "observations" in own else points[None]
    near = neighbours.find(metric, state, each, reach)
    covariance = "correlation" in given
    admit(setting, form, covariance, limits, near=form.m if near is None else near.shape[-1])
    if near is not None:
        given["near"] = near if "observations" in own else near[0]
        if "observations" in own:
            own.add("near")
    given["state"], given["observations"] = state, points


class Neighbours:
    """Which observations are near which value of the state, in one setting. The last answer is
    remembered: from cycle to cycle observations often stay where they are.
    """

    def __init__(self) -> None:
        self._points: NDArray[Any] | None = None
        self._found: NDArray[np.int32] | None = None

    def find(
        self, metric: geometry.Metric, state: NDArray[Any], points: NDArray[Any], reach: float
    ) -> NDArray[np.int32] | None:
        """Those of observations at ``points`` [B, m, d]: [B, n, p], as `geometry.neighbours`."""
        if self._points is None or not np.array_equal(points, self._points):
            lists = [geometry.neighbours(metric, state, some, reach) for some in points]
            self._found = _stack(lists, points.shape[1])
            self._points = points
        return self._found


def _stack(lists: list[NDArray[np.int32] | None], m: int) -> NDArray[np.int32] | None:
    """Neighbours of each of the batch, with the same number of slots [B, n, p]."""
    if any(near is None for near in lists):
        return None
    present = [near for near in lists if near is not None]
    slots = max(near.shape[1] for near in present)
    return np.stack(
        [np.pad(near, ((0, 0), (0, slots - near.shape[1])), constant_values=m) for near in present]
    )
