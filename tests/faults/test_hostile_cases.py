"""Cases 21, 22 and 28: what nobody should send, over real HTTP and real gRPC."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from bare_compute import ready_process
from gateway_process import GatewayProcess
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from hostile_inputs import ACCEPTED_BY_LEARN_DA, JUNK, NOT_FINITE, ONE, SIZES

from gateway import schemas
from learnda import wire
from learnda.fields import LIST_FIELDS, RUN_FIELDS
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub

LIMIT_SECONDS = 0.05


class Services:
    """A compute server and a gateway, their processes, and who asks them."""

    def __init__(self, compute: tuple[int, str], gateway: GatewayProcess) -> None:
        self.compute, address = compute
        self.gateway = gateway.process.pid
        self.http = httpx.Client(base_url=gateway.url, timeout=30)
        self.channel = grpc.insecure_channel(address)
        self.stub: Any = AssimilationServiceStub(self.channel)

    def close(self) -> None:
        self.http.close()
        self.channel.close()

    def post(self, raw: bytes) -> tuple[int, set[str]]:
        """The status, and the fields that the problem names."""
        answer = self.http.post("/api/runs", content=raw)
        assert 400 <= answer.status_code < 500, (raw[:200], answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        schemas.Problem.model_validate(problem)
        assert (problem["status"], problem["detail"]) == (answer.status_code, problem["error"])
        return answer.status_code, {error["field"] for error in problem.get("errors", ())}

    def call(self, request: pb.RunExperimentRequest) -> set[str]:
        """The fields that gRPC's status names."""
        with pytest.raises(grpc.RpcError) as caught:
            for _ in self.stub.RunExperiment(request):
                pass
        error: Any = caught.value
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error
        refused = error_details_pb2.BadRequest()
        status: Any = rpc_status.from_call(error)
        assert any(detail.Unpack(refused) for detail in status.details)
        return {violation.field for violation in refused.field_violations}


@pytest.fixture(scope="module")
def services(new_database: Any) -> Iterator[Services]:
    with (
        ready_process() as (process, address),
        GatewayProcess(new_database(), address) as gateway,
    ):
        services = Services((process.pid, address), gateway)
        deadline = time.monotonic() + 30
        while services.http.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield services
        services.close()


def named(value: Any) -> str:
    return str(value)[:50] if isinstance(value, dict | str) else ""


# ---------------------------------------------------------------- 21


@pytest.mark.parametrize(("fields", "refused"), SIZES, ids=named)
@pytest.mark.parametrize("by", ["gateway", "compute"])
def test_case_21_hostile_sizes_are_refused_in_under_50_ms_before_allocation(
    services: Services, by: str, fields: dict[str, Any], refused: set[str]
) -> None:
    body = {"methods": ONE, **fields}
    raw, request = json.dumps(body).encode(), wire.request_to_proto(body)
    process = services.gateway if by == "gateway" else services.compute
    before = peak_bytes(process)
    seconds = []
    for _ in range(3):  # other work may interfere with one
        began = time.perf_counter()
        found = services.post(raw)[1] if by == "gateway" else services.call(request)
        seconds.append(time.perf_counter() - began)
        assert refused <= found
    assert min(seconds) < LIMIT_SECONDS
    assert peak_bytes(process) - before < 8_000_000


def peak_bytes(process: int) -> int:
    """The most memory that the process has ever had."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


# ---------------------------------------------------------------- 22


@pytest.mark.parametrize("field", [f.name for f in (*RUN_FIELDS, *LIST_FIELDS)] + ["methods"])
def test_case_22_a_hostile_value_is_refused_by_its_field(services: Services, field: str) -> None:
    methods = "" if field == "methods" else f', "methods": {json.dumps(ONE)}'
    flags = {declared.name for declared in RUN_FIELDS if declared.type == "bool"}
    for text in JUNK:
        if field in flags and text == "true":
            continue
        status, fields = services.post(f'{{"{field}": {text}{methods}}}'.encode())
        assert status == 422
        assert any(found.split(".")[0] == field for found in fields), (text, fields)


def test_case_22_hostile_parameters_of_every_method_are_refused_by_their_field(
    services: Services,
) -> None:
    schema = services.http.get("/api/methods").json()["schema"]
    asked = [(name, parameter) for name, declared in schema.items() for parameter in declared]
    assert len(asked) > 30
    for name, parameter in asked:
        for text in JUNK:
            if schema[name][parameter]["type"] == "bool" and text == "true":
                continue
            params = f'{{"{parameter}": {text}}}'
            raw = f'{{"methods": [{{"id": "a", "name": "{name}", "params": {params}}}]}}'
            assert services.post(raw.encode()) == (422, {f"methods.0.params.{parameter}"})


@pytest.mark.parametrize("key", ["id", "label", "params", "extra"])
def test_case_22_a_hostile_instance_is_refused_by_its_field(services: Services, key: str) -> None:
    for text in JUNK:
        if (key, text) in {("label", '""'), ("label", '"nan"'), ("id", '"nan"'), ("params", "{}")}:
            continue
        members = {"id": '"a"', "name": '"etkf"', key: text}
        instance = ", ".join(f'"{name}": {value}' for name, value in members.items())
        status, fields = services.post(f'{{"methods": [{{{instance}}}]}}'.encode())
        assert status == 422
        assert any(field.startswith(f"methods.0.{key}") for field in fields), (text, fields)


@pytest.mark.parametrize(
    "key", ["what", "Seed", "__proto__", "a\0b", "\ud800", "<b>", "k" * 5000, "methods.0", ""]
)
def test_case_22_an_unknown_field_is_refused_by_its_name(services: Services, key: str) -> None:
    status, fields = services.post(json.dumps({"methods": ONE, key: 1}).encode())
    assert (status, len(fields)) == (422, 1)
    (shown,) = fields
    assert shown.isascii()
    assert shown.isprintable()
    if key.isalnum():
        assert key.startswith(shown.removesuffix("..."))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"hello",
        b"\xff\xfe{}",
        b'{"a":1}x',
        b"[" * 100_000,
        b'{"a":\x00}',
        b'{"a":"\x00"}',
        b"\0" * 1000,
        b'{"methods": [' + b"[" * 200_000,
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_case_22_what_is_not_json_is_a_problem(services: Services, raw: bytes) -> None:
    assert services.post(raw) == (400, set())


def test_case_22_ten_megabytes_of_json_are_a_problem(services: Services) -> None:
    body = json.dumps({"methods": ONE, "model": "x" * 10_000_000}).encode()
    assert services.post(body)[0] == 413
    pieces = (body[i : i + 65536] for i in range(0, len(body), 65536))
    assert services.http.post("/api/runs", content=pieces).status_code == 413  # of unknown length
    assert services.post(json.dumps({"methods": [[1]] * 199_000}).encode())[0] == 422


@pytest.mark.parametrize("value", NOT_FINITE)
def test_case_22_grpc_refuses_what_is_not_finite_by_its_field(
    services: Services, value: float
) -> None:
    for field in RUN_FIELDS:
        if field.type == "float":
            request = wire.request_to_proto({"methods": ONE, field.name: value})
            assert field.name in services.call(request)
    request = wire.request_to_proto({"methods": [{**ONE[0], "params": {"inf_fact": value}}]})
    assert services.call(request) == {"methods.0.params.inf_fact"}


def test_case_22_grpc_refuses_nul_in_text_by_its_field(services: Services) -> None:
    for key in ("id", "label"):
        request = wire.request_to_proto({"methods": [{**ONE[0], key: "a\0"}]})
        assert services.call(request) == {f"methods.0.{key}"}


# ---------------------------------------------------------------- 28


@pytest.mark.parametrize(("fields", "refused"), ACCEPTED_BY_LEARN_DA, ids=named)
def test_case_28_what_learn_da_accepts_is_refused_by_its_field(
    services: Services, fields: dict[str, Any], refused: str
) -> None:
    body = {"methods": ONE, **fields}
    assert services.post(json.dumps(body).encode()) == (422, {refused})
    assert services.call(wire.request_to_proto(body)) == {refused}
