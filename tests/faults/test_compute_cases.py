"""Cases 13, 15, 16, 17 and 19: how calls of compute end, and what its callers notice meanwhile.

A server on a real port, in this process: so the test sees what the engine does and holds.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import grpc
import jax
import pytest
import pytest_asyncio
from calls import SETTINGS, ends, failure, kinds, read_until_progress, stream
from cut_line import line_to
from grpc_health.v1 import health_pb2, health_pb2_grpc

from compute.engine import Engine, Run
from compute.programs import Program, Programs, Recipe
from compute.server import SERVICE, RunningServer, channel_options, running
from compute.twin_run import TwinRun
from learnda import wire
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub

pytestmark = pytest.mark.asyncio(loop_scope="module")

MB = 1_000_000
ETKF = [{"id": "m1", "name": "etkf"}]
SMALL = {"lorenz96_n": 10, "m": 5, "ensemble_size": 5, "end_time": 0.5, "methods": ETKF}
LARGE = {
    "lorenz96_n": 200,
    "ensemble_size": 1000,
    "end_time": 50_000,
    "methods": ETKF,
}
"""Some MB, for hours."""
ENSEMBLE = 8 * 200 * 1000
"""Its bytes."""
PINGS = [
    ("grpc.keepalive_time_ms", 600),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
]
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(program_limit=200, hasty=True) as engine:
        yield engine


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(engine: Engine) -> AsyncIterator[RunningServer]:
    async with running(SETTINGS, engine) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub(server: RunningServer) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        await channel.channel_ready()
        yield AssimilationServiceStub(channel)


# ---------------------------------------------------------------- 13


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def compiled(stub: Any, engine: Engine) -> None:
    """The programs of the large run, and the climatology of its model, are there."""
    await stream(stub, wire.request_to_proto({**LARGE, "end_time": 0.1}))
    assert await frees()


@pytest.mark.parametrize("how", ["cancel", "deadline", "disconnect"])
async def test_case_13_compute_stops_within_one_chunk_and_frees_its_memory(
    server: RunningServer,
    engine: Engine,
    compiled: None,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    request = wire.request_to_proto(LARGE)
    rounds = Rounds(monkeypatch)
    async with line_to(server.address) as line, grpc.aio.insecure_channel(line.address) as channel:
        call = AssimilationServiceStub(channel).RunExperiment(
            request, timeout=4 if how == "deadline" else None
        )
        await read_until_progress(call)
        assert held_bytes() > ENSEMBLE
        if how == "cancel":
            call.cancel()
        elif how == "disconnect":
            line.cut()
        else:
            outcome = await failure(call)
            assert outcome[0] is grpc.StatusCode.DEADLINE_EXCEEDED
        assert await ends(engine, within=10)
    assert rounds.at_cancel > 0
    assert rounds.begun <= rounds.at_cancel + 1
    assert await frees()


class Rounds:
    """Counts the chunks that the engine begins, and those at the moment when a run is cancelled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = 0
        self.at_cancel = 0
        begin, cancel = TwinRun._round, Run.cancel

        def counted(twin: TwinRun, step: int, count: int) -> Any:
            self.begun += 1
            return begin(twin, step, count)

        def noted(run: Run) -> None:
            self.at_cancel = self.at_cancel or self.begun
            cancel(run)

        monkeypatch.setattr(TwinRun, "_round", counted)
        monkeypatch.setattr(Run, "cancel", noted)


def held_bytes() -> int:
    """What all arrays on the device take."""
    return sum(array.nbytes for array in jax.live_arrays())


async def frees(within: float = 10) -> bool:
    """True when less than one ensemble is held within so many seconds: a worker may still be in
    the chunk that nobody waits for.
    """
    for _ in range(int(within / 0.01)):
        if held_bytes() < ENSEMBLE:
            return True
        await asyncio.sleep(0.01)
    return False


# ---------------------------------------------------------------- 15


async def test_case_15_a_large_result_comes_in_parts_of_at_most_1_mb(server: RunningServer) -> None:
    """Ten thousand replicates: one step of them nearly fills a message, the first chunk has four.
    The client refuses to take more than 1 MB.
    """
    body = {
        "lorenz96_n": 4,
        "ensemble_size": 2,
        "m": 2,
        "end_time": 0.5,
        "replicates": 10_000,
        "methods": ETKF,
    }
    request = wire.request_to_proto(body)
    request.checkpoint_interval_seconds = 1e-9
    options = [("grpc.max_receive_message_length", MB)]
    async with grpc.aio.insecure_channel(server.address, options=options) as channel:
        call = channel.unary_stream(
            f"/{SERVICE}/RunExperiment",
            request_serializer=pb.RunExperimentRequest.SerializeToString,
            response_deserializer=None,
        )
        sent = [message async for message in call(request)]
    assert max(len(message) for message in sent) <= MB
    messages = [pb.RunExperimentResponse.FromString(message) for message in sent]
    assert kinds(messages)[-1] == "completed"
    spans = [m.progress for m in messages if m.WhichOneof("event") == "progress"]
    assert [span.first_step for span in spans] == list(range(6))  # of each step all replicates
    for span in spans:
        assert (span.step_count, span.replicate_count) == (1, 10_000)
        assert len(span.replicates.error_a) == 10_000
    parts = [m.checkpoint for m in messages if m.WhichOneof("event") == "checkpoint"]
    assert parts[0].part_count > 1
    states = {step: [p for p in parts if p.step == step] for step in {p.step for p in parts}}
    assert all(wire.join_checkpoint(found) for found in states.values())


# ---------------------------------------------------------------- 16


async def test_case_16_a_client_that_pings_through_a_long_compile_is_not_disconnected(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pings each 0.6 s in the place of 30 s: what a server's policy does not allow, it ends at the
    third.
    """
    options = dict(channel_options(SETTINGS))
    assert options["grpc.http2.min_ping_interval_without_data_ms"] <= 30_000
    make = Programs._make

    def slowly(programs: Programs, recipe: Recipe) -> Program:
        if recipe.name == "etkf":
            time.sleep(4)
        return make(programs, recipe)

    body = {**SMALL, "m": 4}  # of which no program is there yet
    monkeypatch.setattr(Programs, "_make", slowly)
    async with grpc.aio.insecure_channel(server.address, options=PINGS) as channel:
        stub = AssimilationServiceStub(channel)
        began = time.monotonic()
        messages = await stream(stub, wire.request_to_proto(body))
    assert "compiling" in kinds(messages)
    assert kinds(messages)[-1] == "completed"
    assert time.monotonic() - began > 6 * 0.6


# ---------------------------------------------------------------- 17


async def test_case_17_a_stuck_device_thread_turns_the_service_unhealthy(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And healthy again when it goes on."""
    go_on = threading.Event()
    advance = TwinRun._advance

    def stuck(*arguments: Any) -> Any:
        go_on.wait()
        return advance(*arguments)

    monkeypatch.setattr(TwinRun, "_advance", stuck)
    async with (
        running(replace(SETTINGS, stuck_seconds=0.2), engine) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        assert (await watch.read()).status == SERVING
        request = wire.request_to_proto(SMALL)
        run = asyncio.create_task(stream(AssimilationServiceStub(channel), request))
        try:
            assert (await asyncio.wait_for(watch.read(), 60)).status == NOT_SERVING
            for name in ("", SERVICE):
                answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
                assert answer.status == NOT_SERVING
        finally:
            go_on.set()
        assert (await asyncio.wait_for(watch.read(), 60)).status == SERVING
        assert kinds(await run)[-1] == "completed"
        watch.cancel()


# ---------------------------------------------------------------- 19


@pytest.mark.parametrize(
    ("where", "what"),
    [(Programs, "_make"), (TwinRun, "_start"), (TwinRun, "_advance"), (TwinRun, "_judge")],
    ids=["compiling", "starting", "computing", "judging"],
)
async def test_case_19_a_run_without_memory_fails_and_the_next_small_one_succeeds(
    stub: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch, where: type, what: str
) -> None:
    def exhausted(*_: Any) -> Any:
        raise jax.errors.JaxRuntimeError(
            "RESOURCE_EXHAUSTED: Out of memory allocating 17179869184 bytes."
        )

    with monkeypatch.context() as patch:
        patch.setattr(where, what, exhausted)
        request = wire.request_to_proto({**SMALL, "lorenz96_n": 19})
        code, sentence, details = await failure(stub.RunExperiment(request))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details["ErrorInfo"].reason == "DEVICE_MEMORY"
    assert "memory" in sentence
    assert "RetryInfo" not in details  # it would fail again
    assert await ends(engine)
    assert kinds(await stream(stub, wire.request_to_proto(SMALL)))[-1] == "completed"
