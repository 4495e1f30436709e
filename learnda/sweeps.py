"""Sweeps: one experiment over a range of one or two of its settings, as batches for the device.

Pure, like `learnda.validation`. Values of a parameter of the method are instances of one request,
which compute runs as one batch; each value of a setting of the experiment is a request of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from learnda.cost import Limits
from learnda.declarations import Methods
from learnda.experiment import Experiment
from learnda.fields import RUN_FIELDS
from learnda.problems import Collector, InvalidRequest, Problem, RequestError
from learnda.validation import resolve
from learnda.values import json_type, refuse_unknown

MOST_AXES = 2
MOST_CELLS = 2500
MOST_REQUESTS = 200
"""That a sweep may be cut into."""

_PARAMETER = re.compile(r"methods\.0\.params\.(\w+)")
_INSTANCE = re.compile(r"methods\.(\d+)")
_FIELDS = {field.name for field in RUN_FIELDS} - {"model", "record_states"}


@dataclass(frozen=True, slots=True)
class Axis:
    """A setting and the values that it takes."""

    field: str
    """As a refusal names it: ``ensemble_size``, ``methods.0.params.r``."""
    values: tuple[Any, ...]

    @property
    def parameter(self) -> str | None:
        """The name of the method's parameter; None for a field of the experiment."""
        found = _PARAMETER.fullmatch(self.field)
        return found[1] if found else None


@dataclass(frozen=True, slots=True)
class Part:
    """Some cells as one request."""

    experiment: Experiment
    cells: tuple[int, ...]
    """The cell of each method instance."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What was asked for, and the requests that it comes to."""

    request: dict[str, Any]
    """As it was sent, with its seed."""
    axes: tuple[Axis, ...]
    parts: tuple[Part, ...]

    @property
    def cell_count(self) -> int:
        return math.prod(len(axis.values) for axis in self.axes)


def values_of(axes: tuple[Axis, ...], cell: int) -> tuple[Any, ...]:
    """The value that each axis has in a cell; cells are numbered with the last axis fastest."""
    found = []
    for axis in reversed(axes):
        cell, place = divmod(cell, len(axis.values))
        found.append(axis.values[place])
    return tuple(reversed(found))


def cell_request(request: Mapping[str, Any], axes: tuple[Axis, ...], cell: int) -> dict[str, Any]:
    """The body of ``POST /api/runs`` that is this cell alone."""
    body, (method,) = dict(request), request["methods"]
    params = dict(method.get("params", {}))
    for axis, value in zip(axes, values_of(axes, cell), strict=True):
        if axis.parameter is None:
            body[axis.field] = value
        else:
            params[axis.parameter] = value
    return {**body, "methods": [{**method, "params": params}]}


def resolve_sweep(
    body: object, methods: Methods, *, limits: Limits, draw_seed: Callable[[], int]
) -> Sweep:
    """The sweep that ``body`` asks for; InvalidRequest lists what is wrong with it."""
    request, axes = _read(body)
    if "seed" not in request and all(axis.field != "seed" for axis in axes):
        request = {**request, "seed": draw_seed()}  # the same truth in every cell
    parts, problems = [], Collector()
    for cells in _batches(axes, limits.max_methods):
        try:
            asked = _request(request, axes, cells)
            experiment = resolve(asked, methods, limits=limits, draw_seed=draw_seed)
        except RequestError as refusal:
            _translate(refusal, axes, cells, problems)
        else:
            parts.append(Part(experiment, cells))
        if problems.full:
            break
    problems.raise_if_any()
    if not _inflation_acts(request, axes, parts, methods):
        place = [axis.field for axis in axes].index("inf_fact")
        name = request["methods"][0]["name"]
        problems.add(f"axes.{place}.field", f"does nothing: {name} does not take the run's")
    problems.raise_if_any()
    return Sweep(request, axes, tuple(parts))


def _inflation_acts(
    request: Mapping[str, Any], axes: tuple[Axis, ...], parts: list[Part], methods: Methods
) -> bool:
    """A run may state an inflation that its method does not take; a sweep over it would be flat."""
    (method,) = request["methods"]
    own = "inf_fact" in (*method.get("params", {}), *(axis.parameter for axis in axes))
    taken = any("inf_fact" in i.params for part in parts for i in part.experiment.methods)
    inherited = taken and not own and methods[method["name"]].inherits_inflation
    return inherited or all(axis.field != "inf_fact" for axis in axes)


# ---------------------------------------------------------------- what was sent


def _read(body: object) -> tuple[dict[str, Any], tuple[Axis, ...]]:
    if not isinstance(body, dict):
        raise InvalidRequest([Problem("body", f"must be an object, not {json_type(body)}")])
    found = Collector()
    refuse_unknown(body, {"request", "axes"}, "", "is not a field of a sweep", found)
    request = body.get("request")
    if not isinstance(request, dict):
        found.add("request", f"must be an object, not {json_type(request)}")
        request = {}
    else:
        _check_request(request, found)
    axes = _read_axes(body.get("axes"), found)
    found.raise_if_any()
    return request, axes


def _check_request(request: Mapping[str, Any], found: Collector) -> None:
    methods = request.get("methods")
    if not isinstance(methods, list) or len(methods) != 1 or not isinstance(methods[0], dict):
        found.add("request.methods", "must hold one method: that which is swept")
    elif not isinstance(methods[0].get("params", {}), dict):
        found.add("request.methods.0.params", "must be an object")
    if request.get("record_states"):
        found.add("request.record_states", "must be false: a sweep keeps no states")


def _read_axes(sent: object, found: Collector) -> tuple[Axis, ...]:
    if not isinstance(sent, list) or not 1 <= len(sent) <= MOST_AXES:
        found.add("axes", f"must hold 1 to {MOST_AXES} axes")
        return ()
    axes = [_read_axis(axis, f"axes.{k}", found) for k, axis in enumerate(sent)]
    read = tuple(axis for axis in axes if axis is not None)
    if len(read) < len(sent):
        return ()
    if len({axis.field for axis in read}) < len(read):
        found.add("axes", "must be of different fields")
    if math.prod(len(axis.values) for axis in read) > MOST_CELLS:
        for k in range(len(read)):
            found.add(f"axes.{k}.values", f"come to more than {MOST_CELLS} cells together")
    requests = math.prod(len(axis.values) for axis in read if axis.parameter is None)
    if requests > MOST_REQUESTS:
        for k, axis in enumerate(read):
            if axis.parameter is None:
                message = f"come to {requests} experiments together, more than {MOST_REQUESTS}"
                found.add(f"axes.{k}.values", message)
    return read


def _read_axis(sent: object, path: str, found: Collector) -> Axis | None:
    if not isinstance(sent, dict):
        found.add(path, f"must be an object, not {json_type(sent)}")
        return None
    refuse_unknown(sent, {"field", "values"}, f"{path}.", "is not a field of an axis", found)
    field, values = sent.get("field"), sent.get("values")
    if not isinstance(field, str) or not (field in _FIELDS or _PARAMETER.fullmatch(field)):
        found.add(f"{path}.field", "must be a field of a run, or methods.0.params.NAME")
        field = None
    if not isinstance(values, list) or not 1 <= len(values) <= MOST_CELLS:
        found.add(f"{path}.values", f"must hold 1 to {MOST_CELLS} values")
        return None
    for k, value in enumerate(values):
        if not isinstance(value, int | float | str):
            found.add(f"{path}.values.{k}", f"must be one value, not {json_type(value)}")
    if found.problems:
        return None
    if len(set(values)) < len(values):
        found.add(f"{path}.values", "must be distinct")
    return Axis(field, tuple(values)) if field is not None else None


# ---------------------------------------------------------------- as requests


def _batches(axes: tuple[Axis, ...], most: int) -> Iterator[tuple[int, ...]]:
    """Cells that are instances of one request."""
    lengths = [range(len(axis.values)) for axis in axes]
    alike: dict[tuple[int, ...], list[int]] = {}
    for cell, places in enumerate(product(*lengths)):
        outer = tuple(p for p, axis in zip(places, axes, strict=True) if axis.parameter is None)
        alike.setdefault(outer, []).append(cell)
    for cells in alike.values():
        for first in range(0, len(cells), most):
            yield tuple(cells[first : first + most])


def _request(
    request: Mapping[str, Any], axes: tuple[Axis, ...], cells: tuple[int, ...]
) -> dict[str, Any]:
    bodies = [cell_request(request, axes, cell) for cell in cells]
    instances = [
        body["methods"][0] | {"id": f"c{c}"} for c, body in zip(cells, bodies, strict=True)
    ]
    return {**bodies[0], "methods": instances}


def _translate(
    refusal: RequestError, axes: tuple[Axis, ...], cells: tuple[int, ...], problems: Collector
) -> None:
    """What is wrong with a request, in the places of the sweep."""
    seen = {problem.field for problem in problems.problems}
    for problem in refusal.problems:
        found = _INSTANCE.match(problem.field)
        cell = cells[int(found[1])] if found else cells[0]
        path = _INSTANCE.sub("methods.0", problem.field, count=1)
        place = f"request.{path}"
        for k, axis in enumerate(axes):
            if axis.field == path:
                value = values_of(axes, cell)[k]
                place = f"axes.{k}.values.{axis.values.index(value)}"
        if place not in seen:
            seen.add(place)
            problems.add(place, problem.message)
