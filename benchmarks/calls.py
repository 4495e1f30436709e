"""What gRPC adds to an analysis: an ETKF over the wire against a bare echo of the same bytes.

The echo is grpc.aio at its barest: bytes in, the same bytes out, no protobuf; in parts it takes all
of them before it gives them back, as an analysis must. Both servers are processes of their own, and
both clients the same loop. Beyond is what a call takes without the analysis itself, which the
server tells. Memory is how much more the server holds at its peak than before, over the message.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from benchmarks.figures import Row, Spread, Target
from learnda import tensors
from learnda.local.services import ComputeService, free_port
from learnda.v1 import analysis_pb2 as pb

ROUNDS = {"1 MB": 101, "100 MB": 9}
MEMBERS, OBSERVATIONS = 20, 100
SIZES = {"1 MB": 1_000_000, "100 MB": 100_000_000}
_ENSEMBLE = pb.AnalyzeRequest.ENSEMBLE_FIELD_NUMBER
_PART = pb.AnalyzeInPartsRequest.PART_FIELD_NUMBER
MOST_REFUSAL = 50.0
"""Milliseconds."""
MOST_BEYOND = 1 / 0.6
MOST_MEMORY = 4.0
HOST = "127.0.0.1"
CACHE = Path(__file__).resolve().parent.parent / ".cache" / "jax"
LOG = CACHE.parent / "bench" / "calls.log"
UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


def _cut(request: pb.AnalyzeRequest) -> None:
    request.ensemble.data = request.ensemble.data[:-1]


def _of_no_type(request: pb.AnalyzeRequest) -> None:
    request.ensemble.dtype = 99  # type: ignore[assignment]


def _negative(request: pb.AnalyzeRequest) -> None:
    request.ensemble.shape[:] = [-1, -125_000]


def _overflowing(request: pb.AnalyzeRequest) -> None:
    request.ensemble.shape[:] = [2**62, 2**62]


def _not_a_number(request: pb.AnalyzeRequest) -> None:
    request.ensemble.data = request.ensemble.data[:-8] + np.array(np.nan).tobytes()


def _beyond_the_limit(request: pb.AnalyzeRequest) -> None:
    request.ensemble.CopyFrom(tensors.announce("float64", (10**6, 10**6)))


HOSTILE = (_cut, _of_no_type, _negative, _overflowing, _not_a_number, _beyond_the_limit)

ECHO = """
import asyncio, grpc
async def unary(request, context):
    return request
async def in_parts(context):
    parts = []
    while (part := await context.read()) is not grpc.aio.EOF:
        parts.append(part)
    for part in parts:
        await context.write(part)
class Handler(grpc.GenericRpcHandler):
    def service(self, call):
        if call.method == "/echo/Unary":
            return grpc.unary_unary_rpc_method_handler(unary)
        async def handle(requests, context):
            await in_parts(context)
        return grpc.stream_stream_rpc_method_handler(handle)
async def main():
    server = grpc.aio.server(options=%r)
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()
asyncio.run(main())
"""


def measure() -> list[Row]:
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("w") as log:
        os.dup2(log.fileno(), 2)  # what the service says is not for the table
    rows = []
    with ExitStack() as stack:
        compute, address = stack.enter_context(_compute())
        echo_address = stack.enter_context(_echo_server())
        channel = stack.enter_context(grpc.insecure_channel(address, UNLIMITED))
        echoes = stack.enter_context(grpc.insecure_channel(echo_address, UNLIMITED))
        unary = _call(channel, "Analyze", "unary_unary", pb.AnalyzeResponse)
        streamed = _call(channel, "AnalyzeInParts", "stream_stream", pb.AnalyzeInPartsResponse)
        for label, size in SIZES.items():
            request, arrays = _request(size)
            large = size > tensors.PART_BYTES * 3
            ours: Callable[[], float] = (
                partial(_in_parts, streamed, request, arrays)
                if large
                else partial(_unary, unary, request, arrays)
            )
            echo = _echo(echoes, request, arrays, in_parts=large)
            held = _held(compute)
            ours()  # compiled
            ours()
            memory = (_held(compute, peak=True) - held) / size
            beyond, bare, ratios = [], [], []
            for _ in range(ROUNDS[label]):
                bare.append(echo())
                beyond.append(ours())
                ratios.append(beyond[-1] / bare[-1])
            rows.append(
                Row(
                    f"{label}: beyond the analysis",
                    figure=Spread.of([1e3 * s for s in beyond]),
                    unit="ms",
                    ratio=Spread.of(ratios),
                    to="echo",
                    target=Target(MOST_BEYOND, at_most=True),
                    note=f"echo {1e3 * float(np.median(bare)):.1f} ms",
                )
            )
            if large:
                rows.append(
                    Row(
                        f"{label}: the server's memory over the message",
                        ratio=Spread.of([memory]),
                        to="message",
                        target=Target(MOST_MEMORY, at_most=True),
                    )
                )
        rows.append(_refusals(unary, streamed))
    return rows


def _refusals(unary: Any, streamed: Any) -> Row:
    """The slowest of what is refused, over tensors that cannot be."""
    seconds = []
    for break_it in HOSTILE:
        request, arrays = _request(1_000_000)
        request.ensemble.CopyFrom(tensors.write(arrays["ensemble"]))
        break_it(request)
        for call in (
            unary,
            lambda r: next(streamed(iter([pb.AnalyzeInPartsRequest(analyze=r)]))),
        ):
            took = []
            for _ in range(9):
                began = time.perf_counter()
                try:
                    call(request)
                except grpc.RpcError as error:
                    code = error.code()  # type: ignore[attr-defined]
                took.append(time.perf_counter() - began)
                if code is not grpc.StatusCode.INVALID_ARGUMENT:
                    raise AssertionError(f"a hostile tensor ended as {code}")
            seconds.append(1e3 * float(np.median(took)))
    target = Target(MOST_REFUSAL, at_most=True)
    return Row("refusal of a hostile tensor", figure=Spread.of(seconds), unit="ms", target=target)


@contextmanager
def _compute() -> Iterator[tuple[int, str]]:
    """Process id and address of a compute server as it is run everywhere."""
    service = ComputeService(HOST, free_port(HOST), CACHE, settings={"LEARNDA_WARM_UP": "0"})
    process = service.spawn()
    try:
        with grpc.insecure_channel(service.address) as channel:
            grpc.channel_ready_future(channel).result(timeout=60)
        yield process.pid, service.address
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _echo_server() -> Iterator[str]:
    """Its address."""
    command = [sys.executable, "-c", ECHO % (UNLIMITED,)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def _request(size: int) -> tuple[pb.AnalyzeRequest, dict[str, Any]]:
    """Without its ensemble, and that."""
    rng = np.random.default_rng(size)
    ensemble = rng.normal(size=(MEMBERS, size // (8 * MEMBERS)))
    request = pb.AnalyzeRequest(setting=pb.AnalysisSetting(method="etkf", seed=1))
    seen = request.observations
    seen.values.CopyFrom(tensors.write(rng.normal(size=OBSERVATIONS)))
    seen.sites.CopyFrom(tensors.write(np.arange(OBSERVATIONS)))
    seen.variances.CopyFrom(tensors.write(np.array(1.0)))
    return request, {"ensemble": ensemble}


def _unary(call: Any, request: pb.AnalyzeRequest, arrays: dict[str, Any]) -> float:
    began = time.perf_counter()
    response = call(tensors.with_tensor(request, _ENSEMBLE, arrays["ensemble"]))
    tensors.read(response.ensemble, "ensemble", axes=(2,), most_bytes=10**10)
    return time.perf_counter() - began - float(response.analysis_seconds)


def _call(channel: grpc.Channel, name: str, kind: str, answers: Any) -> Any:
    """A call whose requests may be bytes: see `learnda.tensors`."""
    return getattr(channel, kind)(
        f"/learnda.v1.AssimilationService/{name}",
        request_serializer=lambda m: m if isinstance(m, bytes) else m.SerializeToString(),
        response_deserializer=answers.FromString,
    )


def _in_parts(call: Any, request: pb.AnalyzeRequest, arrays: dict[str, Any]) -> float:
    began = time.perf_counter()

    def messages() -> Iterator[Any]:
        first = pb.AnalyzeInPartsRequest(analyze=request)
        first.analyze.ensemble.CopyFrom(tensors.fitting(arrays["ensemble"]))
        yield first
        yield from tensors.following_fields(_PART, first.analyze, arrays)

    answers = call(messages())
    response = next(answers).analysis
    gathering = tensors.Gathering(response, most_bytes=10**10)
    gathering.allocate()
    for answer in answers:
        gathering.take(answer.part)
    gathering.arrays()
    return time.perf_counter() - began - float(response.analysis_seconds)


def _echo(
    channel: grpc.Channel, request: pb.AnalyzeRequest, arrays: dict[str, Any], *, in_parts: bool
) -> Callable[[], float]:
    if not in_parts:
        call = channel.unary_unary("/echo/Unary")
        payload = tensors.with_tensor(request, _ENSEMBLE, arrays["ensemble"])

        def unary() -> float:
            began = time.perf_counter()
            assert len(call(payload)) == len(payload)
            return time.perf_counter() - began

        return unary
    stream = channel.stream_stream("/echo/InParts")
    parts = [part.data for part in tensors.parts("ensemble", arrays["ensemble"])]

    def streamed() -> float:
        began = time.perf_counter()
        assert sum(len(part) for part in stream(iter(parts))) == sum(len(part) for part in parts)
        return time.perf_counter() - began

    return streamed


def _held(pid: int, *, peak: bool = False) -> int:
    """Bytes that a process holds, or held at most."""
    name = "VmHWM:" if peak else "VmRSS:"
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))
