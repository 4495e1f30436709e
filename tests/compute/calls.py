"""Calls of the gRPC service, and what they answer, for the tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from compute.engine import Engine
from compute.server import ServerSettings
from learnda import tensors
from learnda.v1 import assimilation_pb2 as pb

SETTINGS = ServerSettings(port=0, warm_up=False)
TWO = [
    {"id": "m1", "name": "enkf", "label": "EnKF", "params": {}},
    {"id": "m2", "name": "letkf", "label": "LETKF (r=2)", "params": {"r": 2}},
]
LONG = {"end_time": 50_000, "methods": TWO}
"""Half a million steps: it never ends by itself while a test looks."""


async def stream(stub: Any, request: pb.RunExperimentRequest) -> list[pb.RunExperimentResponse]:
    return [message async for message in stub.RunExperiment(request)]


def kinds(messages: list[pb.RunExperimentResponse]) -> list[str]:
    return [str(message.WhichOneof("event")) for message in messages]


def series(messages: list[pb.RunExperimentResponse], method_id: str, name: str) -> np.ndarray:
    """[R, steps], joined over the messages."""
    spans = [m.progress for m in messages if m.progress.method_id == method_id]
    return np.hstack(
        [
            np.array(getattr(s.replicates, name)).reshape(s.replicate_count, s.step_count)
            for s in spans
        ]
    )


def arrays_of(message: Message, parts: Iterator[Any]) -> dict[str, np.ndarray]:
    """The arrays of a message, by path; those that are announced are read from the ``parts`` that
    follow it, and from no more of them.
    """
    arrays = {}
    for path, tensor in tensors.tensors_of(message):
        spec = tensors.spec_of(tensor, path)
        data = tensor.data
        while len(data) < spec.nbytes:
            part = next(parts)
            assert part.field == path
            assert 0 < len(part.data) <= 1_000_000
            data += part.data
        arrays[path] = np.frombuffer(data, spec.dtype).reshape(spec.shape)
    return arrays


async def failure(call: Any) -> tuple[grpc.StatusCode, str, dict[str, Any]]:
    """Code, sentence and details by type of a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in call:
            pass
    error = caught.value
    return error.code(), str(error.details()), details_of(error)


def details_of(error: grpc.RpcError) -> dict[str, Any]:
    """The google.rpc details of a failure, by type."""
    details: dict[str, Any] = {}
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for packed in status_pb2.Status.FromString(value).details:
                for kind in ("BadRequest", "ErrorInfo", "RetryInfo"):
                    message = getattr(error_details_pb2, kind)()
                    if packed.Unpack(message):
                        details[kind] = message
    return details


async def timed_failure(stub: Any, request: pb.RunExperimentRequest) -> tuple[Any, float]:
    """The failure, and the seconds that it took: the least of three, for other work interferes."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        outcome = await failure(stub.RunExperiment(request))
        seconds.append(time.perf_counter() - began)
    return outcome, min(seconds)


async def ends(engine: Engine, within: float = 0.5) -> bool:
    """True when the engine has let go of every run within so many seconds."""
    for _ in range(int(within / 0.005)):
        if engine.run_count == 0:
            return True
        await asyncio.sleep(0.005)
    return False


async def pauses(engine: Engine, within: float = 20) -> bool:
    """True when the device thread has nothing to do for a quarter of a second on end."""
    deadline = time.monotonic() + within
    quiet = 0
    while quiet < 25 and time.monotonic() < deadline:
        quiet = quiet + 1 if engine.seconds_stuck() == 0 else 0
        await asyncio.sleep(0.01)
    return quiet >= 25


def refused_fields(outcome: tuple[grpc.StatusCode, str, dict[str, Any]]) -> set[str]:
    code, _, details = outcome
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    return {violation.field for violation in details["BadRequest"].field_violations}


async def read_until_progress(call: Any) -> None:
    async for message in call:
        if message.WhichOneof("event") == "progress":
            return
