"""Cases 17 and 18: what is asked while compute has its hands full, and for long."""

from __future__ import annotations

import gc
import random
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from bare_compute import ready_process
from gateway_process import GatewayProcess, post
from grpc_health.v1 import health_pb2, health_pb2_grpc

from compute.engine import Engine
from compute.registry import declarations
from learnda.cost import Limits
from learnda.experiment import Experiment
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub
from learnda.validation import resolve

pytestmark = pytest.mark.slow

SERVING = health_pb2.HealthCheckResponse.SERVING
ETKF = [{"id": "a", "name": "etkf"}]
ENDLESS: dict[str, Any] = {"end_time": 100_000.0, "methods": ETKF}
SAMPLES = 200


# ---------------------------------------------------------------- 17


def test_case_17_health_and_cancel_answer_within_100_ms_while_it_compiles_and_computes(
    new_database: Any, tmp_path: Path
) -> None:
    """At the 99th percentile, of compute and of the gateway before it."""
    with (
        (tmp_path / "log").open("wb") as log,
        ready_process(log) as (_, address),
        GatewayProcess(new_database(), address, LEARNDA_CONCURRENT_RUNS="40") as gateway,
        httpx.Client(base_url=gateway.url, timeout=30) as api,
        grpc.insecure_channel(address) as channel,
    ):
        while api.get("/readyz").status_code != 200:
            time.sleep(0.05)
        health: Any = health_pb2_grpc.HealthStub(channel)
        computing = post(api, ENDLESS)
        while "etkf" not in compiled(channel):
            time.sleep(0.1)
        compiling = [post(api, {**ENDLESS, "lorenz96_n": 41 + k}) for k in range(20)]
        seconds: dict[str, list[float]] = {"compute": [], "gateway": [], "cancel": []}
        for _ in range(SAMPLES):
            with timed(seconds["compute"]):
                assert health.Check(health_pb2.HealthCheckRequest()).status == SERVING
            with timed(seconds["gateway"]):
                assert api.get("/healthz").status_code == 200
            run_id = post(api, ENDLESS)
            with timed(seconds["cancel"]):
                answer = api.post(f"/api/runs/{run_id}/cancel")
            assert answer.json()["status"] == "cancelled"
        assert len(compiled(channel)) < 5 * (1 + len(compiling))  # it still compiles
        assert api.get(f"/api/runs/{computing}").json()["status"] == "running"
    for name, found in seconds.items():
        assert sorted(found)[int(0.99 * SAMPLES) - 1] < 0.1, name


@contextmanager
def timed(seconds: list[float]) -> Iterator[None]:
    """Append what the block takes."""
    began = time.perf_counter()
    yield
    seconds.append(time.perf_counter() - began)


def compiled(channel: grpc.Channel) -> list[str]:
    """The names of the programs that compute holds."""
    stub: Any = AssimilationServiceStub(channel)
    return [program.name for program in stub.GetServerInfo(pb.GetServerInfoRequest()).programs]


# ---------------------------------------------------------------- 18

PROGRAMS = 16
SIZES = [(n, members) for n in (4, 5, 6, 7, 8) for members in (3, 4)]
VARIANTS: list[dict[str, Any]] = [
    *[
        {"name": name}
        for name in ("free-run", "persistence", "climatology", "optimal-interpolation")
    ],
    *[
        {"name": name, "params": {"rotate": rotate}}
        for name in ("etkf", "estkf", "denkf")
        for rotate in (False, True)
    ],
]
"""With a size, a shape each; those of one size have some programs in common."""
REQUESTS = 10
"""Of each shape, twice."""


@pytest.mark.timeout(600)
def test_case_18_memory_and_programs_level_off_over_many_shapes() -> None:
    """2,000 requests over 100 shapes, each of which comes again when its programs are long gone."""
    with Engine(program_limit=PROGRAMS, hasty=True) as engine:
        first = visit_all(engine, random.Random(1))
        seen, compiled = resident_bytes(), engine.compile_count
        second = visit_all(engine, random.Random(2))
        assert first == second == 1000
        assert len(engine.programs()) <= PROGRAMS
        assert engine.compile_count > 1.8 * compiled  # the bound is at work
        assert resident_bytes() < 1.05 * seen


def visit_all(engine: Engine, draw: random.Random) -> int:
    """Some requests of every shape, size by size; how many there were."""
    count = 0
    for n, members in draw.sample(SIZES, len(SIZES)):
        for variant in draw.sample(VARIANTS, len(VARIANTS)):
            for _ in range(REQUESTS):
                list(engine.submit(request(n, members, variant, draw.randrange(1000))))
                count += 1
            assert len(engine.programs()) <= PROGRAMS
    return count


def request(n: int, members: int, variant: dict[str, Any], seed: int) -> Experiment:
    body = {
        "lorenz96_n": n,
        "ensemble_size": members,
        "m": 2,
        "end_time": 0.2,
        "seed": seed,
        "methods": [{"id": "a", **variant}],
    }
    return resolve(body, declarations(), limits=Limits(), draw_seed=lambda: 0)


def resident_bytes() -> int:
    """What this process holds, once what is unused is given back."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
