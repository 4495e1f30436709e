"""From any JSON to an experiment with every default filled in, or to what is wrong with it.

Pure, over the method declarations, without JAX: the gateway and compute refuse the same requests
in the same words. Fields are declared in `learnda.fields`; single values are read in
`learnda.values`, methods in `learnda.instances`, costs are in `learnda.cost`; here are the rules
between fields.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from learnda.cost import Limits, admit
from learnda.declarations import Methods, Value
from learnda.experiment import Experiment
from learnda.fields import DEFAULT_M, LIST_FIELDS, MAX_COUNT, MAX_STEP, RUN_FIELDS, ListField
from learnda.instances import resolve_instances
from learnda.problems import (
    Collector,
    DuplicateMethodId,
    InvalidRequest,
    Problem,
    RequestError,
    UnknownMethod,
)
from learnda.values import FieldError, accept, json_type, refuse_unknown

__all__ = [
    "RUN_FIELDS",
    "DuplicateMethodId",
    "InvalidRequest",
    "Problem",
    "RequestError",
    "UnknownMethod",
    "largest_step",
    "resolve",
    "resolve_nature",
]

_KNOWN = {"methods", *(p.name for p in RUN_FIELDS), *(f.name for f in LIST_FIELDS)}


def resolve(
    body: object, methods: Methods, *, limits: Limits, draw_seed: Callable[[], int]
) -> Experiment:
    """The experiment that ``body`` asks for; InvalidRequest lists all that is wrong with it.

    UnknownMethod and DuplicateMethodId come only when nothing else is wrong. ``draw_seed`` is
    called for a valid request without a seed.
    """
    found = Collector()
    run, body = _read_run(body, found)
    instances, refusal = resolve_instances(
        body.get("methods"), methods, run, found, most=limits.max_methods
    )
    found.raise_if_any()
    if refusal is not None:
        raise refusal
    if "seed" not in run:
        run["seed"] = draw_seed()
    experiment = Experiment(methods=instances, **run)
    admit(experiment, limits)
    return experiment


def resolve_nature(body: object, *, limits: Limits) -> Experiment:
    """The experiment that ``body`` states, without methods: what they all would be given. Its seed
    must be there, for a drawn one is nobody else's. InvalidRequest lists all that is wrong with it.
    """
    found = Collector()
    run, body = _read_run(body, found)
    if "methods" in body:
        found.add("methods", "is not taken here")
    if "seed" not in body:
        found.add("seed", "is required: with a seed that is drawn, nobody else has this truth")
    found.raise_if_any()
    experiment = Experiment(methods=(), **run)
    admit(experiment, limits)
    return experiment


def largest_step(obs_freq: float) -> float:
    """The largest Runge-Kutta step up to 0.05 that divides ``obs_freq``, in model time."""
    return obs_freq / max(1, math.ceil(obs_freq / MAX_STEP - 1e-9))


def _read_run(body: object, found: Collector) -> tuple[dict[str, Any], Mapping[str, object]]:
    """The values of every field but the methods, defaults filled in, and the body itself."""
    if not isinstance(body, dict):
        raise InvalidRequest([Problem("body", f"must be an object, not {json_type(body)}")])
    refuse_unknown(body, _KNOWN, "", "is not a field of a run", found)
    run = _read_fields(body, found)
    run.update(_read_lists(body, found, longest=run.get("lorenz96_n")))
    _refuse_idle(run, found)
    _observe(run, body, found)
    _pace(run, found)
    run.setdefault("forecast_F", run.get("lorenz96_F"))
    return run, body


def _read_fields(body: Mapping[str, object], found: Collector) -> dict[str, Any]:
    """The values sent, in their types, and plain defaults; what is refused is left out."""
    run: dict[str, Value] = {}
    for field in RUN_FIELDS:
        try:
            if field.name in body:
                run[field.name] = accept(field, body[field.name])
            elif field.default is not None:
                run[field.name] = field.default
        except FieldError as refusal:
            found.add(field.name, str(refusal))
    return run


def _refuse_idle(run: dict[str, Any], found: Collector) -> None:
    """A value that would do nothing is refused, unless it is the default."""
    for field in RUN_FIELDS:
        condition = field.only_with
        if condition is None or run.get(field.name, field.default) == field.default:
            continue
        if run.get(condition.name, condition.values[0]) not in condition.values:
            found.add(field.name, f"is used only with {condition}")


def _read_lists(
    body: Mapping[str, object], found: Collector, *, longest: int | None
) -> dict[str, Any]:
    lists = {}
    for field in LIST_FIELDS:
        if field.name in body:
            items = _read_list(field, body[field.name], found, longest)
            if items is not None:
                lists[field.name] = items
    return lists


def _read_list(
    field: ListField, value: object, found: Collector, longest: int | None
) -> tuple[Value, ...] | None:
    """The items, or None when any of them is refused; ``longest`` is checked before any is read."""
    if not isinstance(value, list):
        found.add(field.name, f"must be an array, not {json_type(value)}")
        return None
    if not value:
        found.add(field.name, "must hold at least one item")
        return None
    if longest is not None and len(value) > longest:
        found.add(field.name, f"must hold at most lorenz96_n = {longest} items")
        return None
    items: list[Value] = []
    seen: set[Value] = set()
    for i, candidate in enumerate(value):
        if found.full:
            return None
        try:
            item = accept(field.item, candidate)
        except FieldError as refusal:
            found.add(f"{field.name}.{i}", str(refusal))
            continue
        if field.distinct and item in seen:
            found.add(f"{field.name}.{i}", "must be distinct from the others")
        seen.add(item)
        items.append(item)
    return tuple(items) if len(items) == len(value) else None


def _observe(run: dict[str, Any], body: Mapping[str, object], found: Collector) -> None:
    """Which sites are observed (`m` and `obs_network`, or `obs_sites` alone), with what error
    (`std_obs`, or `std_obs_sites` alone).
    """
    n = run.get("lorenz96_n")
    if "obs_sites" in body:
        for name in ("m", "obs_network"):
            if name in body:
                found.add(name, "must not be sent together with obs_sites")
        sites = run.get("obs_sites", ())
        for i, site in enumerate(sites):
            if n is not None and site >= n:
                found.add(f"obs_sites.{i}", f"must be less than lorenz96_n = {n}")
        run["m"], run["obs_network"] = len(sites), None
    elif n is not None and run.setdefault("m", min(DEFAULT_M, n)) > n:
        found.add("m", f"must be at most lorenz96_n = {n}")
    if "std_obs_sites" in body:
        if "std_obs" in body:
            found.add("std_obs", "must not be sent together with std_obs_sites")
        deviations = run.get("std_obs_sites")
        if n is not None and deviations is not None and len(deviations) != n:
            found.add("std_obs_sites", f"must hold lorenz96_n = {n} values")
        run["std_obs"] = None


def _pace(run: dict[str, Any], found: Collector) -> None:
    """How time is cut: steps, Runge-Kutta steps in each, and steps not scored, all countable."""
    obs_freq = run.get("obs_freq")
    if obs_freq is None:
        return
    if "end_time" in run and not _countable(run["end_time"] / obs_freq):
        for name in ("end_time", "obs_freq"):
            found.add(name, f"is refused: end_time / obs_freq must be below {MAX_COUNT}")
    if "burn_in" in run and not _countable(run["burn_in"] / obs_freq):
        found.add("burn_in", f"is refused: burn_in / obs_freq must be below {MAX_COUNT}")
    dt = run.get("dt")
    if dt is not None:
        _divide(obs_freq, dt, found)
    elif _countable(obs_freq / MAX_STEP):
        run["dt"] = largest_step(obs_freq)
    else:
        found.add("obs_freq", f"is refused: it must be below {MAX_COUNT} Runge-Kutta steps")


def _divide(obs_freq: float, dt: float, found: Collector) -> None:
    """``dt`` divides ``obs_freq`` within 1e-9 (for tiny times within a millionth of them)."""
    if not _countable(obs_freq / dt):
        for name in ("obs_freq", "dt"):
            found.add(name, f"is refused: obs_freq / dt must be below {MAX_COUNT}")
        return
    count = round(obs_freq / dt)
    tolerance = min(1e-9 * max(1.0, obs_freq), 1e-6 * obs_freq)
    if count < 1 or abs(obs_freq - count * dt) > tolerance:
        found.add("dt", "must divide obs_freq into whole steps")


def _countable(count: float) -> bool:
    return count < MAX_COUNT
