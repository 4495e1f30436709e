"""Sessions over a real port: cycle by cycle as one by one, carried elsewhere, freed when left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import grpc
import numpy as np
import pytest
from analysis_requests import Case, array, setting
from calls import SETTINGS, details_of

from compute.engine import Engine
from compute.server import RunningServer, running
from learnda import tensors
from learnda.tensors import Gathering
from learnda.v1 import analysis_pb2 as pb
from learnda.v1 import common_pb2 as common
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADAPTIVE = {"r": 3, "inflation": "adaptive"}


def opening(what: pb.AnalysisSetting, state: bytes | None = None, **fields: Any) -> Any:
    message = pb.OpenSession(setting=what, **{"ensemble_size": 7, "state_size": 24, **fields})
    if state is not None:
        message.state.CopyFrom(tensors.write(np.frombuffer(state, np.uint8)))
    return pb.AssimilateRequest(open=message)


def cycle(case: Case, **others: Any) -> pb.AssimilateRequest:
    return pb.AssimilateRequest(
        cycle=pb.Cycle(
            ensemble=tensors.write(case.ensemble), observations=case.observations(**others)
        )
    )


async def begin(stub: Any, request: pb.AssimilateRequest) -> tuple[Any, pb.SessionOpened]:
    call = stub.Assimilate()
    await call.write(request)
    return call, (await call.read()).opened


async def answer(call: Any, request: pb.AssimilateRequest) -> pb.CycleAnalysis:
    await call.write(request)
    return (await call.read()).analysis


async def refusal(call: Any) -> tuple[grpc.StatusCode, list[str]]:
    """Status and fields of a call that is to fail now."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    bad = details_of(caught.value).get("BadRequest")
    return caught.value.code(), [v.field for v in bad.field_violations] if bad else []


@asynccontextmanager
async def another_server(engine: Engine, **settings: Any) -> AsyncIterator[tuple[Any, Any]]:
    """A stub of it, and the server."""
    async with (
        running(replace(SETTINGS, **settings), engine) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        yield AssimilationServiceStub(channel), server


async def test_a_session_is_its_cycles_one_by_one(stub: Any, random: np.random.Generator) -> None:
    call, opened = await begin(stub, opening(setting("enkf", inf_fact=1.05)))
    assert opened.next_cycle == 0
    assert opened.setting.params["inf_fact"] == 1.05
    seen = []
    for k in range(3):
        case = Case(random)
        told = await answer(call, cycle(case))
        single = case.request(setting("enkf", inf_fact=1.05))
        single.cycle = k
        alone = await stub.Analyze(single)
        assert told.cycle == k
        assert told.ensemble.data == alone.ensemble.data
        assert told.diagnostics == alone.diagnostics[0]
        seen.append(told.diagnostics.innovation_rms)
        assert told.mean.innovation_rms == pytest.approx(np.mean(seen))
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF


async def test_a_state_goes_on_behind_its_cycle_on_any_server_with_the_key(
    engine: Engine, random: np.random.Generator
) -> None:
    cases = [Case(random) for _ in range(5)]
    for case in cases:
        case.values *= 5  # far off: inflation is asked for
    what = setting("letkf", seed=None, **ADAPTIVE)
    key = b"a key that servers share, of some length"
    async with (
        another_server(engine, state_key=key) as (one, _),
        another_server(engine, state_key=key) as (other, _),
        another_server(engine) as (stranger, _),
    ):
        call, opened = await begin(one, opening(what))
        told = [await answer(call, cycle(case)) for case in cases]
        state = array(told[2].state).tobytes()
        going_on, resumed = await begin(other, opening(what, state))
        assert resumed.next_cycle == 3
        assert resumed.setting == opened.setting
        later = [await answer(going_on, cycle(case)) for case in cases[3:]]
        for before, after in zip(told[3:], later, strict=True):
            after.analysis_seconds = before.analysis_seconds
            assert after.ensemble == before.ensemble
            assert after.mean == before.mean
            assert after.cycle == before.cycle
        # inflation is carried: without it the numbers are others
        fresh, _ = await begin(other, opening(opened.setting))
        assert (await answer(fresh, cycle(cases[3]))).ensemble != told[3].ensemble

        tampered = bytearray(state)
        tampered[-1] ^= 1
        for stub, request in (
            (stranger, opening(what, state)),
            (other, opening(what, bytes(tampered))),
            (other, opening(what, b"")),
            (other, opening(setting("letkf", r=4, inflation="adaptive"), state)),
            (other, opening(setting("letkf", seed=3, **ADAPTIVE), state)),
            (other, opening(what, state, precision=common.PRECISION_FLOAT32)),
        ):
            call = stub.Assimilate()
            await call.write(request)
            assert await refusal(call) == (grpc.StatusCode.INVALID_ARGUMENT, ["state"])


async def test_large_tensors_come_and_go_in_parts(stub: Any, random: np.random.Generator) -> None:
    case = Case(random, n=30_000, m=500)
    call, _ = await begin(
        stub, opening(setting("letkf", r=3, inflation="adaptive"), state_size=30_000)
    )
    request = cycle(case)
    whole = await answer(call, request)
    assert whole.ensemble.in_parts
    sizes = {"ensemble": case.ensemble.nbytes, "state": 0}
    assert sum(sizes.values()) > tensors.PART_BYTES
    gathering = Gathering(whole, most_bytes=10**9)
    gathering.allocate()
    while not gathering.complete:
        gathering.take((await call.read()).part)
    request.cycle.ensemble.CopyFrom(tensors.fitting(case.ensemble))
    other, _ = await begin(
        stub, opening(setting("letkf", r=3, inflation="adaptive"), state_size=30_000)
    )
    await other.write(request)
    for part in tensors.following(request.cycle, {"ensemble": case.ensemble}):
        await other.write(pb.AssimilateRequest(part=part))
    again = Gathering((await other.read()).analysis, most_bytes=10**9)
    again.allocate()
    while not again.complete:
        again.take((await other.read()).part)
    for name, expected in gathering.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], expected)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.AssimilateRequest(cycle=pb.Cycle()), "open"),
        (opening(setting("etkf"), ensemble_size=1), "ensemble_size"),
        (opening(setting("etkf"), state_size=0), "state_size"),
        (opening(setting("etkf"), precision=9), "precision"),
        (opening(setting("letkf", r=99)), "setting.params.r"),
    ],
    ids=["no-opening", "members", "values", "precision", "radius"],
)
async def test_an_opening_is_refused_by_field(
    stub: Any, request_: pb.AssimilateRequest, field: str
) -> None:
    call = stub.Assimilate()
    await call.write(request_)
    assert await refusal(call) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


async def test_a_cycle_is_refused_by_field(stub: Any, random: np.random.Generator) -> None:
    for case, field in ((Case(random, members=8), "ensemble.shape"), (Case(random), "values")):
        call, _ = await begin(stub, opening(setting("etkf")))
        request = cycle(case)
        if field == "values":
            request.cycle.observations.ClearField("values")
            field = "observations.values"
        await call.write(request)
        assert await refusal(call) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


async def no_session(server: RunningServer) -> None:
    """Wait until the server holds none."""
    async with asyncio.timeout(20):
        while server.service.activity().open_session_count:  # noqa: ASYNC110  it is a number to look at
            await asyncio.sleep(0.01)


async def test_a_client_that_cancels_frees_its_session(
    engine: Engine, random: np.random.Generator
) -> None:
    async with another_server(engine) as (stub, server):
        call, _ = await begin(stub, opening(setting("etkf")))
        await answer(call, cycle(Case(random)))
        assert server.service.activity().open_session_count == 1
        call.cancel()
        await no_session(server)


async def test_a_client_that_vanishes_frees_its_session(
    engine: Engine, random: np.random.Generator
) -> None:
    async with another_server(engine) as (_, server):
        channel = grpc.aio.insecure_channel(server.address)
        call, _ = await begin(AssimilationServiceStub(channel), opening(setting("etkf")))
        await call.write(cycle(Case(random)))
        assert server.service.activity().open_session_count == 1
        await channel.close()
        await no_session(server)


async def test_a_deadline_frees_its_session(engine: Engine) -> None:
    async with another_server(engine) as (stub, server):
        call = stub.Assimilate(timeout=1.0)
        await call.write(opening(setting("etkf")))
        assert (await call.read()).opened.next_cycle == 0
        assert server.service.activity().open_session_count == 1
        code, _ = await refusal(call)
        assert code is grpc.StatusCode.DEADLINE_EXCEEDED
        await no_session(server)


async def test_a_client_that_sends_nothing_loses_its_session(engine: Engine) -> None:
    async with another_server(engine, session_idle_seconds=0.2) as (stub, server):
        call, _ = await begin(stub, opening(setting("etkf")))
        code, _ = await refusal(call)
        assert code is grpc.StatusCode.DEADLINE_EXCEEDED
        await no_session(server)


async def test_a_client_that_stops_reading_loses_its_session(
    engine: Engine, random: np.random.Generator
) -> None:
    case = Case(random, members=20, n=60_000, m=1)
    async with another_server(engine, session_idle_seconds=3) as (stub, server):
        what = opening(setting("etkf"), ensemble_size=20, state_size=60_000)
        call, _ = await begin(stub, what)
        request = cycle(case)
        request.cycle.ensemble.CopyFrom(tensors.fitting(case.ensemble))
        await call.write(request)
        for part in tensors.following(request.cycle, {"ensemble": case.ensemble}):
            await call.write(pb.AssimilateRequest(part=part))
        # 10 MB are more than the windows of a stream hold, and nobody reads
        await no_session(server)
        call.cancel()


async def test_sessions_beyond_the_limit_are_refused_and_may_come_again(engine: Engine) -> None:
    async with another_server(engine, max_sessions=1) as (stub, _):
        first, _ = await begin(stub, opening(setting("etkf")))
        second = stub.Assimilate()
        await second.write(opening(setting("etkf")))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await second.read()
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert details_of(caught.value)["RetryInfo"].retry_delay.seconds > 0
        await first.done_writing()
        assert await first.read() is grpc.aio.EOF
        third, _ = await begin(stub, opening(setting("etkf")))
        third.cancel()
