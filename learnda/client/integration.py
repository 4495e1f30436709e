"""Integrate as an exchange: Lorenz-96 states in, an xarray Dataset out. Pure."""

from __future__ import annotations

import json
from typing import Any, TypedDict, cast

import numpy as np
import xarray as xr
from google.protobuf.message import Message
from numpy.typing import ArrayLike, NDArray

from learnda import metadata
from learnda.client.arrays import Incoming, Outgoing, floats
from learnda.client.dataset import variable
from learnda.client.events import server_of
from learnda.client.exchange import Exchange
from learnda.client.failures import refuse
from learnda.tensors import write
from learnda.v1 import integration_pb2 as pb

_LONG_NAMES = {
    "trajectory": "states of Lorenz-96",
    "perturbations": "tangent vectors at the last step",
    "gradients": "gradients at the first step",
    "lyapunov_exponents": "leading Lyapunov exponents, per unit of model time",
}
_FLOATS = ("lorenz96_F", "dt")
_COUNTS = ("step_count", "every", "lyapunov_count", "lyapunov_every")
_VECTORS = ("perturbations", "gradients")


class IntegrateOptions(TypedDict, total=False):
    """What may be asked for besides one step with F = 8 and dt = 0.05."""

    lorenz96_F: float
    dt: float
    step_count: int
    every: int
    perturbations: ArrayLike
    gradients: ArrayLike
    lyapunov_count: int
    lyapunov_every: int


def integrate(states: ArrayLike, options: IntegrateOptions) -> Exchange[xr.Dataset]:
    """The call; InvalidRequest for what cannot be sent."""
    request = pb.IntegrateRequest()
    outgoing = Outgoing(request, write)
    outgoing.put("states", floats(states, "states"))
    for name, value in options.items():
        if name in _VECTORS:
            outgoing.put(name, floats(cast(ArrayLike, value), name))
        elif name in _FLOATS or name in _COUNTS:
            _set(request, name, value)
        else:
            refuse(name, "is not an argument of integrate")
    return Exchange("Integrate", [request], _Reader())


def _set(request: pb.IntegrateRequest, name: str, value: Any) -> None:
    kind: type[Any] = float if name in _FLOATS else int
    try:
        if kind(value) != value:
            raise ValueError
        setattr(request, name.lower(), kind(value))
    except (TypeError, ValueError, OverflowError):
        refuse(name, "must be a finite number" if kind is float else "must be an integer")


class _Reader:
    def __init__(self) -> None:
        self._started = pb.IntegrationStarted()
        self._incoming: Incoming | None = None

    def take(self, message: Message) -> None:
        answer = cast(pb.IntegrateResponse, message)
        match answer.WhichOneof("event"):
            case "started":
                self._started = answer.started
                self._incoming = Incoming(answer.started)
            case "part":
                assert self._incoming is not None, "a stream begins with `started`"
                self._incoming.take(answer.part)
            case _:
                pass

    def result(self) -> xr.Dataset:
        assert self._incoming is not None, "a stream begins with `started`"
        started, arrays = self._started, self._incoming.arrays()
        batch = ("batch",) if arrays["trajectory"].ndim == 3 else ()
        dimensions = {
            "trajectory": ("time", *batch, "site"),
            "perturbations": (*batch, "site"),
            "gradients": (*batch, "site"),
            "lyapunov_exponents": (*batch, "exponent"),
        }
        server = server_of(started.server)
        return xr.Dataset(
            {
                name: variable(dimensions[name], array, _LONG_NAMES[name])
                for name, array in arrays.items()
            },
            coords={"time": variable("time", _times(started), metadata.TIME)},
            attrs={
                "lorenz96_F": started.lorenz96_f,
                "dt": started.dt,
                "step_count": started.step_count,
                "every": started.every,
                "versions": json.dumps(server.versions),
                "device": ", ".join(server.devices),
            },
        )


def _times(started: pb.IntegrationStarted) -> NDArray[np.float64]:
    steps = np.arange(0, started.step_count + 1, started.every, dtype=np.float64)
    return steps * started.dt
