"""Trajectories, tangents, adjoints and Lyapunov exponents, on a real port."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import Any

import grpc
import numpy as np
import pytest
from calls import SETTINGS, arrays_of, ends, failure, refused_fields
from test_lorenz96 import plain_step

from compute import integration, integration_job
from compute.device import Device
from compute.engine import Engine
from compute.integration_job import Computed, Integration, Parts
from compute.programs import Programs
from compute.server import running
from compute.workers import Workers
from learnda import tensors
from learnda.v1 import integration_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub

pytestmark = pytest.mark.asyncio(loop_scope="module")

F, DT = 7.5, 0.05


def request(**fields: Any) -> pb.IntegrateRequest:
    for name in ("states", "perturbations", "gradients"):
        if isinstance(fields.get(name), np.ndarray):
            fields[name] = tensors.write(fields[name])
    return pb.IntegrateRequest(**fields)


async def integrate(stub: Any, **fields: Any) -> tuple[pb.IntegrationStarted, dict[str, Any]]:
    """`started`, and its tensors from their parts."""
    messages = [message async for message in stub.Integrate(request(**fields))]
    kinds = [message.WhichOneof("event") for message in messages]
    assert kinds == ["started", *["part"] * (len(kinds) - 2), "completed"]
    assert messages[-1].completed.runtime_seconds > 0
    assert max(message.ByteSize() for message in messages) < 1_000_100
    parts = iter([message.part for message in messages[1:-1]])
    arrays = arrays_of(messages[0].started, parts)
    assert next(parts, None) is None
    return messages[0].started, arrays


def plain_trajectory(states: np.ndarray, steps: int, every: int) -> np.ndarray:
    kept = [states]
    for step in range(1, steps + 1):
        states = plain_step(states, F, DT)
        if step % every == 0:
            kept.append(states)
    return np.stack(kept)


def on_the_attractor(random: np.random.Generator, *shape: int, forcing: float = F) -> np.ndarray:
    states = forcing + random.normal(0, 0.5, shape)
    for _ in range(400):
        states = plain_step(states, forcing, DT)
    return states


@pytest.mark.parametrize("shape", [(40,), (1, 40), (3, 7), (70, 40), (131, 40)])
async def test_a_trajectory_equals_plain_numpy(
    stub: Any, random: np.random.Generator, shape: tuple[int, ...]
) -> None:
    states = random.normal(2, 3, shape)
    started, found = await integrate(
        stub, states=states, lorenz96_f=F, dt=DT, step_count=30, every=5
    )
    np.testing.assert_allclose(found["trajectory"], plain_trajectory(states, 30, 5), atol=1e-9)
    assert list(found) == ["trajectory"]
    assert (started.lorenz96_f, started.dt, started.step_count, started.every) == (F, DT, 30, 5)
    assert started.server.devices[0].platform


async def test_what_is_not_sent_has_its_default(stub: Any, random: np.random.Generator) -> None:
    states = random.normal(2, 3, 40)
    started, found = await integrate(stub, states=states)
    assert (started.lorenz96_f, started.dt, started.step_count, started.every) == (8, 0.05, 1, 1)
    np.testing.assert_allclose(found["trajectory"][1], plain_step(states, 8, 0.05), atol=1e-12)


async def test_no_steps_give_back_what_was_sent(stub: Any, random: np.random.Generator) -> None:
    given = {name: random.normal(2, 3, (2, 5)) for name in ("states", "perturbations", "gradients")}
    started, found = await integrate(stub, step_count=0, **given)
    assert started.every == 1
    np.testing.assert_array_equal(found.pop("trajectory")[0], given.pop("states"))
    for name, array in given.items():
        np.testing.assert_array_equal(found[name], array)


async def test_all_arithmetic_is_in_the_precision_of_the_states(
    stub: Any, random: np.random.Generator
) -> None:
    states = random.normal(2, 3, (2, 40)).astype(np.float32)
    vector = random.normal(0, 1, (2, 40)).astype(np.float32)
    asked = {"states": states, "perturbations": vector, "gradients": vector}
    _, found = await integrate(stub, **asked, lorenz96_f=F, dt=DT, step_count=10, lyapunov_count=2)
    assert {array.dtype for array in found.values()} == {np.dtype("float32")}
    expected = plain_trajectory(states.astype(float), 10, 10)
    np.testing.assert_allclose(found["trajectory"], expected, atol=1e-3)
    asked = {name: array.astype(float) for name, array in asked.items()}
    _, double = await integrate(stub, **asked, lorenz96_f=F, dt=DT, step_count=10, lyapunov_count=2)
    for name in ("perturbations", "gradients", "lyapunov_exponents"):
        np.testing.assert_allclose(found[name], double[name], rtol=1e-3, atol=1e-3)


async def test_a_tangent_is_the_derivative_of_the_last_state(
    stub: Any, random: np.random.Generator
) -> None:
    states = on_the_attractor(random, 3, 40)
    vectors = random.normal(0, 1, states.shape)
    steps = {"lorenz96_f": F, "dt": DT, "step_count": 40}
    _, found = await integrate(stub, states=states, perturbations=vectors, **steps)
    h = 1e-6
    ahead = plain_trajectory(states + h * vectors, 40, 40)[1]
    behind = plain_trajectory(states - h * vectors, 40, 40)[1]
    np.testing.assert_allclose(
        found["perturbations"], (ahead - behind) / (2 * h), rtol=2e-5, atol=1e-5
    )


@pytest.mark.parametrize("step_count", [1, 31, 32, 33, 64, 700])
async def test_adjoint_and_tangent_have_the_same_scalar_products(
    stub: Any, random: np.random.Generator, step_count: int
) -> None:
    """<M v, w> = <v, M' w>, over one segment or many, whole or not."""
    states = on_the_attractor(random, 2, 40)
    v, w = random.normal(0, 1, (2, *states.shape))
    _, found = await integrate(
        stub,
        states=states,
        perturbations=v,
        gradients=w,
        lorenz96_f=F,
        dt=0.01,
        step_count=step_count,
    )
    there = (found["perturbations"] * w).sum(axis=1)
    back = (v * found["gradients"]).sum(axis=1)
    scale = np.linalg.norm(found["perturbations"], axis=1) * np.linalg.norm(w, axis=1)
    assert np.abs((there - back) / scale).max() < 1e-11


async def test_gradients_alone_are_those_along_the_same_trajectory(
    stub: Any, random: np.random.Generator
) -> None:
    """Also without the tangents, by central differences of <x(T), w>."""
    states, w = on_the_attractor(random, 6), random.normal(0, 1, 6)
    _, found = await integrate(stub, states=states, gradients=w, lorenz96_f=F, dt=DT, step_count=50)
    h = 1e-6
    nudged = plain_trajectory(states + h * np.eye(6), 50, 50)[1] @ w
    other = plain_trajectory(states - h * np.eye(6), 50, 50)[1] @ w
    np.testing.assert_allclose(found["gradients"], (nudged - other) / (2 * h), rtol=1e-5, atol=1e-5)


async def test_all_lyapunov_exponents_sum_to_the_divergence(
    stub: Any, random: np.random.Generator
) -> None:
    """The trace of the Jacobian is -n everywhere; that of the scheme is so up to O(dt^4)."""
    states = on_the_attractor(random, 2, 12)
    _, found = await integrate(stub, states=states, dt=0.005, step_count=2000, lyapunov_count=12)
    exponents = found["lyapunov_exponents"]
    assert exponents.shape == (2, 12)
    np.testing.assert_allclose(exponents.sum(axis=1), -12, rtol=1e-6)
    assert (np.diff(exponents, axis=1) <= 0).all()


async def test_the_leading_exponent_is_the_published_one(
    stub: Any, random: np.random.Generator
) -> None:
    """About 1.67 per unit of time for n = 40, F = 8: Lorenz & Emanuel (1998) double in 2.1 days."""
    states = on_the_attractor(random, 8, 40, forcing=8.0)
    started, found = await integrate(stub, states=states, step_count=4000, lyapunov_count=14)
    exponents = found["lyapunov_exponents"].mean(axis=0)
    assert exponents[0] == pytest.approx(1.67, abs=0.08)
    assert exponents[12] > 0 > exponents[13] - 0.05  # thirteen grow, and one is neutral
    assert started.lyapunov_exponents.shape == [8, 14]


async def test_exponents_of_the_state_at_rest_are_exact(stub: Any) -> None:
    """The Jacobian at x = F is circulant: Re lambda_k = F (cos a - cos 2a) - 1, a = 2 pi k / n."""
    n, forcing = 6, 0.5
    a = 2 * np.pi * np.arange(n) / n
    expected = np.sort(forcing * (np.cos(a) - np.cos(2 * a)) - 1)[::-1]
    _, found = await integrate(
        stub,
        states=np.full(n, forcing),
        lorenz96_f=forcing,
        dt=0.02,
        step_count=20_000,
        lyapunov_count=n,
        lyapunov_every=20,
    )
    np.testing.assert_allclose(found["lyapunov_exponents"], expected, atol=5e-3)


async def test_the_steps_between_two_orthonormalisations_change_little(
    stub: Any, random: np.random.Generator
) -> None:
    asked = {"states": on_the_attractor(random, 10), "dt": 0.01, "step_count": 600}
    found = []
    for lyapunov_every in (1, 30):
        _, arrays = await integrate(stub, **asked, lyapunov_count=4, lyapunov_every=lyapunov_every)
        found.append(arrays["lyapunov_exponents"])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-8, atol=1e-8)
    assert not np.array_equal(found[0], found[1])


@pytest.mark.parametrize("chunk", [1, 7, 1000])
async def test_the_cutting_into_chunks_changes_no_bit(
    stub: Any, random: np.random.Generator, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    states, v, w = (random.normal(2, 3, (3, 40)) for _ in range(3))
    asked = {
        "states": states,
        "perturbations": v,
        "gradients": w,
        "lyapunov_count": 3,
        "step_count": 240,
        "every": 4,
        "lyapunov_every": 6,
    }
    _, expected = await integrate(stub, **asked)
    monkeypatch.setattr(integration_job, "FIRST_STEPS", chunk)
    monkeypatch.setattr(integration_job, "next_count", lambda *_: chunk)
    _, found = await integrate(stub, **asked)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


async def test_what_is_streamed_depends_on_neither_every_nor_step_count(
    stub: Any, engine: Engine, random: np.random.Generator
) -> None:
    """And no other number of steps, forcing or dt compiles anything."""
    states = random.normal(2, 3, (70, 40))
    _, fine = await integrate(stub, states=states, step_count=60, every=1)
    compiled = engine.compile_count
    _, coarse = await integrate(stub, states=states, step_count=48, every=12)
    np.testing.assert_array_equal(coarse["trajectory"], fine["trajectory"][:49:12])
    await integrate(stub, states=states, step_count=1000, lorenz96_f=-3.0, dt=0.001)
    assert engine.compile_count == compiled


async def test_states_larger_than_a_part_come_in_parts(
    stub: Any, random: np.random.Generator
) -> None:
    states = random.normal(2, 3, 200_000)  # 1.6 MB
    _, found = await integrate(stub, states=states, lorenz96_f=F, step_count=2, every=1)
    np.testing.assert_allclose(found["trajectory"], plain_trajectory(states, 2, 1), atol=1e-9)


async def test_an_unstable_step_is_data(stub: Any, random: np.random.Generator) -> None:
    states = random.normal(2, 3, (2, 40))
    _, found = await integrate(
        stub,
        states=states,
        perturbations=states,
        gradients=states,
        dt=1.0,
        step_count=60,
        every=20,
        lyapunov_count=2,
    )
    assert np.isfinite(found["trajectory"][0]).all()
    assert not np.isfinite(found["trajectory"][-1]).any()
    for name in ("perturbations", "gradients", "lyapunov_exponents"):
        assert not np.isfinite(found[name]).any()


SIX = np.linspace(0, 1, 6)
BAD: list[tuple[dict[str, Any], set[str]]] = [
    ({"states": None}, {"states"}),
    ({"states": np.zeros(3)}, {"states.shape"}),
    ({"states": np.zeros((0, 6))}, {"states.shape"}),
    ({"states": np.zeros((1, 1, 6))}, {"states.shape"}),
    ({"states": np.zeros(6, np.int64)}, {"states.dtype"}),
    ({"states": np.full(6, np.nan)}, {"states"}),
    ({"states": tensors.announce("float64", (6,))}, {"states.in_parts"}),
    ({"states": tensors.pb.Tensor(dtype=1, shape=[6], data=b"x")}, {"states.data"}),
    *[({"lorenz96_f": value}, {"lorenz96_F"}) for value in (1001.0, -1001.0, math.nan, math.inf)],
    *[({"dt": value}, {"dt"}) for value in (0.0, -0.1, 1.01, math.nan)],
    ({"dt": 1e-40, "states": SIX.astype(np.float32)}, {"dt"}),
    ({"step_count": -1}, {"step_count"}),
    *[({"every": value, "step_count": 4}, {"every"}) for value in (0, -2, 3, 5)],
    ({"perturbations": np.zeros((1, 6))}, {"perturbations.shape"}),
    ({"perturbations": SIX.astype(np.float32)}, {"perturbations.dtype"}),
    ({"gradients": np.zeros(5)}, {"gradients.shape"}),
    ({"gradients": np.full(6, np.inf)}, {"gradients"}),
    *[({"lyapunov_count": value}, {"lyapunov_count"}) for value in (-1, 7)],
    ({"lyapunov_count": 1, "step_count": 0}, {"lyapunov_count"}),
    ({"lyapunov_every": 1}, {"lyapunov_every"}),
    *[
        ({"lyapunov_every": value, "lyapunov_count": 1, "step_count": 4}, {"lyapunov_every"})
        for value in (0, 3)
    ],
    ({"step_count": 1 << 62, "states": SIX}, {"step_count", "states"}),
    ({"dt": 2.0, "every": 3, "step_count": 4}, {"dt", "every"}),
]


@pytest.mark.parametrize(("fields", "refused"), BAD)
async def test_bad_fields_are_refused_by_their_names(
    stub: Any, fields: dict[str, Any], refused: set[str]
) -> None:
    outcome = await failure(stub.Integrate(request(**{"states": SIX, **fields})))
    assert refused_fields(outcome) == refused


async def test_what_is_no_message_is_refused(channel: grpc.aio.Channel) -> None:
    call = channel.unary_stream("/learnda.v1.AssimilationService/Integrate")
    assert refused_fields(await failure(call(b"\xff"))) == {"request"}


async def test_what_does_not_fit_the_memory_is_refused(engine: Engine) -> None:
    limits = replace(SETTINGS.limits, max_bytes=12_000_000)
    async with (
        running(replace(SETTINGS, limits=limits), engine) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        stub: Any = AssimilationServiceStub(channel)
        states = np.zeros((100, 40))
        await integrate(stub, states=states)
        outcome = await failure(
            stub.Integrate(request(states=states, lyapunov_count=40, step_count=1000))
        )
        assert refused_fields(outcome) == {"states", "lyapunov_count"}
        outcome = await failure(stub.Integrate(request(states=np.zeros(2_600_000))))
        assert refused_fields(outcome) == {"states"}


async def test_a_cancelled_call_stops_and_a_busy_server_says_so(
    engine: Engine, random: np.random.Generator
) -> None:
    endless = request(states=random.normal(2, 3, (2, 40)), step_count=10**9, every=10**9)
    async with (
        running(replace(SETTINGS, max_runs=1), engine) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        stub: Any = AssimilationServiceStub(channel)
        call = stub.Integrate(endless)
        assert (await anext(aiter(call))).HasField("started")
        code, _, details = await failure(stub.Integrate(endless))
        assert (code, details["ErrorInfo"].reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "BUSY")
        call.cancel()
        assert await ends(engine, within=5)
        assert server.service.activity().active_run_count == 0


async def test_a_server_that_ends_tells_its_calls(
    engine: Engine, random: np.random.Generator
) -> None:
    endless = request(states=random.normal(2, 3, (2, 40)), step_count=10**9, every=10**9)
    async with (
        running(SETTINGS, engine) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        stub: Any = AssimilationServiceStub(channel)
        call = stub.Integrate(endless)
        assert (await anext(aiter(call))).HasField("started")
        ending = asyncio.create_task(server.service.end_runs(0.05))
        code, _, details = await failure(call)
        assert (code, details["ErrorInfo"].reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
        await ending
    assert await ends(engine)


@pytest.mark.parametrize("workers", [2, 3])
async def test_states_shared_out_over_workers_are_those_of_one(
    random: np.random.Generator, workers: int
) -> None:
    """200 states are no multiple of three parts."""
    states, v, w = random.normal(2, 3, (3, 200, 7))
    asked = Integration(states, F, DT, 40, 10, v, w, lyapunov_count=2, lyapunov_every=5)
    assert Parts.of(states.shape, workers).count == workers
    alone, shared = computed(asked, 1), computed(asked, workers)
    assert list(shared) == ["trajectory", "perturbations", "gradients", "lyapunov_exponents"]
    for name, expected in alone.items():
        np.testing.assert_allclose(shared[name], expected, rtol=1e-8, atol=1e-8)


def computed(asked: Integration, workers: int) -> dict[str, np.ndarray]:
    """What the job computes, without an engine."""
    found: dict[str, list[np.ndarray]] = {}
    device = Device(Programs(limit=4, hasty=True), Workers(workers))
    for step in integration_job.job(asked, device):
        if isinstance(step, Computed):
            found.setdefault(step.field, []).append(step.numbers)
        else:
            step.result()
    device.workers.close()
    device.programs.close()
    return {name: np.concatenate(arrays) for name, arrays in found.items()}


@pytest.mark.parametrize("total", [1, 2, 63, 64, 127, 128, 129, 1000])
async def test_parts_are_put_together_as_they_were(random: np.random.Generator, total: int) -> None:
    states = random.normal(0, 1, (total, 5))
    for workers in (1, 2, 7):
        parts = Parts.of(states.shape, workers)
        split = parts.split(states)
        assert {len(part) for part in split} == {parts.size}
        assert 1 <= len(split) == parts.count <= workers
        np.testing.assert_array_equal(parts.join(split), states)
        sideways = [part.T for part in split]
        np.testing.assert_array_equal(parts.join(sideways, axis=1), states.T)


def kept_states(step_count: int) -> int:
    """How many states the way back over so many steps holds at a time."""
    asked = Integration(np.zeros((1, 40)), 8.0, 0.05, step_count, step_count)
    segment = asked.layout.segment
    return step_count // asked.stride + asked.stride // segment + segment


async def test_the_way_back_keeps_some_square_root_of_the_steps() -> None:
    for step_count in (10**3, 10**5, 10**7):
        bound = 2.5 * math.sqrt(step_count / integration.MAX_SEGMENT) + integration.MAX_SEGMENT + 2
        assert kept_states(step_count) < bound
