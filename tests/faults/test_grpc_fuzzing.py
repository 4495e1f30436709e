"""Any bytes as a request: refused, or run; the server goes on.

A compute server in a process of its own, that allows tiny runs only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from bare_compute import ready_process
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.server import SERVICE
from learnda import tensors, wire
from learnda.v1 import analysis_pb2, integration_pb2
from learnda.v1 import assimilation_pb2 as pb

SMALL = {
    "lorenz96_n": 8,
    "ensemble_size": 3,
    "m": 4,
    "end_time": 0.2,
    "seed": 1,
    "methods": [
        {"id": "a", "name": "etkf", "label": "A", "params": {"inf_fact": 1.1, "rotate": True}},
        {"id": "b", "name": "letkf", "params": {"r": 1, "taper": "box"}},
    ],
}
LIMITS = {
    "LEARNDA_MAX_OPERATIONS": "3e6",
    "LEARNDA_MAX_BYTES": "1000000",
    "LEARNDA_MAX_METHODS": "3",
}
METHODS = pb.DESCRIPTOR.services_by_name["AssimilationService"].methods_by_name
SERVING = health_pb2.HealthCheckResponse.SERVING


class Fuzzed:
    """A server that takes bytes as they are."""

    def __init__(self, address: str, log: Path) -> None:
        self.channel = grpc.insecure_channel(address)
        self._log = log
        self._health: Any = health_pb2_grpc.HealthStub(self.channel)

    def check(self, method: str, payload: bytes) -> None:
        """Send it; what parses is answered or refused by its fields, what does not is refused."""
        call = self._call(method, payload, seconds=60)
        try:
            assert next(call) is not None
        except grpc.RpcError as error:
            self._refused(method, payload, error)
        finally:
            call.cancel()

    def _call(self, method: str, payload: bytes, *, seconds: float) -> Any:
        """As a stream of one message, whatever the method: gRPC sends the same bytes."""
        answers = GetMessageClass(METHODS[method].output_type).FromString
        call = self.channel.stream_stream(f"/{SERVICE}/{method}", None, answers)
        return call(iter([payload]), timeout=seconds)

    def _refused(self, method: str, payload: bytes, error: Any) -> None:
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error
        status: Any = rpc_status.from_call(error)
        refused = error_details_pb2.BadRequest()
        assert any(detail.Unpack(refused) for detail in status.details)
        fields = {violation.field for violation in refused.field_violations}
        assert (fields == {"request"}) == (not parses(method, payload))
        assert fields
        assert "" not in fields

    def check_sound(self) -> None:
        """It is healthy, has noted nothing unexpected, and computes a small run."""
        assert self._health.Check(health_pb2.HealthCheckRequest()).status == SERVING
        request = wire.request_to_proto(SMALL).SerializeToString()
        *_, last = self._call("RunExperiment", request, seconds=200)
        assert last.WhichOneof("event") == "completed"
        assert "unexpected failure" not in self._log.read_text()


def parses(method: str, payload: bytes) -> bool:
    try:
        GetMessageClass(METHODS[method].input_type).FromString(payload)
    except DecodeError:
        return False
    return True


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    path = tmp_path_factory.mktemp("fuzzed") / "log"
    with path.open("wb") as log, ready_process(log, **LIMITS) as (process, address):
        fuzzed = Fuzzed(address, path)
        yield fuzzed
        assert process.poll() is None
        fuzzed.channel.close()


# ---------------------------------------------------------------- what is sent


def valid() -> dict[str, bytes]:
    """A message that each method takes."""
    run = wire.request_to_proto(SMALL)
    run.resume_from.add(step=1, part_index=0, part_count=1, data=b"not one")
    numbers = np.random.default_rng(1).normal(3, 1, (3, 8))
    nature = pb.StreamNatureRequest(experiment=run.experiment)
    integrate = integration_pb2.IntegrateRequest(
        states=tensors.write(numbers),
        step_count=4,
        perturbations=tensors.write(numbers[::-1]),
        lyapunov_count=1,
    )
    analyze = analysis_pb2.AnalyzeRequest(
        setting=analysis_pb2.AnalysisSetting(method="letkf", seed=1),
        ensemble=tensors.write(numbers),
    )
    analyze.setting.geometry.ring.SetInParent()
    analyze.setting.params.update({"r": 1, "taper": "box"})
    seen = analyze.observations
    seen.values.CopyFrom(tensors.write(numbers[0, :4]))
    seen.sites.CopyFrom(tensors.write(np.arange(0, 8, 2)))
    seen.variances.CopyFrom(tensors.write(np.array([0.5])))
    opening = analysis_pb2.OpenSession(setting=analyze.setting, ensemble_size=3, state_size=8)
    messages = {
        "RunExperiment": run,
        "StreamNature": nature,
        "Integrate": integrate,
        "Analyze": analyze,
        "AnalyzeInParts": analysis_pb2.AnalyzeInPartsRequest(analyze=analyze),
        "Assimilate": analysis_pb2.AssimilateRequest(open=opening),
    }
    return {method: message.SerializeToString() for method, message in messages.items()}


VALID = valid()


@st.composite
def mutated(draw: st.DrawFn, method: str = "RunExperiment") -> bytes:
    """A valid message, some bytes of which are changed, doubled, put in or left out."""
    data = bytearray(VALID[method])
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(data)))
        end = min(len(data), begin + draw(st.integers(0, 12)))
        match draw(st.integers(0, 3)):
            case 0:
                data[begin:end] = draw(st.binary(max_size=12))
            case 1:
                data[begin:begin] = data[begin:end]
            case 2:
                del data[begin:end]
            case _ if begin < len(data):
                data[begin] ^= 1 << draw(st.integers(0, 7))
    return bytes(data)


texts = st.text(max_size=8) | st.sampled_from(["lorenz96", "etkf", "letkf", "a", "x" * 300])
floats = st.floats() | st.floats(0, 10) | st.sampled_from([0.05, 0.1, 1e300, 5e-324])
integers = st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 50)
VALUES: dict[int, st.SearchStrategy[Any]] = {
    1: floats,
    3: integers,
    5: st.integers(-3, 3),
    9: texts,
    12: st.binary(max_size=20),
    14: st.integers(0, 6),
}
"""By the types of protobuf's descriptors."""
params = st.recursive(
    st.none() | st.booleans() | floats | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def stated(draw: st.DrawFn) -> bytes:
    """A message of the right form, whose fields hold anything."""
    request = wire.request_to_proto(SMALL) if draw(st.booleans()) else pb.RunExperimentRequest()
    fill(draw, request.experiment)
    if draw(st.booleans()):
        fill(draw, request)
    for instance in request.methods:
        if draw(st.booleans()):
            fill(draw, instance)
            name = draw(st.sampled_from(["r", "taper", "inf_fact", "rotate", "x", ""]))
            instance.params.update({name: draw(params)})
    for _ in range(draw(st.integers(0, 3))):
        fill(draw, request.methods.add())
    if draw(st.booleans()):
        fill(draw, request.resume_from.add())
    return request.SerializeToString()


def fill(draw: st.DrawFn, message: Any) -> None:
    """Some fields of plain types."""
    plain = [field for field in message.DESCRIPTOR.fields if field.type in VALUES]
    for field in draw(st.lists(st.sampled_from(plain), max_size=4)):
        values = VALUES[field.type]
        if field.is_repeated:
            getattr(message, field.name).extend(draw(st.lists(values, max_size=5)))
        else:
            setattr(message, field.name, draw(values))


# ---------------------------------------------------------------- what comes back

KINDS = {"bytes": st.binary(max_size=200), "mutated": mutated(), "stated": stated()}


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize(
    "examples", [pytest.param(40, id="few"), pytest.param(1000, id="many", marks=pytest.mark.slow)]
)
def test_any_request_is_run_or_refused_and_the_server_goes_on(
    fuzzed: Fuzzed, kind: str, examples: int
) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=True, database=None)
    @given(payload=KINDS[kind])
    def check(payload: bytes) -> None:
        fuzzed.check("RunExperiment", payload)

    check()
    fuzzed.check_sound()


@pytest.mark.parametrize("method", [method for method in VALID if method != "RunExperiment"])
@pytest.mark.parametrize(
    "examples", [pytest.param(30, id="few"), pytest.param(300, id="many", marks=pytest.mark.slow)]
)
def test_any_request_of_another_call_is_answered_or_refused(
    fuzzed: Fuzzed, method: str, examples: int
) -> None:
    fuzzed.check(method, VALID[method])

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None)
    @given(payload=st.binary(max_size=200) | mutated(method))
    def check(payload: bytes) -> None:
        fuzzed.check(method, payload)

    check()
    fuzzed.check_sound()


@pytest.mark.parametrize("name", ["ListMethods", "GetServerInfo"])
def test_any_bytes_to_the_other_methods_are_answered(fuzzed: Fuzzed, name: str) -> None:
    """Their requests are empty: what parses is a later version's."""
    call = fuzzed.channel.unary_unary(f"/{SERVICE}/{name}", None, None)

    @settings(max_examples=40, deadline=None, derandomize=True, database=None)
    @given(payload=st.binary(max_size=100))
    def check(payload: bytes) -> None:
        try:
            pb.ListMethodsRequest.FromString(payload)
        except DecodeError:
            with pytest.raises(grpc.RpcError) as caught:
                call(payload, timeout=10)
            error: Any = caught.value
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        else:
            assert call(payload, timeout=10)

    check()
    fuzzed.check_sound()
