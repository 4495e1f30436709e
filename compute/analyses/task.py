"""One analysis that is asked for: do its tensors fit together, the method, and this server?

Only what tensors say of themselves is looked at. Axes: see `compute.analyses.program`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from compute import geometry, localization
from compute.analyses.program import Form, Where
from compute.analyses.setting import Setting
from learnda.cost import Limits, analysis_cost
from learnda.experiment import MethodInstance
from learnda.instances import refuse_fields
from learnda.problems import Collector, InvalidRequest, Problem
from learnda.tensors import FLOATS, INTEGERS, Spec, check, expect

COPIES = 8
"""Ensembles that are alive at once while one is analysed and judged."""

_BY_STATE = ("transform", "members")
"""The work of local filters that look from values of the state to observations only."""


@dataclass(frozen=True)
class Task:
    """One analysis, its tensors found to fit together."""

    setting: Setting
    form: Form
    batched: frozenset[str]
    """The observations' tensors that have a first axis of their own for the batch."""
    bytes: int
    """At the peak, while it is analysed."""


def read_task(
    setting: Setting,
    specs: Mapping[str, Spec],
    *,
    limits: Limits,
    side_by_side: bool,
    members: int | None = None,
    dtype: str | None = None,
) -> Task:
    """What ``ensemble`` and ``observations`` of ``specs`` ask for; ``members`` and ``dtype`` are
    those of a session.
    """
    found = Collector()
    batch, members, dtype = _read_ensemble(setting, specs, members, dtype, found)
    at = "observations."
    if f"{at}values" not in specs:
        found.add(f"{at}values", "is required")
        found.raise_if_any()
    values = specs[f"{at}values"]
    m = values.shape[-1] if values.shape else 0
    if m < 1:
        found.add(f"{at}values.shape", "must have an axis of at least one observation")
    operator = _one_of(specs, at, ("predicted", "sites", "matrix"), found)
    errors = _one_of(specs, at, ("variances", "covariance"), found)
    found.raise_if_any()

    batched = _check_observations(setting, specs, batch, members, m, found)
    if operator == "sites" and m > setting.n:
        found.add(f"{at}sites.shape", f"must have at most {setting.n} sites, all distinct")
    where = _where(setting, specs, operator, found)
    _refuse_what_the_method_cannot(setting, operator, errors, found)
    found.raise_if_any()
    window = 0
    if where == "grid" and "r" in setting.params:
        taper = str(setting.params.get("taper", "box"))
        window = localization.window(taper, float(setting.params["r"]), setting.n)
    form = Form(
        batch=batch or 1,
        members=members,
        n=setting.n,
        m=m,
        dtype=dtype,
        operator=operator,
        quantity=setting.obs_operator,
        distribution=setting.obs_error,  # type: ignore[arg-type]
        where=where,
        window=window,
        side_by_side=side_by_side,
    )
    size = admit(setting, form, errors == "covariance", limits, near=_near_at_least(form, setting))
    size += sum(spec.nbytes for spec in specs.values())
    return Task(setting, form, batched, size)


def _check_observations(
    setting: Setting,
    specs: Mapping[str, Spec],
    batch: int | None,
    members: int,
    m: int,
    found: Collector,
) -> frozenset[str]:
    """Those of the tensors that have an axis for the batch."""
    point = (m,) if setting.place.axes == 1 else (m, 2)
    shapes: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
        "values": ((m,), FLOATS),
        "predicted": ((members, m), FLOATS),
        "sites": ((m,), INTEGERS),
        "matrix": ((m, setting.n), FLOATS),
        "variances": ((m,), FLOATS),
        "covariance": ((m, m), FLOATS),
        "coordinates": (point, FLOATS),
        "state_tapers": ((setting.n, m), FLOATS),
        "observation_tapers": ((m, m), FLOATS),
    }
    batched = set()
    for name, (shape, dtypes) in shapes.items():
        path = f"observations.{name}"
        spec = specs.get(path)
        if spec is None:
            continue
        if name == "variances" and spec.shape in ((), (1,)):
            shape = spec.shape
        if batch is not None and spec.shape == (batch, *shape):
            batched.add(name)
            shape = spec.shape
        expect(found, spec, path, dtypes, shape)
    return frozenset(batched)


def _near_at_least(form: Form, setting: Setting) -> int | None:
    """Observations that count at a site, as far as is known before they are there; None: as the
    radius on the grid says.
    """
    if form.window:
        return None
    if form.where in ("nowhere", "grid"):
        return 1
    if form.where == "tapers":
        return form.m
    reach = geometry.reach(str(setting.params["taper"]), float(setting.params["r"]))
    return form.m if math.isinf(reach) else 1


def admit(
    setting: Setting, form: Form, covariance: bool, limits: Limits, *, near: int | None
) -> int:
    """Bytes at the peak; InvalidRequest where the analysis is too large or takes too long. ``near``
    observations count at a site; None: as the radius on the grid says.
    """
    sizes = _Sizes(form.members, form.n, form.m, form.batch, float(covariance))
    work = setting.entry.declaration.work
    params = dict(setting.params)
    if setting.localises:
        params.setdefault("taper", "given")
    instance = MethodInstance("", setting.name, "", params, work)
    numbers, operations = analysis_cost(sizes, instance, near)
    ensembles = COPIES * form.batch * form.members * form.n
    size = (ensembles + numbers) * np.dtype(form.dtype).itemsize
    for unit, amount, limit in (
        ("bytes of memory", size, limits.max_bytes),
        ("operations", operations, limits.max_unbroken),
    ):
        if amount > limit:
            message = f"is refused: it comes to about {amount:.2g} {unit}, and may have {limit:.2g}"
            raise InvalidRequest(
                [Problem(field, message) for field in ("ensemble", "observations.values")]
            )
    return size


@dataclass(frozen=True)
class _Sizes:
    """An analysis as `learnda.cost` looks at it."""

    ensemble_size: int
    lorenz96_n: int
    m: int
    replicates: int
    obs_error_correlation: float
    substeps: int = 0


def _read_ensemble(
    setting: Setting,
    specs: Mapping[str, Spec],
    members: int | None,
    dtype: str | None,
    found: Collector,
) -> tuple[int | None, int, str]:
    """Batch, members, type."""
    spec = specs.get("ensemble")
    if spec is None:
        raise InvalidRequest([Problem("ensemble", "is required")])
    in_session = members is not None
    check(
        spec, "ensemble", axes=(2,) if in_session else (2, 3), dtypes=(dtype,) if dtype else FLOATS
    )
    *batch, count, n = spec.shape
    if n != setting.n or count < 2 or (in_session and count != members) or 0 in batch:
        wanted = members if in_session else "at least 2"
        found.add("ensemble.shape", f"must be {wanted} members of {setting.n} values")
    return (batch[0] if batch else None), count, spec.dtype


def _where(setting: Setting, specs: Mapping[str, Spec], operator: str, found: Collector) -> Where:
    """How the analysis is told what is near."""
    at = "observations."
    place = setting.place
    given = f"{at}state_tapers" in specs
    if f"{at}observation_tapers" in specs and not given:
        found.add(f"{at}observation_tapers", "is used only with state_tapers")
    if given and setting.entry.declaration.parameter("taper") is None:
        found.add(f"{at}state_tapers", f"is refused: {setting.name} does not localise")
    elif given and place.where != "nowhere":
        found.add(f"{at}state_tapers", "must not be sent together with a geometry")
    elif given and setting.params.get("taper") == "none":
        found.add(f"{at}state_tapers", "is refused: taper none switches localisation off")
    between = f"{at}observation_tapers"
    if given and between not in specs and setting.entry.declaration.work not in _BY_STATE:
        found.add(between, f"is required by {setting.name}, beside state_tapers")
    placed = f"{at}coordinates" in specs
    if placed and operator == "sites":
        found.add(f"{at}coordinates", "must not be sent together with sites")
    elif placed and place.where == "nowhere":
        found.add(f"{at}coordinates", "needs a geometry")
    if given:
        return "tapers"
    uses_grid = setting.entry.needs_ring and "r" in setting.params
    if not setting.localises and not uses_grid:
        return "nowhere"
    if place.where == "nowhere":
        found.add(
            "setting.geometry", f"is required: {setting.name} localises; or send state_tapers"
        )
        return "nowhere"
    if operator == "sites":
        return place.where
    if uses_grid:
        found.add(f"{at}sites", f"is required by {setting.name}")
    elif not placed:
        found.add(f"{at}coordinates", f"is required: {setting.name} localises")
    return "ring" if place.where == "grid" else place.where


def _refuse_what_the_method_cannot(
    setting: Setting, operator: str, errors: str, found: Collector
) -> None:
    run: dict[str, Any] = {
        "obs_operator": setting.obs_operator,
        "obs_error": setting.obs_error,
        "obs_error_correlation": 0.0,
    }
    refused = Collector()
    refuse_fields(setting.entry.declaration, run, refused)
    for problem in refused.problems:
        found.add(f"setting.{problem.field}", problem.message)
    cannot = setting.entry.declaration.refuses
    if errors == "covariance":
        if "obs_error_correlation" in cannot:
            message = f"is refused: {setting.name} takes independent errors, by their variances"
            found.add("observations.covariance", message)
        if setting.obs_error != "gaussian":
            found.add("setting.obs_error", "must be gaussian with a covariance")
    if operator != "sites":
        if setting.obs_operator != "identity":
            found.add("setting.obs_operator", "is used only with observations.sites")
        if setting.entry.needs_ring:
            found.add("observations.sites", f"is required by {setting.name}")
        adaptive = setting.params.get("inflation") == "adaptive"
        if operator == "predicted" and adaptive and setting.localises:
            message = "is refused: adaptive inflation of each value needs sites or matrix"
            found.add("observations.predicted", message)


def _one_of(specs: Mapping[str, Spec], at: str, names: tuple[Any, ...], found: Collector) -> Any:
    sent = [name for name in names if f"{at}{name}" in specs]
    if len(sent) != 1:
        words = ", ".join(names)
        found.add(
            f"{at}{sent[1] if sent else names[0]}", f"must be sent as exactly one of: {words}"
        )
    return sent[0] if sent else names[0]
