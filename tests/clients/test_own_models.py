"""Analyses, sessions, integrations and natures by the Python client."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from learnda import AsyncClient, Client
from learnda.client import Interval, InvalidRequest, Plane, Ring, Sphere, series
from learnda.client.analysis import analyze

N, SIZE, M = 12, 6, 3


@pytest.fixture
def random(request: pytest.FixtureRequest) -> np.random.Generator:
    """Fresh for each test and the same at each run."""
    return np.random.default_rng(list(request.node.nodeid.encode()))


def kalman(
    ensemble: NDArray[Any], y: NDArray[Any], H: NDArray[Any], R: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Mean and covariance of the Kalman filter's analysis with the ensemble's covariance."""
    mean, P = ensemble.mean(axis=0), np.cov(ensemble.T)
    gain = P @ H.T @ np.linalg.inv(H @ P @ H.T + R)
    return mean + gain @ (y - H @ mean), P - gain @ H @ P


# ---------------------------------------------------------------- one analysis


def test_an_analysis_is_kalmans(client: Client, random: np.random.Generator) -> None:
    ensemble, y = random.normal(size=(N, SIZE)), random.normal(size=M)
    H, variances = random.normal(size=(M, SIZE)), random.uniform(0.5, 2, M)
    found = client.analyze(ensemble, y, matrix=H, variances=variances, method="etkf")
    mean, P = kalman(ensemble, y, H, np.diag(variances))
    np.testing.assert_allclose(found.ensemble.mean(axis=0), mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.cov(found.ensemble.T), P, rtol=1e-9, atol=1e-12)
    innovation = y - H @ ensemble.mean(axis=0)
    assert isinstance(found.diagnostics, dict)
    assert found.diagnostics["innovation_rms"] == pytest.approx(np.sqrt(np.mean(innovation**2)))
    assert found.setting["method"] == "etkf"
    assert found.setting["seed"] >= 0


def test_sites_a_matrix_and_predictions_say_the_same(
    client: Client, random: np.random.Generator
) -> None:
    ensemble, y = random.normal(size=(N, SIZE)), random.normal(size=M)
    sites = [4, 0, 2]
    ways: list[dict[str, Any]] = [
        {"sites": sites},
        {"matrix": np.eye(SIZE)[sites]},
        {"predicted": ensemble[:, sites]},
    ]
    one, *others = (client.analyze(ensemble, y, variances=0.5, **way).ensemble for way in ways)
    for other in others:
        np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-12)


def test_a_server_and_this_process_analyse_alike(
    server: Client, local: Client, random: np.random.Generator
) -> None:
    ensemble, y = random.normal(size=(N, SIZE)), random.normal(size=M)
    options: dict[str, Any] = {"sites": [0, 2, 4], "variances": 0.5, "method": "enkf", "seed": 3}
    there, here = (c.analyze(ensemble, y, **options) for c in (server, local))
    np.testing.assert_array_equal(there.ensemble, here.ensemble)
    assert there.setting == here.setting


@pytest.mark.parametrize(
    ("geometry", "where"),
    [
        (Ring(), None),
        (Ring(np.linspace(0, 5, SIZE), length=7.0), None),
        (Interval(), None),
        (Plane(np.stack([np.arange(6.0), np.zeros(6)], axis=1)), None),
        (Sphere(np.stack([np.zeros(6), np.arange(6.0)], axis=1), radius=180 / np.pi), None),
    ],
    ids=["ring", "scaled ring", "interval", "plane", "sphere"],
)
def test_beyond_the_radius_nothing_changes(
    client: Client, geometry: Any, where: Any, random: np.random.Generator
) -> None:
    ensemble = random.normal(size=(N, SIZE))
    found = client.analyze(
        ensemble,
        [1.0],
        sites=[0],
        variances=0.5,
        method="letkf",
        params={"r": 1.5, "taper": "step"},
        geometry=geometry,
    )
    np.testing.assert_allclose(found.ensemble[:, 3], ensemble[:, 3], atol=1e-12)
    assert not np.allclose(found.ensemble[:, :2], ensemble[:, :2])
    assert found.setting["geometry"] == type(geometry).__name__.lower()


def test_a_batch_and_single_precision(client: Client, random: np.random.Generator) -> None:
    batch = random.normal(size=(3, N, SIZE)).astype(np.float32)
    y = random.normal(size=M)
    found = client.analyze(batch, y, sites=[0, 1, 2], variances=0.5)
    assert found.ensemble.dtype == np.float32
    assert len(found.diagnostics) == 3
    alone = client.analyze(batch[1], y, sites=[0, 1, 2], variances=0.5)
    np.testing.assert_allclose(found.ensemble[1], alone.ensemble, rtol=1e-4, atol=1e-5)


def test_what_is_large_goes_in_parts(client: Client, random: np.random.Generator) -> None:
    size = 70_000
    ensemble, y = random.normal(size=(N, size)), random.normal(size=M)
    options: dict[str, Any] = {"sites": [0, 5, 9], "variances": 0.5}
    assert analyze(ensemble, y, options).method == "AnalyzeInParts"
    assert analyze(ensemble[:, :100], y, options).method == "Analyze"
    found = client.analyze(ensemble, y, **options)
    small = client.analyze(ensemble[:, :100], y, **options)
    np.testing.assert_allclose(found.ensemble[:, :100], small.ensemble, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"sites": [0, 99, 2], "variances": 1.0}, "observations.sites"),
        ({"sites": [0, 1, 2]}, "observations.variances"),
        ({"sites": [0.5, 1, 2], "variances": 1.0}, "observations.sites"),
        ({"sites": [0, 1, 2], "variances": 1.0, "method": "letkf"}, "setting.geometry"),
        ({"sites": [0, 1, 2], "variances": 1.0, "params": {"q": 1}}, "setting.params.q"),
        ({"sites": [0, 1, 2], "variances": 1.0, "obs_error": "cauchy"}, "setting.obs_error"),
        ({"sites": [0, 1, 2], "variance": 1.0}, "variance"),
        ({"sites": [0, 1, 2], "variances": 1.0, "cycle": 1.5}, "cycle"),
        ({"sites": [0, 1, 2], "variances": 1.0j}, "observations.variances"),
    ],
)
def test_a_refusal_names_the_field(
    client: Client, options: dict[str, Any], field: str, random: np.random.Generator
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client.analyze(random.normal(size=(N, SIZE)), np.zeros(3), **options)
    assert any(problem.field.startswith(field) for problem in caught.value.problems)


# ---------------------------------------------------------------- sessions


def rotate(ensemble: NDArray[Any]) -> NDArray[Any]:
    """A linear model: a rotation of each pair of values, slightly damped."""
    turned = np.empty_like(ensemble)
    turned[:, ::2] = 0.8 * ensemble[:, ::2] - 0.6 * ensemble[:, 1::2]
    turned[:, 1::2] = 0.6 * ensemble[:, ::2] + 0.8 * ensemble[:, 1::2]
    return 0.99 * turned


SETTING: dict[str, Any] = {"method": "enkf", "seed": 5, "params": {"inf_fact": 1.05}}
SEEN: dict[str, Any] = {"sites": [0, 2, 4], "variances": 0.1}


@pytest.fixture
def truth_and_data(random: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """A first ensemble [N, n], a truth [T, n] and observations [T, m]."""
    truth = [3 * random.normal(size=(1, SIZE))]
    for _ in range(19):
        truth.append(rotate(truth[-1]))
    states = np.concatenate(truth)
    noise = np.sqrt(0.1) * random.normal(size=(20, M))
    return random.normal(size=(N, SIZE)), states, states[:, [0, 2, 4]] + noise


def test_a_model_of_ones_own_is_followed(client: Client, truth_and_data: Any) -> None:
    ensemble, truth, data = truth_and_data
    cycles = list(client.assimilate(rotate, ensemble, data, method="etkf", **SEEN))
    found = series(cycles)
    assert found["cycle"].values.tolist() == list(range(20))
    error = np.sqrt(((found["analysis_mean"] - truth) ** 2).mean("value"))
    assert error[-5:].mean() < 0.3 < error[0]
    np.testing.assert_array_equal(cycles[1].background, rotate(cycles[0].ensemble))
    shown = np.nanmean([c.diagnostics["innovation_rms"] for c in cycles])
    assert cycles[-1].mean["innovation_rms"] == pytest.approx(shown)


def test_a_session_goes_on_from_its_state(
    server: Client, local: Client, truth_and_data: Any
) -> None:
    """To the bit, and as one that was never interrupted."""
    ensemble, _, data = truth_and_data
    for client in (server, local):
        whole = list(client.assimilate(rotate, ensemble, data[:6], **SETTING, **SEEN))
        first = list(client.assimilate(rotate, ensemble, data[:3], **SETTING, **SEEN))
        assert first[-1].number == 2
        rest = list(
            client.assimilate(
                rotate,
                rotate(first[-1].ensemble),
                data[3:6],
                state=first[-1].state,
                **SETTING,
                **SEEN,
            )
        )
        assert [cycle.number for cycle in rest] == [3, 4, 5]
        np.testing.assert_array_equal(rest[-1].ensemble, whole[-1].ensemble)
        assert rest[-1].mean == pytest.approx(whole[-1].mean, nan_ok=True)


async def test_sessions_awaited_and_blocking_agree(
    async_client: AsyncClient, server: Client, truth_and_data: Any
) -> None:
    ensemble, _, data = truth_and_data

    async def slowly(states: NDArray[Any]) -> NDArray[Any]:
        await asyncio.sleep(0)
        return rotate(states)

    found = [
        cycle
        async for cycle in async_client.assimilate(slowly, ensemble, data[:4], **SETTING, **SEEN)
    ]
    blocking = await asyncio.to_thread(
        lambda: list(server.assimilate(rotate, ensemble, data[:4], **SETTING, **SEEN))
    )
    for one, other in zip(found, blocking, strict=True):
        np.testing.assert_array_equal(one.ensemble, other.ensemble)


def test_observations_may_differ_from_cycle_to_cycle(client: Client, truth_and_data: Any) -> None:
    ensemble, truth, data = truth_and_data
    observations = [
        {"y": data[0]},
        {"y": truth[1, :1], "sites": [0], "variances": 0.2},
    ]
    _, second = client.assimilate(rotate, ensemble, observations, **SEEN)
    alone = client.analyze(second.background, truth[1, :1], sites=[0], variances=0.2)
    np.testing.assert_allclose(second.ensemble, alone.ensemble, rtol=1e-9, atol=1e-12)


def test_predictions_are_made_of_each_background(client: Client, truth_and_data: Any) -> None:
    ensemble, _, data = truth_and_data
    told = client.assimilate(
        rotate, ensemble, data[:3], predict=lambda states: states[:, [0, 2, 4]], variances=0.1
    )
    known = client.assimilate(rotate, ensemble, data[:3], **SEEN)
    for one, other in zip(told, known, strict=True):
        np.testing.assert_allclose(one.ensemble, other.ensemble, rtol=1e-9, atol=1e-12)


def test_a_session_is_refused_when_it_begins(client: Client) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client.session(1, SIZE, method="etkf")
    assert "open.ensemble_size" in {p.field for p in caught.value.problems} or (
        "ensemble_size" in {p.field for p in caught.value.problems}
    )


def test_a_cycle_that_is_refused_names_its_field(client: Client) -> None:
    with (
        client.session(N, SIZE) as session,
        pytest.raises(InvalidRequest) as caught,
    ):
        session.cycle(np.zeros((N, SIZE + 1)), np.zeros(M), **SEEN)
    assert any("ensemble" in problem.field for problem in caught.value.problems)


# ---------------------------------------------------------------- Lorenz-96


def lorenz96(x: NDArray[Any], F: float) -> NDArray[Any]:
    return (np.roll(x, -1) - np.roll(x, 2)) * np.roll(x, 1) - x + F


def runge_kutta(x: NDArray[Any], F: float, dt: float) -> NDArray[Any]:
    k1 = lorenz96(x, F)
    k2 = lorenz96(x + dt / 2 * k1, F)
    k3 = lorenz96(x + dt / 2 * k2, F)
    k4 = lorenz96(x + dt * k3, F)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def test_states_are_integrated(client: Client, random: np.random.Generator) -> None:
    x = 8 + random.normal(size=10)
    found = client.integrate(x, step_count=4, every=2, dt=0.01, lorenz96_F=7.0)
    for _ in range(4):
        x = runge_kutta(x, 7.0, 0.01)
    np.testing.assert_allclose(found["trajectory"][-1], x, rtol=1e-12)
    np.testing.assert_allclose(found["time"], [0, 0.02, 0.04])
    assert found["trajectory"].dims == ("time", "site")
    assert found.attrs["lorenz96_F"] == 7.0


def test_tangents_adjoints_and_exponents(client: Client, random: np.random.Generator) -> None:
    states, ones, others = random.normal(size=(3, 2, 8))
    found = client.integrate(
        states + 8, step_count=20, perturbations=ones, gradients=others, lyapunov_count=2
    )
    forward = (found["perturbations"] * others).sum("site")
    backward = (found["gradients"] * ones).sum("site")
    np.testing.assert_allclose(forward, backward, rtol=1e-9)
    assert found["lyapunov_exponents"].dims == ("batch", "exponent")


async def test_integration_awaited(async_client: AsyncClient, random: np.random.Generator) -> None:
    found = await async_client.integrate(random.normal(size=10), step_count=2)
    assert found["trajectory"].shape == (2, 10)


def test_an_integration_is_refused_by_field(client: Client) -> None:
    with pytest.raises(InvalidRequest, match="step_count"):
        client.integrate(np.zeros(10), step_count=-1)
    with pytest.raises(InvalidRequest, match="steps is not an argument of integrate"):
        client.integrate(np.zeros(10), steps=3)  # type: ignore[call-arg]


# ---------------------------------------------------------------- nature


@pytest.fixture
def fields() -> dict[str, Any]:
    return {
        "lorenz96_n": 12,
        "m": 8,
        "ensemble_size": 16,
        "std_obs": 0.5,
        "seed": 7,
        "end_time": 3.0,
        "replicates": 2,
    }


def test_a_filter_of_ones_own_meets_the_same_truth(client: Client, fields: dict[str, Any]) -> None:
    """The first background is the ensemble: its error says that the truth is the same."""
    nature = client.nature(replicate=1, **fields)
    run = client.run("etkf", progress=False, **fields)
    assert nature["truth"].shape == (31, 12)
    assert nature["sites"].shape == nature["observations"].shape == (31, 8)
    error = np.sqrt(((nature["ensemble"].mean("member") - nature["truth"][0]) ** 2).mean())
    told = run["rmse_background"].isel(method_id=0, replicate=1, time=0)
    np.testing.assert_allclose(error, told, rtol=1e-12)
    seen = np.take_along_axis(nature["truth"].values, nature["sites"].values, axis=1)
    assert 0.3 < (nature["observations"] - seen).std() < 0.7


def test_a_nature_needs_a_replicate_that_is_there(client: Client, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="replicate"):
        client.nature(replicate=2, **fields)
