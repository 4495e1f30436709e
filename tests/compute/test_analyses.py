"""Analyze over a real port: against plain NumPy, against the filter in the process, by field."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np
import pytest
from analysis_requests import Case, array, observations, setting
from calls import details_of

from compute.analyses.job import analysis
from compute.analyses.setting import located, read_setting
from compute.analyses.task import read_task
from compute.engine import Engine
from compute.filters import REGISTRY
from learnda import tensors
from learnda.cost import Limits
from learnda.tensors import Gathering
from learnda.v1 import analysis_pb2 as pb
from learnda.v1 import assimilation_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBERS = ("spread_background", "spread_analysis", "innovation_mean", "innovation_rms")


def kalman(
    ensemble: np.ndarray, H: np.ndarray, R: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the analysis of a Gaussian with the ensemble's moments."""
    P = np.cov(ensemble.T)
    K = P @ H.T @ np.linalg.inv(H @ P @ H.T + R)
    mean = ensemble.mean(axis=0)
    return mean + K @ (y - H @ mean), P - K @ H @ P


async def refused(stub: Any, request: pb.AnalyzeRequest) -> dict[str, str]:
    """What is wrong with it, by field."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Analyze(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    violations = details_of(caught.value)["BadRequest"].field_violations
    return {violation.field: violation.description for violation in violations}


def in_process(engine: Engine, request: pb.AnalyzeRequest) -> np.ndarray:
    gathering = Gathering(request, most_bytes=10**9)
    gathering.allocate()
    n = gathering.specs["ensemble"].shape[-1]
    found = read_setting(request.setting, gathering.specs, n, draw_seed=lambda: 0)
    arrays = gathering.arrays()
    task = read_task(located(found, arrays), gathering.specs, limits=Limits(), side_by_side=False)
    (answer,) = engine.job(analysis(task, arrays, Limits(), cycle=request.cycle))
    return answer.ensemble[0]


@pytest.mark.parametrize("method", ["etkf", "ensrf"])
async def test_a_matrix_and_a_covariance_give_the_kalman_analysis(
    stub: Any, random: np.random.Generator, method: str
) -> None:
    case = Case(random, members=9, n=5, m=4)
    H = random.normal(size=(4, 5))
    root = random.normal(size=(4, 4))
    R = np.diag(case.variances) if method == "ensrf" else root @ root.T + np.eye(4)
    errors = (
        {"variances": case.variances} if method == "ensrf" else {"variances": None, "covariance": R}
    )
    request = case.request(setting(method), sites=None, matrix=H, **errors)
    response = await stub.Analyze(request)
    analysed = array(response.ensemble)
    mean, covariance = kalman(case.ensemble, H, R, case.values)
    np.testing.assert_allclose(analysed.mean(axis=0), mean, rtol=1e-9)
    np.testing.assert_allclose(np.cov(analysed.T), covariance, rtol=1e-8, atol=1e-10)
    told = response.diagnostics[0]
    innovation = case.values - H @ case.ensemble.mean(axis=0)
    assert told.innovation_rms == pytest.approx(np.sqrt((innovation**2).mean()))
    assert told.innovation_mean == pytest.approx(innovation.mean())
    assert told.spread_background == pytest.approx(
        np.sqrt(case.ensemble.var(axis=0, ddof=1).mean())
    )
    assert told.spread_analysis == pytest.approx(np.sqrt(np.diag(covariance).mean()))
    chi2 = innovation @ np.linalg.inv(H @ np.cov(case.ensemble.T) @ H.T + R) @ innovation
    assert told.innovation_consistency == pytest.approx(chi2 / 4)
    departure = case.values - H @ mean
    assert told.desroziers_error == pytest.approx(departure @ np.linalg.inv(R) @ innovation / 4)
    assert not told.HasField("effective_sample_size")


@pytest.mark.parametrize("method", ["enkf", "letkf", "lenkf"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
async def test_the_answer_is_that_of_the_filter_in_the_process_to_the_bit(
    stub: Any, engine: Engine, random: np.random.Generator, method: str, dtype: str
) -> None:
    case = Case(random)
    case.ensemble = case.ensemble.astype(dtype)
    request = case.request(setting(method, inf_fact=1.1))
    request.cycle = 3
    response = await stub.Analyze(request)
    analysed = array(response.ensemble)
    assert analysed.dtype == dtype
    np.testing.assert_array_equal(analysed, in_process(engine, request))
    assert response.setting.seed == 7
    assert response.setting.params["inf_fact"] == 1.1
    assert dict(response.server.versions)["jax"]


async def test_random_numbers_are_those_of_seed_and_cycle(
    stub: Any, random: np.random.Generator
) -> None:
    case = Case(random)
    first = await stub.Analyze(case.request(setting("enkf")))
    again = await stub.Analyze(case.request(setting("enkf")))
    other = case.request(setting("enkf"))
    other.cycle = 1
    later = await stub.Analyze(other)
    drawn = await stub.Analyze(case.request(setting("enkf", seed=None)))
    assert first.ensemble.data == again.ensemble.data
    assert first.ensemble.data not in (later.ensemble.data, drawn.ensemble.data)
    assert 0 <= drawn.setting.seed < 2**53
    replayed = await stub.Analyze(case.request(setting("enkf", seed=drawn.setting.seed)))
    assert replayed.ensemble.data == drawn.ensemble.data


async def test_a_batch_is_its_ensembles_one_by_one(stub: Any, random: np.random.Generator) -> None:
    case = Case(random, batch=3)
    batch = await stub.Analyze(case.request(setting("letkf", r=3)))
    assert len(batch.diagnostics) == 3
    for b in range(3):
        single = Case(random)
        single.ensemble, single.values = case.ensemble[b], case.values[b]
        single.sites, single.variances = case.sites, case.variances
        alone = await stub.Analyze(single.request(setting("letkf", r=3)))
        np.testing.assert_allclose(array(batch.ensemble)[b], array(alone.ensemble), rtol=1e-12)
        for name in NUMBERS:
            told = getattr(batch.diagnostics[b], name)
            assert told == pytest.approx(getattr(alone.diagnostics[0], name))


async def test_what_members_predict_serves_as_well_as_an_operator(
    stub: Any, random: np.random.Generator
) -> None:
    case = Case(random)
    what = setting("letkf", r=2, inflation="background", inf_fact=1.2)
    at_sites = await stub.Analyze(case.request(what))
    predicted = case.ensemble[:, case.sites]
    told = await stub.Analyze(
        case.request(what, sites=None, predicted=predicted, coordinates=case.sites.astype(float))
    )
    np.testing.assert_allclose(array(told.ensemble), array(at_sites.ensemble), rtol=1e-10)
    assert told.diagnostics[0].innovation_consistency == pytest.approx(
        at_sites.diagnostics[0].innovation_consistency
    )
    assert not told.diagnostics[0].HasField("desroziers_error")


async def test_given_tapers_localise(stub: Any, random: np.random.Generator) -> None:
    case = Case(random)
    n = case.ensemble.shape[1]
    d = np.abs(np.arange(n)[:, None] - case.sites)
    tapers = np.exp(-np.minimum(d, n - d) / 3.0)
    by_metric = await stub.Analyze(case.request(setting("letkf", taper="exponential", r=3)))
    by_tapers = await stub.Analyze(case.request(setting("letkf", ring=False), state_tapers=tapers))
    np.testing.assert_allclose(array(by_tapers.ensemble), array(by_metric.ensemble), rtol=1e-9)
    assert not by_tapers.setting.HasField("geometry")
    assert "r" not in by_tapers.setting.params


async def test_methods_say_whether_they_analyse_and_what_they_need(
    stub: Any, random: np.random.Generator
) -> None:
    case = Case(random)
    predicted = case.ensemble[:, case.sites]
    listed = (await stub.ListMethods(assimilation_pb2.ListMethodsRequest())).methods
    assert {method.name for method in listed if method.analyzes} == set(REGISTRY) - {"free-run"}
    for method in listed:
        request = case.request(setting(method.name), sites=None, predicted=predicted)
        request.observations.coordinates.CopyFrom(tensors.write(case.sites.astype(float)))
        request.observations.variances.CopyFrom(tensors.write(np.array([1.0, 2.0])))
        fields = await refused(stub, request)
        assert ("setting.method" in fields) == (not method.analyzes)
        assert ("observations.sites" in fields) == method.needs_sites
        assert ("observations.variances.shape" in fields) == method.analyzes


@pytest.mark.parametrize("method", ["eakf", "lpf", "enkf-b-loc", "rhf"])
async def test_given_tapers_between_observations_are_asked_for(
    stub: Any, random: np.random.Generator, method: str
) -> None:
    case = Case(random)
    request = case.request(setting(method, ring=False), state_tapers=np.ones((24, 9)))
    assert list(await refused(stub, request)) == ["observations.observation_tapers"]


def _broken(case: Case, how: str) -> pb.AnalyzeRequest:
    request = case.request(setting("letkf", r=2))
    seen = request.observations
    match how:
        case "setting.params.r":
            request.setting.params["r"] = 50
        case "setting.params.radius":
            request.setting.params["radius"] = 5
        case "setting.geometry":
            request.setting.ClearField("geometry")
            request.setting.params.fields.clear()
        case "setting.geometry.of-no-use":
            request.setting.method = "etkf"
            request.setting.params.fields.clear()
        case "setting.geometry.ring.length":
            request.setting.geometry.ring.length = -3
        case "setting.geometry.plane.coordinates":
            request.setting.geometry.plane.SetInParent()
        case "setting.geometry.sphere.coordinates":
            places = np.array([[91.0, 0.0]] * 24)
            request.setting.geometry.sphere.coordinates.CopyFrom(tensors.write(places))
            seen.CopyFrom(case.observations(sites=None, predicted=case.ensemble[:, case.sites]))
            seen.coordinates.CopyFrom(tensors.write(np.zeros((9, 2))))
        case "setting.params":
            request.setting.params["taper"] = "x" * 300_000
        case "setting.method":
            request.setting.method = "3dvar"
        case "setting.seed":
            request.setting.seed = -1
        case "setting.obs_error_dof":
            request.setting.obs_error_dof = 4
        case "cycle":
            request.cycle = -1
        case "ensemble":
            request.ClearField("ensemble")
        case "ensemble.shape":
            request.ensemble.CopyFrom(tensors.write(case.ensemble[:1]))
        case "ensemble.data":
            request.ensemble.data = request.ensemble.data[:-1]
        case "ensemble.dtype":
            request.ensemble.CopyFrom(tensors.write(case.ensemble.astype("int32")))
        case "ensemble.in_parts":
            request.ensemble.CopyFrom(tensors.announce("float64", (7, 24)))
        case "observations.values":
            seen.values.CopyFrom(tensors.write(np.full(9, np.nan)))
        case "observations.sites":
            seen.sites.CopyFrom(tensors.write(np.array([0, 0, *range(1, 8)])))
        case "observations.sites.shape":
            seen.sites.CopyFrom(tensors.write(np.arange(8)))
        case "observations.variances":
            seen.variances.CopyFrom(tensors.write(np.array(0.0)))
        case "observations.covariance":
            seen.CopyFrom(case.observations(variances=None, covariance=-np.eye(9)))
        case "observations.matrix":
            seen.matrix.CopyFrom(tensors.write(np.eye(9, 24)))
        case "observations.coordinates":
            seen.coordinates.CopyFrom(tensors.write(np.zeros(9)))
        case "observations.state_tapers":
            seen.state_tapers.CopyFrom(tensors.write(np.ones((24, 9))))
        case "observations.variances.of-no-use":
            request.ensemble.CopyFrom(tensors.write(case.ensemble.astype("float32")))
            seen.variances.CopyFrom(tensors.write(np.array(1e-100)))
        case "observations.observation_tapers":
            seen.observation_tapers.CopyFrom(tensors.write(np.ones((9, 9))))
        case _:
            raise AssertionError(how)
    return request


@pytest.mark.parametrize(
    "field",
    [
        "setting.params",
        "setting.params.r",
        "setting.params.radius",
        "setting.geometry",
        "setting.geometry.of-no-use",
        "setting.geometry.ring.length",
        "setting.geometry.plane.coordinates",
        "setting.geometry.sphere.coordinates",
        "setting.method",
        "setting.seed",
        "setting.obs_error_dof",
        "cycle",
        "ensemble",
        "ensemble.shape",
        "ensemble.data",
        "ensemble.dtype",
        "ensemble.in_parts",
        "observations.values",
        "observations.sites",
        "observations.sites.shape",
        "observations.variances",
        "observations.variances.of-no-use",
        "observations.covariance",
        "observations.matrix",
        "observations.coordinates",
        "observations.state_tapers",
        "observations.observation_tapers",
    ],
)
async def test_what_is_wrong_is_refused_by_its_field(
    stub: Any, random: np.random.Generator, field: str
) -> None:
    found = await refused(stub, _broken(Case(random), field))
    assert field.removesuffix(".of-no-use") in found


async def test_a_request_over_the_limit_of_one_message_is_refused(
    stub: Any, random: np.random.Generator
) -> None:
    case = Case(random, members=60, n=9000, m=3)
    assert "request" in await refused(stub, case.request(setting("etkf")))


async def test_an_analysis_that_this_server_has_no_room_for_is_refused(stub: Any) -> None:
    request = pb.AnalyzeRequest(
        setting=setting("etkf"),
        ensemble=tensors.announce("float64", (1000, 10**9)),
        observations=observations(values=np.ones(1), sites=np.zeros(1, "int32"), variances=1.0),
    )
    call = stub.AnalyzeInParts()
    await call.write(pb.AnalyzeInPartsRequest(analyze=request))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    violations = details_of(caught.value)["BadRequest"].field_violations
    assert violations[0].field == "ensemble.shape"


async def in_parts(stub: Any, request: pb.AnalyzeRequest, arrays: dict[str, np.ndarray]) -> Any:
    """The response, and its ensemble."""
    call = stub.AnalyzeInParts()
    await call.write(pb.AnalyzeInPartsRequest(analyze=request))
    for part in tensors.following(request, arrays):
        await call.write(pb.AnalyzeInPartsRequest(part=part))
    await call.done_writing()
    response = (await call.read()).analysis
    gathering = Gathering(response, most_bytes=10**9)
    gathering.allocate()
    while not gathering.complete:
        gathering.take((await call.read()).part)
    assert await call.read() is grpc.aio.EOF
    return response, gathering.arrays()["ensemble"]


async def test_parts_give_what_one_message_gives(stub: Any, random: np.random.Generator) -> None:
    case = Case(random, members=8, n=30_000, m=2000)
    request = case.request(setting("etkf"))
    whole = await stub.Analyze(request)
    assert len(request.ensemble.data) > tensors.PART_BYTES
    request.ensemble.CopyFrom(tensors.fitting(case.ensemble))
    response, ensemble = await in_parts(stub, request, {"ensemble": case.ensemble})
    assert request.ensemble.in_parts
    assert response.ensemble.in_parts
    np.testing.assert_array_equal(ensemble, array(whole.ensemble))


async def test_a_tensor_that_breaks_off_is_refused(stub: Any, random: np.random.Generator) -> None:
    case = Case(random, members=8, n=30_000, m=200)
    request = case.request(setting("etkf"))
    request.ensemble.CopyFrom(tensors.fitting(case.ensemble))
    call = stub.AnalyzeInParts()
    await call.write(pb.AnalyzeInPartsRequest(analyze=request))
    first = next(tensors.parts("ensemble", case.ensemble))
    await call.write(pb.AnalyzeInPartsRequest(part=first))
    await call.done_writing()
    with pytest.raises(grpc.aio.AioRpcError, match="a part is missing"):
        await call.read()
