"""Runs and sweeps by the Python client: on a server and in this process, blocking and awaited."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import aclosing, closing
from typing import Any

import numpy as np
import pytest
import xarray as xr
from compute_process import compute_at_work
from matplotlib import pyplot

from learnda import AsyncClient, Client, metadata
from learnda.client import InvalidRequest, RequestError, ServerError, events
from learnda.client.bodies import run_body
from learnda.client.fields import RunFields
from learnda.fields import LIST_FIELDS, RUN_FIELDS
from learnda.v1 import assimilation_pb2 as pb

SMALL: dict[str, Any] = {"lorenz96_n": 12, "m": 8, "ensemble_size": 16, "std_obs": 0.5, "seed": 7}
METHODS = ["etkf", {"id": "apart", "name": "etkf", "params": {"inf_fact": 50.0}}, "climatology"]
"""The second inflates until it is lost."""
RUN: dict[str, Any] = {
    **SMALL,
    "end_time": 30.0,
    "replicates": 3,
    "burn_in": 5.0,
    "forecast_leads": 2,
    "record_states": True,
}


@pytest.fixture(scope="module")
def on_server(server: Client) -> xr.Dataset:
    return server.run(METHODS, progress=False, **RUN)


@pytest.fixture(scope="module")
def run(on_server: xr.Dataset) -> xr.Dataset:
    return on_server


@pytest.fixture(autouse=True)
def _no_open_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


# ---------------------------------------------------------------- the dataset


def test_a_server_and_this_process_agree_to_the_bit(on_server: xr.Dataset, local: Client) -> None:
    here = local.run(METHODS, progress=False, **RUN)
    xr.testing.assert_identical(
        here.drop_vars("runtime_seconds").drop_attrs(),
        on_server.drop_vars("runtime_seconds").drop_attrs(),
    )
    for name in ("seed", "request", "device"):
        assert here.attrs[name] == on_server.attrs[name]


def test_dimensions_and_coordinates(run: xr.Dataset) -> None:
    assert run["rmse_analysis"].dims == ("method_id", "replicate", "time")
    assert run["rmse_analysis"].shape == (3, 3, 301)
    assert run["method_id"].values.tolist() == ["etkf", "apart", "climatology"]
    assert run["label"].values.tolist() == ["etkf", "etkf (inf_fact=50.0)", "climatology"]
    np.testing.assert_allclose(run["time"], np.arange(301) * 0.1)
    assert run["step"].values.tolist() == list(range(301))


def test_metadata_is_that_of_netcdf_files(run: xr.Dataset) -> None:
    for name, long_name in metadata.SERIES.items():
        if name in run:
            assert run[name].attrs == {"units": "1", "long_name": long_name}
    for name, described in metadata.METRICS.items():
        assert run[f"metric_{name}"].attrs["long_name"] == described
    request = json.loads(run.attrs["request"])
    assert request["seed"] == run.attrs["seed"] == 7
    assert request["std_obs"] == 0.5
    assert request["obs_network"] == "random"
    assert set(json.loads(run.attrs["versions"])) >= {"learn-da", "jax", "numpy"}
    assert "cpu" in run.attrs["device"] or "gpu" in run.attrs["device"]


def test_the_resolved_request_repeats_the_run(run: xr.Dataset, server: Client) -> None:
    request = run.learnda.request
    again = server.run(request.pop("methods"), progress=False, **request)
    np.testing.assert_array_equal(again["rmse_analysis"], run["rmse_analysis"])


def test_scores_are_means_of_the_series_from_burn_in_on(run: xr.Dataset) -> None:
    held = run.sel(method_id=["etkf", "climatology"])
    scored = held["rmse_analysis"].where(run["time"] >= 5 - 1e-9, drop=True)
    np.testing.assert_allclose(
        held["metric_rmse_analysis"], scored.mean(("replicate", "time")), rtol=1e-12
    )


def test_a_lost_method_is_a_result(run: xr.Dataset) -> None:
    lost, held = run.learnda["apart"], run.learnda["etkf"]
    assert lost["status"] == "diverged"
    assert lost["diverged_step"] >= 0
    assert held["status"] == "completed"
    assert np.isnan(held["diverged_step"])
    assert np.isfinite(held["rmse_analysis"]).all()


def test_what_a_method_has_not_is_nan(run: xr.Dataset) -> None:
    counts = run["rank_histogram"]
    assert np.isnan(counts.sel(method_id="climatology")).all()
    assert counts.sizes["rank"] == 17
    assert counts.sel(method_id="etkf").sum() == 3 * 12 * run["metric_cycles_scored"].sel(
        method_id="etkf"
    )


def test_states_are_kept_where_they_are_asked_for(run: xr.Dataset) -> None:
    assert run["truth"].dims == ("state_time", "site")
    assert run["members"].dims == ("method_id", "state_time", "member", "site")
    held = run.sel(method_id="etkf")
    error = np.sqrt(((held["analysis_mean"] - run["truth"]).astype(float) ** 2).mean("site"))
    told = held["rmse_analysis"].isel(replicate=0).sel(time=run["state_time"])
    np.testing.assert_allclose(error, told, atol=0.02)


def test_it_can_be_written_and_read(run: xr.Dataset, tmp_path: Any) -> None:
    file = tmp_path / "run.nc"
    run.drop_vars([name for name in run if run[name].dtype == np.float16]).to_netcdf(file)
    with xr.open_dataset(file) as read:
        np.testing.assert_array_equal(read["rmse_analysis"], run["rmse_analysis"])
        assert read.attrs["seed"] == 7


# ---------------------------------------------------------------- how it is called


async def test_awaited_it_is_the_same(async_client: AsyncClient, run: xr.Dataset) -> None:
    found = await async_client.run(METHODS, progress=False, **RUN)
    np.testing.assert_array_equal(found["rmse_analysis"], run["rmse_analysis"])


async def test_two_awaited_runs_at_a_time(async_client: AsyncClient) -> None:
    seeds = (1, 2)
    each = {**SMALL, "end_time": 5.0}
    together = await asyncio.gather(
        *(async_client.run("etkf", progress=False, **{**each, "seed": s}) for s in seeds)
    )
    for seed, found in zip(seeds, together, strict=True):
        alone = await async_client.run("etkf", progress=False, **{**each, "seed": seed})
        np.testing.assert_array_equal(found["rmse_analysis"], alone["rmse_analysis"])


def test_a_stream_tells_what_the_dataset_holds(client: Client, run: xr.Dataset) -> None:
    told = list(client.stream(METHODS, **RUN))
    assert isinstance(told[0], events.Started)
    assert isinstance(told[-1], events.Completed)
    spans = [e for e in told if isinstance(e, events.Progress) and e.method_id == "etkf"]
    joined = np.hstack([span.replicates["rmse_analysis"] for span in spans])
    np.testing.assert_array_equal(joined, run["rmse_analysis"].sel(method_id="etkf"))


def test_numpy_values_are_taken(client: Client) -> None:
    found = client.run(
        ("etkf",),
        progress=False,
        **{k: v for k, v in SMALL.items() if k not in ("m", "ensemble_size")},
        end_time=np.float64(1),
        ensemble_size=np.int64(16),
        obs_sites=np.arange(8),
    )
    assert json.loads(found.attrs["request"])["obs_sites"] == list(range(8))


def test_methods_say_what_they_take(client: Client) -> None:
    letkf = client.methods()["letkf"]
    assert letkf.parameter("r") is not None
    assert letkf.reference


def test_ids_are_names_made_unique() -> None:
    methods = ["letkf", {"name": "letkf", "params": {"r": 4}}, {"id": "letkf-3", "name": "letkf"}]
    assert [m["id"] for m in run_body([*methods, "letkf"], {})["methods"]] == [
        "letkf",
        "letkf-2",
        "letkf-3",
        "letkf-4",
    ]


def test_the_typed_fields_are_those_of_the_contract() -> None:
    declared = {field.name for field in (*RUN_FIELDS, *LIST_FIELDS)}
    assert set(RunFields.__annotations__) == declared


def test_the_client_is_imported_when_it_is_asked_for() -> None:
    heavy = "{'numpy', 'jax', 'xarray', 'grpc'} & set(sys.modules)"
    program = (
        f"import sys, learnda; assert not {heavy}; learnda.Client; "
        "assert 'xarray' in sys.modules; assert 'jax' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_is_missing_is_said() -> None:
    program = "import sys; sys.modules['tqdm'] = None; from learnda import Client"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.stderr.rstrip().endswith("needs tqdm: pip install 'learn-da[client]'")


# ---------------------------------------------------------------- refusals and failures


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"ensemble_sizes": 20}, "ensemble_sizes"),
        ({"ensemble_size": "20"}, "ensemble_size"),
        ({"lorenz96_F": float("nan")}, "lorenz96_F"),
        ({"obs_network": "dense"}, "obs_network"),
        ({"obs_sites": [0, 99]}, "obs_sites.1"),
        ({"end_time": 1e9}, "end_time"),
    ],
)
def test_a_refusal_names_the_field(client: Client, sent: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client.run("etkf", progress=False, **sent)
    assert field in {problem.field for problem in caught.value.problems}


def test_methods_are_refused_by_name(client: Client) -> None:
    with pytest.raises(InvalidRequest, match=r"methods.0.params.radius is not a parameter"):
        client.run({"name": "letkf", "params": {"radius": 3}})
    with pytest.raises(RequestError, match="Unknown method: etfk") as caught:
        client.run("etfk")
    assert caught.value.problems[0].field == "methods.0.name"


async def test_a_refusal_when_awaited(async_client: AsyncClient) -> None:
    with pytest.raises(InvalidRequest, match="ensemble_size must be at least 2"):
        await async_client.run("etkf", ensemble_size=1)


def test_what_only_the_service_refuses_names_its_field(client: Client) -> None:
    """Sent as it is, past the checks of the client."""
    request = pb.RunExperimentRequest(methods=[pb.MethodInstance(id="a", name="etkf")])
    request.experiment.ensemble_size = 1
    with pytest.raises(InvalidRequest) as caught:
        list(client._run(request))
    assert [problem.field for problem in caught.value.problems] == ["ensemble_size"]


def test_nobody_there() -> None:
    with (
        Client("127.0.0.1:1") as client,
        pytest.raises(ServerError, match=r"127\.0\.0\.1:1 cannot be reached") as caught,
    ):
        client.run("etkf", progress=False)
    assert caught.value.reason == "UNAVAILABLE"


# ---------------------------------------------------------------- ending early

LONG: dict[str, Any] = {**SMALL, "end_time": 40_000.0}
"""It never ends by itself while a test looks."""


def active_runs(client: Client) -> int:
    info = client._one("GetServerInfo", pb.GetServerInfoRequest())
    return int(info.activity.active_run_count)


def becomes(client: Client, count: int) -> bool:
    deadline = time.monotonic() + 60
    while active_runs(client) != count:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_closing_the_iterator_frees_the_run(client: Client) -> None:
    stream = client.stream("etkf", **LONG)
    for event in stream:
        if isinstance(event, events.Progress):
            break
    assert active_runs(client) == 1
    stream.close()
    assert becomes(client, 0)


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Ctrl-C is heard, also where the tests were started in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_an_interrupt_frees_the_run(client: Client) -> None:
    def interrupt() -> None:
        becomes(client, 1)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    client.methods()
    watcher = threading.Thread(target=interrupt)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        client.run("etkf", progress=False, **LONG)
    watcher.join()
    assert becomes(client, 0)


async def test_a_cancelled_task_frees_the_run(async_client: AsyncClient) -> None:
    async with aclosing(async_client.stream("etkf", **LONG)) as stream:
        async for event in stream:
            if isinstance(event, events.Progress):
                break
        task = asyncio.create_task(async_client.run("etkf", progress=False, **LONG))
        await _active(async_client, 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await _active(async_client, 1)
    await _active(async_client, 0)


async def _active(client: AsyncClient, count: int) -> None:
    async with asyncio.timeout(60):
        while True:
            info = await client._one("GetServerInfo", pb.GetServerInfoRequest())
            if info.activity.active_run_count == count:
                return
            await asyncio.sleep(0.02)


# ---------------------------------------------------------------- progress


def test_the_bar_says_how_far_it_is(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.run(["etkf", "climatology"], **SMALL, end_time=3.0)
    shown = capsys.readouterr().err
    assert "62/62" in shown
    last = shown.splitlines()[-1]
    assert "RMSE etkf 0." in last
    assert "climatology 3." in last or "climatology 4." in last


def test_no_bar_where_none_is_wanted(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.run("etkf", progress=False, **SMALL, end_time=3.0)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


# ---------------------------------------------------------------- sweeps

AXES = {"inf_fact": [1.0, 1.05], "std_obs": [0.3, 0.5, 0.7]}


@pytest.fixture(scope="module")
def sweep(server: Client) -> xr.Dataset:
    base = {k: v for k, v in SMALL.items() if k != "std_obs"}
    return server.sweep("etkf", AXES, progress=False, end_time=10.0, **base)


def test_a_sweep_has_a_dimension_for_each_axis(sweep: xr.Dataset) -> None:
    assert sweep["metric_rmse_analysis"].dims == ("inf_fact", "std_obs")
    assert sweep["inf_fact"].values.tolist() == [1.0, 1.05]
    assert sweep["std_obs"].values.tolist() == [0.3, 0.5, 0.7]
    assert (sweep["status"] == "completed").all()
    assert sweep.attrs["seed"] == 7


def test_a_cell_is_the_run_it_says(sweep: xr.Dataset, server: Client) -> None:
    alone = server.run(
        {"name": "etkf", "params": {"inf_fact": 1.05}},
        progress=False,
        end_time=10.0,
        **{**SMALL, "std_obs": 0.7},
    )
    cell = sweep["metric_rmse_analysis"].sel(inf_fact=1.05, std_obs=0.7)
    np.testing.assert_allclose(cell, alone["metric_rmse_analysis"][0], rtol=1e-9)


async def test_a_sweep_awaited(async_client: AsyncClient, sweep: xr.Dataset) -> None:
    base = {k: v for k, v in SMALL.items() if k != "std_obs"}
    found = await async_client.sweep("etkf", AXES, progress=False, end_time=10.0, **base)
    xr.testing.assert_identical(found.drop_attrs(), sweep.drop_attrs())


def test_a_sweep_over_words(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    found = client.sweep("etkf", {"obs_network": ["random", "regular"]}, end_time=2.0, **SMALL)
    assert found["obs_network"].values.tolist() == ["random", "regular"]
    assert "42/42" in capsys.readouterr().err


def test_a_sweep_makes_do_with_the_room_that_there_is() -> None:
    """A server that computes one run at a time gets them one by one; if it is another's, no."""
    base = {k: v for k, v in SMALL.items() if k != "std_obs"}
    axes = {"std_obs": [0.3, 0.5, 0.7]}
    with compute_at_work(LEARNDA_MAX_RUNS="1") as address, Client(address) as client:
        found = client.sweep("etkf", axes, progress=False, end_time=10.0, **base)
        assert np.isfinite(found["metric_rmse_analysis"]).all()
        with closing(client.stream("etkf", **LONG)) as stream:
            assert isinstance(next(stream), events.Started)
            with pytest.raises(ServerError) as caught:
                client.sweep("etkf", axes, progress=False, end_time=10.0, **base)
            assert caught.value.reason == "BUSY"
            assert caught.value.retry_seconds == 2.0


@pytest.mark.usefixtures("_interruptible")
def test_an_interrupted_sweep_frees_its_runs(client: Client) -> None:
    def interrupt() -> None:
        becomes(client, 3)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    client.methods()
    watcher = threading.Thread(target=interrupt)
    watcher.start()
    long = {k: v for k, v in LONG.items() if k != "std_obs"}
    with pytest.raises(KeyboardInterrupt):
        client.sweep("etkf", {"std_obs": [0.3, 0.5, 0.7]}, progress=False, **long)
    watcher.join()
    assert becomes(client, 0)


def test_a_sweep_is_refused_by_axis(client: Client) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client.sweep("etkf", {"ensemble_size": [20, 1]})
    assert [problem.field for problem in caught.value.problems] == ["axes.0.values.1"]
    with pytest.raises(InvalidRequest, match=r"request.methods must hold one method"):
        client.sweep(["etkf", "letkf"], {"ensemble_size": [20]})  # type: ignore[arg-type]


# ---------------------------------------------------------------- figures


def test_curves_have_a_band_of_the_replicates(run: xr.Dataset) -> None:
    ax = run.sel(method_id=["etkf", "climatology"]).learnda.plot.rmse()
    assert [line.get_label() for line in ax.get_lines()] == ["etkf", "climatology"]
    mean = run["rmse_analysis"].sel(method_id="etkf").mean("replicate")
    np.testing.assert_allclose(ax.get_lines()[0].get_ydata(), mean)
    assert len(ax.collections) == 2
    assert ax.get_xlabel() == "model time"


@pytest.mark.parametrize(
    "name", ["rmse", "error_and_spread", "scores", "ranks", "spread_skill", "leads"]
)
def test_every_figure_of_a_run(run: xr.Dataset, name: str, tmp_path: Any) -> None:
    _, ax = pyplot.subplots()
    assert getattr(run.learnda.plot, name)(ax=ax) is ax
    assert ax.has_data()
    ax.figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_ranks_are_relative_and_only_of_ensembles(run: xr.Dataset) -> None:
    ax = run.learnda.plot.ranks()
    heights = ax.patches[0].get_data().values
    assert len(ax.patches) == 2
    assert heights.sum() == pytest.approx(1)


def test_a_sweep_is_a_map_or_a_curve(sweep: xr.Dataset) -> None:
    ax = sweep.learnda.plot.sweep()
    np.testing.assert_array_equal(ax.images[0].get_array(), sweep["metric_rmse_analysis"])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("std_obs", "inf_fact")
    line = sweep.isel(inf_fact=0).learnda.plot.sweep("spread_skill").get_lines()[0]
    assert line.get_xdata().tolist() == [0.3, 0.5, 0.7]
