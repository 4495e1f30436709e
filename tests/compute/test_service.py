"""The gRPC service on a real port: what it streams, and how calls end."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import jax
import numpy as np
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from compute.engine import Engine
from compute.failures import status_of
from compute.filters import declarations
from compute.server import SERVICE, RunningServer, ServerSettings, running
from compute.twin_run import TwinRun
from learnda import wire
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = ServerSettings(port=0, warm_up=False)
TWO = [
    {"id": "m1", "name": "enkf", "label": "EnKF", "params": {}},
    {"id": "m2", "name": "letkf", "label": "LETKF (r=2)", "params": {"r": 2}},
]
LONG = {"end_time": 50_000, "methods": TWO}
"""Half a million steps: it never ends by itself while a test looks."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(engine: Engine) -> AsyncIterator[RunningServer]:
    async with running(SETTINGS, engine) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def channel(server: RunningServer) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        await channel.channel_ready()
        yield channel


@pytest.fixture(scope="module")
def stub(channel: grpc.aio.Channel) -> Any:
    return AssimilationServiceStub(channel)


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


async def failure(call: Any) -> tuple[grpc.StatusCode, str, dict[str, Any]]:
    """Code, sentence and details by type of a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in call:
            pass
    error = caught.value
    details: dict[str, Any] = {}
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for packed in status_pb2.Status.FromString(value).details:
                for kind in ("BadRequest", "ErrorInfo", "RetryInfo"):
                    message = getattr(error_details_pb2, kind)()
                    if packed.Unpack(message):
                        details[kind] = message
    return error.code(), str(error.details()), details


async def timed_failure(stub: Any, request: pb.RunExperimentRequest) -> tuple[Any, float]:
    """The failure, and the seconds that it took: the least of three, as other work may interfere."""
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


# ---------------------------------------------------------------- what it says


async def test_it_lists_what_the_registry_declares(stub: Any) -> None:
    response = await stub.ListMethods(pb.ListMethodsRequest())
    assert wire.methods_from_proto(response) == declarations()


async def test_it_tells_what_it_is(stub: Any) -> None:
    await stream(stub, wire.request_to_proto({"seed": 1, "methods": TWO}))
    info = await stub.GetServerInfo(pb.GetServerInfoRequest())
    assert {"learn-da", "jax", "jaxlib", "numpy"} <= set(info.server.versions)
    assert info.server.devices[0].platform
    assert list(info.server.precisions) == [pb.PRECISION_FLOAT64, pb.PRECISION_FLOAT32]
    assert info.limits.max_rows == SETTINGS.limits.max_rows
    assert info.limits.max_bytes == SETTINGS.limits.max_bytes
    assert {"enkf", "letkf"} <= {program.name for program in info.programs}


async def test_a_stream_has_the_order_of_the_contract(stub: Any) -> None:
    messages = await stream(stub, wire.request_to_proto({"methods": TWO}))
    names = [kind for kind in kinds(messages) if kind != "compiling"]
    assert names[0] == "started"
    assert names[-1] == "completed"
    assert names.count("started") == names.count("completed") == 1
    for method_id in ("m1", "m2"):
        about = [
            (kind, getattr(message, kind))
            for kind, message in zip(kinds(messages), messages, strict=True)
            if kind in ("method_started", "progress", "method_completed")
            and getattr(message, kind).method_id == method_id
        ]
        assert [kind for kind, _ in about][:2] == ["method_started", "progress"]
        assert [kind for kind, _ in about][-1] == "method_completed"
        spans = [message for kind, message in about if kind == "progress"]
        steps = [
            s for span in spans for s in range(span.first_step, span.first_step + span.step_count)
        ]
        assert steps == list(range(101))
        times = [t for span in spans for t in span.t]
        np.testing.assert_allclose(times, np.arange(101) * 0.1, atol=1e-12)


async def test_the_first_message_holds_every_default(stub: Any) -> None:
    messages = await stream(stub, wire.request_to_proto({"methods": TWO}))
    started = messages[0].started
    assert started.experiment.HasField("seed")
    assert (started.experiment.dt, started.experiment.m, started.step_count) == (0.05, 32, 101)
    assert dict(started.methods[1].params) == {
        "r": 2,
        "taper": "box",
        "inf_fact": 1.04,
        "rotate": False,
    }
    again = pb.RunExperimentRequest(experiment=started.experiment, methods=started.methods)
    repeated = await stream(stub, again)
    for name in ("error_a", "spread_background"):
        np.testing.assert_array_equal(
            series(repeated, "m2", name), series(messages, "m2", name), strict=True
        )


async def test_replicates_are_rows_and_means_are_over_them(stub: Any) -> None:
    body = {"replicates": 3, "end_time": 2, "seed": 5, "methods": TWO[:1]}
    messages = await stream(stub, wire.request_to_proto(body))
    rows = series(messages, "m1", "rmse_analysis")
    assert rows.shape == (3, 21)
    assert len({tuple(row) for row in rows}) == 3
    means = [x for m in messages for x in m.progress.mean.rmse_analysis]
    np.testing.assert_allclose(means, rows.mean(axis=0), rtol=1e-12)


async def test_a_run_goes_on_from_a_checkpoint_to_the_bit(stub: Any) -> None:
    request = wire.request_to_proto({"seed": 3, "methods": TWO})
    request.checkpoint_interval_seconds = 1e-9
    whole = await stream(stub, request)
    first_step = next(m.checkpoint.step for m in whole if m.WhichOneof("event") == "checkpoint")
    assert 0 < first_step < 101
    request.resume_from.extend(
        m.checkpoint for m in whole if m.checkpoint.step == first_step and m.checkpoint.data
    )
    rest = await stream(stub, request)
    assert rest[0].started.first_step == first_step
    for method_id in ("m1", "m2"):
        for name in ("error_a", "error_b", "spread_analysis"):
            np.testing.assert_array_equal(
                series(rest, method_id, name), series(whole, method_id, name)[:, first_step:]
            )

    def scores(messages: list[pb.RunExperimentResponse]) -> list[pb.Metrics]:
        return [m.method_completed.metrics for m in messages if m.HasField("method_completed")]

    assert scores(rest) == scores(whole)
    request.resume_from[0].data = request.resume_from[0].data[:-100]
    assert refused_fields(await failure(stub.RunExperiment(request))) == {"resume_from"}
    request.resume_from[0].part_index = 1
    assert refused_fields(await failure(stub.RunExperiment(request))) == {"resume_from"}


# ---------------------------------------------------------------- what it refuses


def refused_fields(outcome: tuple[grpc.StatusCode, str, dict[str, Any]]) -> set[str]:
    code, _, details = outcome
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    return {violation.field for violation in details["BadRequest"].field_violations}


COSTLY = {"replicates", "ensemble_size", "lorenz96_n", "m", "methods"}


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"lorenz96_n": 10**9}, COSTLY),
        ({"lorenz96_n": 2**31 - 1, "ensemble_size": 2**31 - 1}, COSTLY),
        ({"lorenz96_n": 2**62}, {"lorenz96_n"}),
        ({"end_time": 1e8}, {"end_time", "obs_freq", "methods", "replicates"}),
        ({"end_time": 1e12, "obs_freq": 1}, {"end_time", "obs_freq"}),
        ({"end_time": 1e308, "obs_freq": 5e-324}, {"end_time", "obs_freq"}),
        ({"ensemble_size": 1}, {"ensemble_size"}),
        ({"ensemble_size": -5, "std_obs": 0}, {"ensemble_size", "std_obs"}),
        ({"m": 41}, {"m"}),
        ({"m": 0}, {"m"}),
        ({"std_obs": math.nan}, {"std_obs"}),
        ({"std_obs": math.inf}, {"std_obs"}),
        ({"obs_freq": -0.1}, {"obs_freq"}),
        ({"end_time": -1}, {"end_time"}),
        ({"inf_fact": -1}, {"inf_fact"}),
        ({"lorenz96_n": 2}, {"lorenz96_n"}),
        ({"lorenz96_F": -math.inf}, {"lorenz96_F"}),
        ({"seed": -1}, {"seed"}),
        ({"dt": 0.03}, {"dt"}),
        ({"obs_sites": [0, 0]}, {"obs_sites.1"}),
        ({"obs_sites": [1], "m": 3}, {"m"}),
        ({"model": "lorenz63"}, {"model"}),
        ({"methods": []}, {"methods"}),
        ({"methods": [*TWO, *TWO]}, {"methods.2.id"}),
        ({"methods": [{"id": "a", "name": "enfk"}]}, {"methods.0.name"}),
        ({"methods": [{"id": "a\0", "name": "enkf"}]}, {"methods.0.id"}),
        *[
            (
                {"methods": [{"id": "a", "name": "letkf", "params": params}]},
                {f"methods.0.params.{k}"},
            )
            for params, k in [
                ({"r": "a"}, "r"),
                ({"r": -1}, "r"),
                ({"r": 1.5}, "r"),
                ({"r": 20}, "r"),
                ({"r": None}, "r"),
                ({"r": math.nan}, "r"),
                ({"r": [[{"x": []}]]}, "r"),
                ({"unknown": 1}, "unknown"),
            ]
        ],
    ],
    ids=lambda value: str(value)[:40],
)
async def test_hostile_requests_are_refused_at_once(
    stub: Any, fields: dict[str, Any], refused: set[str]
) -> None:
    request = wire.request_to_proto({"methods": TWO, **fields})
    outcome, seconds = await timed_failure(stub, request)
    assert refused <= refused_fields(outcome)
    assert outcome[2]["ErrorInfo"].domain == "learn-da"
    assert seconds < 0.05


async def test_the_sentences_are_those_of_the_contract(stub: Any) -> None:
    request = wire.request_to_proto({"methods": [{"id": "a", "name": "enfk"}]})
    _, sentence, details = await failure(stub.RunExperiment(request))
    assert (sentence, details["ErrorInfo"].reason) == ("Unknown method: enfk", "UNKNOWN_METHOD")
    _, sentence, details = await failure(stub.RunExperiment(pb.RunExperimentRequest()))
    assert sentence.startswith("methods ")
    assert details["ErrorInfo"].reason == "INVALID_REQUEST"


async def test_an_unknown_enum_value_is_refused_by_its_field(stub: Any) -> None:
    request = wire.request_to_proto({"methods": TWO})
    request.experiment.precision = 99
    assert refused_fields(await failure(stub.RunExperiment(request))) == {"precision"}


async def test_large_requests_are_refused_before_they_are_read(stub: Any) -> None:
    request = wire.request_to_proto({"methods": TWO})
    request.experiment.obs_sites.extend(range(2_000_000))
    request.methods[0].params.update({f"k{i}": "x" * 100 for i in range(20_000)})
    outcome = await failure(stub.RunExperiment(request))
    assert refused_fields(outcome) == {"experiment", "methods"}


@pytest.mark.parametrize(
    "junk",
    [
        {f"k{i}": 1 for i in range(10_000)},
        {"inf_fact": [None] * 50_000},
        {"inf_fact": {str(i): {} for i in range(15_000)}},
    ],
    ids=["many", "list", "object"],
)
async def test_the_most_junk_that_is_read_is_refused_at_once(
    stub: Any, junk: dict[str, Any]
) -> None:
    request = wire.request_to_proto({"methods": [{**TWO[0], "params": junk}]})
    assert 150_000 < request.methods[0].ByteSize() < 250_000
    outcome, seconds = await timed_failure(stub, request)
    assert all(field.startswith("methods.0.params.") for field in refused_fields(outcome))
    assert seconds < 0.05


async def test_many_problems_still_fit_the_status(stub: Any) -> None:
    methods = [{"id": "é" * 65, "name": "letkf", "params": {"q" * 70: 1}} for _ in range(90)]
    request = wire.request_to_proto({"methods": methods})
    fields = refused_fields(await failure(stub.RunExperiment(request)))
    assert "methods.0.id" in fields


@pytest.mark.parametrize("interval", [-1.0, math.nan, math.inf])
async def test_the_interval_of_checkpoints(stub: Any, interval: float) -> None:
    request = wire.request_to_proto({"methods": TWO})
    request.checkpoint_interval_seconds = interval
    outcome = await failure(stub.RunExperiment(request))
    assert refused_fields(outcome) == {"checkpoint_interval_seconds"}


# ---------------------------------------------------------------- how calls end


async def read_until_progress(call: Any) -> None:
    async for message in call:
        if message.WhichOneof("event") == "progress":
            return


async def test_a_cancelled_call_stops_its_computation(stub: Any, engine: Engine) -> None:
    call = stub.RunExperiment(wire.request_to_proto(LONG))
    await read_until_progress(call)
    call.cancel()
    assert await ends(engine)


async def test_a_deadline_stops_its_computation(stub: Any, engine: Engine) -> None:
    outcome = await failure(stub.RunExperiment(wire.request_to_proto(LONG), timeout=0.5))
    assert outcome[0] is grpc.StatusCode.DEADLINE_EXCEEDED
    assert await ends(engine)


async def test_a_client_that_goes_away_stops_its_computation(
    server: RunningServer, engine: Engine
) -> None:
    channel = grpc.aio.insecure_channel(server.address)
    call = AssimilationServiceStub(channel).RunExperiment(wire.request_to_proto(LONG))
    await read_until_progress(call)
    await channel.close()
    assert await ends(engine)


async def test_a_slow_reader_waits_alone(server: RunningServer, stub: Any, engine: Engine) -> None:
    window = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65536)]
    async with grpc.aio.insecure_channel(server.address, options=window) as channel:
        slow = AssimilationServiceStub(channel).RunExperiment(wire.request_to_proto(LONG))
        await read_until_progress(slow)
        assert await pauses(engine)  # all buffers on the way are full
        assert engine.run_count == 1
        quick = await stream(stub, wire.request_to_proto({"methods": TWO}))
        assert kinds(quick)[-1] == "completed"
        await read_until_progress(slow)  # and it goes on when it is read
        slow.cancel()
    assert await ends(engine)


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (
            "RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes",
            "RESOURCE_EXHAUSTED",
            "DEVICE_MEMORY",
        ),
        ("INTERNAL: a secret path", "INTERNAL", "UNEXPECTED"),
    ],
)
async def test_a_failing_run_fails_alone(
    stub: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: str,
    code: str,
    reason: str,
) -> None:
    def fail(*_: Any) -> None:
        raise jax.errors.JaxRuntimeError(error)

    request = wire.request_to_proto({"methods": TWO})
    with monkeypatch.context() as patch:
        patch.setattr(TwinRun, "_advance", fail)
        outcome = await failure(stub.RunExperiment(request))
    assert (outcome[0].name, outcome[2]["ErrorInfo"].reason) == (code, reason)
    assert "secret" not in outcome[1]
    if reason == "UNEXPECTED":
        assert outcome[1].split()[-1] in caplog.text
        assert "secret" in caplog.text
    assert kinds(await stream(stub, request))[-1] == "completed"


async def test_the_hosts_memory_counts_too() -> None:
    assert status_of(MemoryError()).code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]


async def test_a_busy_server_says_when_to_come_again(engine: Engine) -> None:
    settings = replace(SETTINGS, max_runs=1)
    async with (
        running(settings, engine) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        stub: Any = AssimilationServiceStub(channel)
        first = stub.RunExperiment(wire.request_to_proto(LONG))
        await read_until_progress(first)
        short = wire.request_to_proto({"methods": TWO})
        code, _, details = await failure(stub.RunExperiment(short))
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert details["ErrorInfo"].reason == "BUSY"
        assert details["RetryInfo"].retry_delay.seconds > 0
        first.cancel()
        assert await ends(engine)
        assert kinds(await stream(stub, short))[-1] == "completed"


async def test_runs_share_the_memory_that_is_allowed(engine: Engine) -> None:
    limits = replace(SETTINGS.limits, max_bytes=2_000_000)
    async with (
        running(replace(SETTINGS, limits=limits), engine) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        stub: Any = AssimilationServiceStub(channel)
        first = stub.RunExperiment(wire.request_to_proto({**LONG, "replicates": 3}))
        await read_until_progress(first)
        second = wire.request_to_proto({"replicates": 3, "methods": TWO})
        code, _, details = await failure(stub.RunExperiment(second))
        assert (code, details["ErrorInfo"].reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "BUSY")
        first.cancel()
    assert await ends(engine)


async def test_a_server_that_ends_tells_its_runs(engine: Engine) -> None:
    async with AsyncServer(engine, replace(SETTINGS, grace_seconds=0.4)) as (server, stub):
        call = stub.RunExperiment(wire.request_to_proto(LONG))
        await read_until_progress(call)
        ended = asyncio.create_task(failure(call))
        await server.stop()
        code, _, details = await ended
    assert (code, details["ErrorInfo"].reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    assert await ends(engine)


class AsyncServer:
    """A server that a test can stop while its channel is still open."""

    def __init__(self, engine: Engine, settings: ServerSettings) -> None:
        self._context = running(settings, engine)
        self._stopped = False

    async def __aenter__(self) -> tuple[AsyncServer, Any]:
        server = await self._context.__aenter__()
        self._channel = grpc.aio.insecure_channel(server.address)
        return self, AssimilationServiceStub(self._channel)

    async def stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            await self._context.__aexit__(None, None, None)

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()
        await self.stop()


# ---------------------------------------------------------------- health and reflection


async def test_health_serves(channel: grpc.aio.Channel) -> None:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    for name in ("", SERVICE):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_stuck_device_makes_it_unhealthy_until_it_goes_on(engine: Engine) -> None:
    heavy = {
        "lorenz96_n": 20_000,
        "ensemble_size": 200,
        "m": 200,
        "end_time": 1000,
        "methods": TWO[:1],
    }
    async with (
        running(replace(SETTINGS, stuck_seconds=0.05), engine) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        stub: Any = AssimilationServiceStub(channel)
        call = stub.RunExperiment(wire.request_to_proto(heavy))
        reading = asyncio.create_task(read_until_progress(call))
        answer = await asyncio.wait_for(watch.read(), 30)
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
        reading.cancel()
        call.cancel()
        while answer.status != health_pb2.HealthCheckResponse.SERVING:
            answer = await asyncio.wait_for(watch.read(), 30)
        watch.cancel()
    assert await ends(engine)


async def test_reflection_describes_the_service(server: RunningServer) -> None:
    def ask() -> tuple[set[str], str]:
        with grpc.insecure_channel(server.address) as channel:
            database = ProtoReflectionDescriptorDatabase(channel)
            file = database.FindFileContainingSymbol(SERVICE)
            return set(database.get_services()), file.name

    services, file = await asyncio.to_thread(ask)
    assert {SERVICE, "grpc.health.v1.Health"} <= services
    assert file == "learnda/v1/assimilation.proto"
