"""Where the values of a state lie: what localisation measures distances by."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from learnda.client.arrays import Outgoing, floats
from learnda.v1 import analysis_pb2 as pb


@dataclass(frozen=True, slots=True, eq=False)
class Ring:
    """Around a circle; distance is the shorter way round."""

    coordinates: ArrayLike | None = None
    """[n]; None: 0, 1 .. n - 1."""
    length: float | None = None
    """Once around; None: n."""


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """Along a line."""

    coordinates: ArrayLike | None = None
    """[n]; None: 0, 1 .. n - 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """In a plane."""

    coordinates: ArrayLike
    """[n, 2]"""


@dataclass(frozen=True, slots=True, eq=False)
class Sphere:
    """On a sphere; distance is along the great circle."""

    coordinates: ArrayLike
    """[n, 2]: latitude and longitude in degrees."""
    radius: float | None = None
    """In the unit of the method's radius; None: 6371, kilometres on the earth."""


Geometry = Ring | Interval | Plane | Sphere


def write_geometry(geometry: Geometry, outgoing: Outgoing, setting: str) -> None:
    """Into the AnalysisSetting at the path ``setting`` of a message."""
    message: pb.Geometry = getattr(outgoing.message, setting).geometry
    match geometry:
        case Ring():
            message.ring.SetInParent()
            if geometry.length is not None:
                message.ring.length = geometry.length
        case Interval():
            message.interval.SetInParent()
        case Plane():
            message.plane.SetInParent()
        case Sphere():
            message.sphere.SetInParent()
            if geometry.radius is not None:
                message.sphere.radius = geometry.radius
    if geometry.coordinates is not None:
        path = f"{setting}.geometry.{message.WhichOneof('kind')}.coordinates"
        outgoing.put(path, floats(geometry.coordinates, path))
