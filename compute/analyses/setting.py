"""Which filter analyses, and where the state lies: what stays the same from cycle to cycle.

What tensors say of themselves is looked at first (`read_setting`), their numbers when they are
there (`located`). Axes: see `compute.analyses.program`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute.analyses.program import Where
from compute.filters import REGISTRY, Filter
from compute.registry import METHODS
from compute.request_sizes import METHODS_BYTES
from learnda import wire
from learnda.declarations import Value
from learnda.fields import RUN_FIELDS
from learnda.instances import resolve_params
from learnda.problems import Collector, InvalidRequest, Problem, UnknownMethod
from learnda.tensors import FLOATS, Spec, expect
from learnda.v1 import analysis_pb2 as pb
from learnda.values import FieldError, accept

EARTH_RADIUS = 6371.0
"""Kilometres."""
_FIELDS = {field.name: field for field in RUN_FIELDS}
_NO_INFLATION = {"inf_fact": 1.0}


@dataclass(frozen=True)
class Place:
    """Where the values of a state lie."""

    where: Where
    """"nowhere", "grid" (the sites of a ring) or a metric."""
    size: float = 1.0
    """Of a ring once around, of a sphere its radius."""
    coordinates: NDArray[Any] | None = None
    """[n, d]; None: not told yet, or 0, 1 .. n - 1."""

    @property
    def axes(self) -> int:
        """Coordinates of a point, d."""
        return 2 if self.where in ("plane", "sphere") else 1


@dataclass(frozen=True)
class Setting:
    """A filter with all that stays the same from cycle to cycle."""

    entry: Filter
    params: Mapping[str, Value]
    """Every one that is in use; without those of localisation where tapers are to be given."""
    seed: int
    obs_operator: str
    obs_error: str
    obs_error_dof: float
    n: int
    place: Place

    @property
    def name(self) -> str:
        return self.entry.declaration.name

    @property
    def choices(self) -> dict[str, Any]:
        """The parameters that select code."""
        return {k: v for k, v in self.params.items() if isinstance(v, bool | str)}

    @property
    def numbers(self) -> dict[str, float]:
        """The others."""
        return {k: float(v) for k, v in self.params.items() if not isinstance(v, bool | str)}

    @property
    def localises(self) -> bool:
        """True where each observation counts near it only."""
        taper = self.entry.declaration.parameter("taper")
        return taper is not None and self.params.get("taper") != "none"

    def with_seed(self, seed: int) -> Setting:
        """The same with another seed."""
        return replace(self, seed=seed)

    def message(self) -> pb.AnalysisSetting:
        """It with every default, for the client to see."""
        message = pb.AnalysisSetting(method=self.name, seed=self.seed)
        message.params.update(dict(self.params))
        wire.fill(message, {"obs_operator": self.obs_operator, "obs_error": self.obs_error})
        if self.obs_error == "student":
            message.obs_error_dof = self.obs_error_dof
        match self.place.where:
            case "grid" | "ring":
                message.geometry.ring.length = self.place.size
            case "interval":
                message.geometry.interval.SetInParent()
            case "plane":
                message.geometry.plane.SetInParent()
            case "sphere":
                message.geometry.sphere.radius = self.place.size
        return message


def analysis_of(method: str) -> Filter | None:
    """The filter of that name, if it is an analysis of an ensemble alone."""
    entry = REGISTRY.get(method)
    return None if entry is None or entry.declaration.baseline else entry


def read_setting(
    message: pb.AnalysisSetting,
    specs: Mapping[str, Spec],
    n: int,
    *,
    draw_seed: Callable[[], int],
    prefix: str = "setting.",
) -> Setting:
    """The setting for states of ``n`` values, but for the geometry's coordinates (`located`)."""
    found = Collector()
    if message.params.ByteSize() > METHODS_BYTES:
        too_large = f"must be under {METHODS_BYTES:,} bytes"
        raise InvalidRequest([Problem(f"{prefix}params", too_large)])
    method = METHODS.get(message.method)
    if method is None:
        raise UnknownMethod(message.method[:64], f"{prefix}method")
    entry = analysis_of(message.method)
    if entry is None:
        found.add(f"{prefix}method", "is no analysis of an ensemble alone: Analyze cannot run it")
    sent = wire.params_of(message.params)
    fields = _read_fields(message, prefix, found)
    place = _read_place(message.geometry, specs, n, f"{prefix}geometry", found)
    run: dict[str, Any] = dict(_NO_INFLATION)
    if place.where == "grid":
        run["lorenz96_n"] = n
    path = f"{prefix}params"
    params = resolve_params(sent, method.declaration, run, path, found)
    if place.where == "nowhere":
        taper = method.declaration.parameter("taper")
        if taper is not None and params.get("taper") != "none":
            for name in ("taper", "r"):
                params.pop(name, None)
                if name in sent:
                    found.add(f"{path}.{name}", "needs a geometry")
        elif taper is None and "r" in params:
            found.add(f"{prefix}geometry", f"must be a ring of sites for {message.method}")
    elif "r" not in params:
        found.add(f"{prefix}geometry", f"is refused: {message.method} localises nothing so")
    elif place.where != "grid" and "taper" not in params:
        found.add(f"{prefix}geometry", f"must be a ring of sites for {message.method}")
    found.raise_if_any()
    assert entry is not None
    seed = message.seed if message.HasField("seed") else draw_seed()
    return Setting(entry, params, seed, **fields, n=n, place=place)


def located(
    setting: Setting, arrays: Mapping[str, NDArray[Any]], prefix: str = "setting."
) -> Setting:
    """The setting with its geometry's coordinates, which are there now."""
    place = setting.place
    path = f"{prefix}geometry.{place.where}.coordinates"
    if path not in arrays:
        return setting
    points = arrays[path].reshape(setting.n, place.axes)
    check_points(points, place, path)
    return replace(setting, place=replace(place, coordinates=points))


def _read_fields(message: pb.AnalysisSetting, prefix: str, found: Collector) -> dict[str, Any]:
    """Operator, error and its degrees of freedom; the seed is only checked."""
    sent = wire.read_fields(message)
    fields: dict[str, Any] = {}
    for name in ("obs_operator", "obs_error", "obs_error_dof"):
        fields[name] = _FIELDS[name].default
    for name in ("seed", *fields):
        if name not in sent:
            continue
        try:
            fields[name] = accept(_FIELDS[name], sent[name])
        except FieldError as refusal:
            found.add(f"{prefix}{name}", str(refusal))
    if "obs_error_dof" in sent and fields["obs_error"] != "student":
        found.add(f"{prefix}obs_error_dof", "is used only with obs_error student")
    fields.pop("seed", None)
    return fields


def _read_place(
    message: pb.Geometry, specs: Mapping[str, Spec], n: int, prefix: str, found: Collector
) -> Place:
    kind = message.WhichOneof("kind")
    if kind is None:
        return Place("nowhere")
    path = f"{prefix}.{kind}.coordinates"
    place = Place(kind)
    spec = specs.get(path)
    if spec is not None:
        expect(found, spec, path, FLOATS, (n,) if place.axes == 1 else (n, 2))
    elif place.axes == 2:
        found.add(path, "is required")
    if kind == "ring":
        length = message.ring.length if message.ring.HasField("length") else float(n)
        whole = spec is None and length == n
        place = Place("grid" if whole else "ring", length)
        if spec is None and length < n:
            found.add(f"{prefix}.ring.length", f"must be at least {n}, or coordinates be sent")
    elif kind == "sphere":
        radius = message.sphere.radius if message.sphere.HasField("radius") else EARTH_RADIUS
        place = Place("sphere", radius)
    if not (np.isfinite(place.size) and place.size > 0):
        name = "length" if kind == "ring" else "radius"
        found.add(f"{prefix}.{kind}.{name}", "must be greater than 0 and finite")
    return place


def check_points(points: NDArray[Any], place: Place, path: str) -> None:
    """InvalidRequest where ``points`` [.., 2] are no places on a sphere."""
    if place.where != "sphere":
        return
    latitude, longitude = points[..., 0], points[..., 1]
    if not (np.abs(latitude) <= 90).all():
        raise InvalidRequest([Problem(path, "must have latitudes from -90 to 90 degrees")])
    if not ((longitude >= -180) & (longitude <= 360)).all():
        raise InvalidRequest([Problem(path, "must have longitudes from -180 to 360 degrees")])
