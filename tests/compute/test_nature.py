"""What StreamNature sends is what the methods of RunExperiment are given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import grpc
import jax
import numpy as np
import pytest
from calls import arrays_of, ends, failure, refused_fields, series, stream
from experiments import experiment, run
from test_lorenz96 import plain_step

from compute import nature_job
from compute.engine import Engine
from compute.twin_run import TwinRun
from learnda import wire
from learnda.v1 import assimilation_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL = {"seed": 11, "end_time": 3.0, "std_obs": 1.0}


@dataclass
class Nature:
    """A whole stream, its spans joined."""

    started: pb.NatureStarted
    ensemble: np.ndarray
    t: np.ndarray
    truth: np.ndarray
    sites: np.ndarray
    values: np.ndarray


def request(fields: dict[str, Any], replicate: int = 0) -> pb.StreamNatureRequest:
    return pb.StreamNatureRequest(
        experiment=wire.request_to_proto(fields).experiment, replicate=replicate
    )


async def nature(stub: Any, fields: dict[str, Any], replicate: int = 0) -> Nature:
    messages = [message async for message in stub.StreamNature(request(fields, replicate))]
    assert max(message.ByteSize() for message in messages) < 1_000_100
    assert messages[0].WhichOneof("event") == "started"
    assert all(message.HasField("span") or message.HasField("part") for message in messages[1:])
    following = iter(messages[1:])
    parts = (message.part for message in following)
    started = messages[0].started
    (ensemble,) = arrays_of(started, parts).values()
    spans: list[dict[str, np.ndarray]] = []
    for message in following:
        assert message.span.first_step == sum(len(span["truth"]) for span in spans)
        spans.append({**arrays_of(message.span, parts), "t": np.array(message.span.t)})
    joined = {name: np.concatenate([span[name] for span in spans]) for name in spans[0]}
    assert len(joined["t"]) == started.step_count
    return Nature(started, ensemble, **joined)


@pytest.mark.parametrize(
    ("fields", "methods"),
    [
        ({}, 1),
        ({"replicates": 5, "precision": "float32"}, 1),
        ({"obs_network": "fixed", "m": 7, "initial": "perturbed-truth"}, 1),
        ({"obs_sites": [3, 1, 38], "obs_operator": "square", "obs_error": "laplace"}, 1),
        (
            {
                "truth_noise": 0.5,
                "forecast_F": 7.0,
                "obs_error_correlation": 2.0,
                "forecast_leads": 2,
            },
            1,
        ),
        ({"lorenz96_n": 400, "ensemble_size": 500, "end_time": 0.2}, 4),  # with another buffer
    ],
    ids=str,
)
async def test_no_bit_differs_from_what_methods_are_given(
    stub: Any,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    fields: dict[str, Any],
    methods: int,
) -> None:
    """Whichever methods those are, and however many."""
    given: dict[tuple[int, int], tuple[np.ndarray, ...]] = {}
    first: dict[int, np.ndarray] = {}
    advance = TwinRun._advance

    def watched(self: TwinRun, number: int, part: Any, observed: Any, step: Any, count: Any) -> Any:
        numbers = np.asarray(part.group.setting.replicates)
        slot = self._plan.shape.slot(int(step))
        for row, replicate in enumerate(numbers):
            if step == 0:
                (ensemble,) = (a for a in jax.tree.leaves(part.state.carried) if a.ndim == 4)
                first[int(replicate)] = np.array(ensemble[0, row])
            for k in range(int(count)):
                cycle = tuple(np.array(np.asarray(a)[slot + k, row]) for a in observed)
                given[int(replicate), int(step) + k] = cycle
        return advance(self, number, part, observed, step, count)

    asked = {**SMALL, **fields}
    monkeypatch.setattr(TwinRun, "_advance", watched)
    run(engine, experiment(*[("free-run", {})] * methods, **asked))
    monkeypatch.undo()
    for replicate in range(asked.get("replicates", 1)):
        found = await nature(stub, asked, replicate)
        np.testing.assert_array_equal(found.ensemble, first[replicate], strict=True)
        for step, told in enumerate(zip(found.truth, found.sites, found.values, strict=True)):
            for one, other in zip(told, given[replicate, step], strict=True):
                np.testing.assert_array_equal(one, other, strict=True)


def plain_etkf(
    ensemble: np.ndarray, sites: np.ndarray, y: np.ndarray, std: float, inf_fact: float
) -> np.ndarray:
    """Hunt, Kostelich & Szunyogh (2007), every observation for every site."""
    count = len(ensemble)
    mean = ensemble.mean(axis=0)
    anomalies = ensemble - mean
    observed = anomalies[:, sites] / std
    variances, V = np.linalg.eigh((count - 1) * np.eye(count) + observed @ observed.T)
    weights = V @ ((V.T @ observed @ ((y - mean[sites]) / std)) / variances)
    root = V * np.sqrt((count - 1) / variances) @ V.T
    return mean + weights @ anomalies + inf_fact * (root @ anomalies)


async def test_a_filter_of_ones_own_meets_the_same_truth(stub: Any) -> None:
    """An ETKF in NumPy, over the stream, has the errors that RunExperiment tells of its own."""
    fields = {**SMALL, "replicates": 2, "inf_fact": 1.05, "end_time": 1.5}
    body = {
        **fields,
        "methods": [{"id": "etkf", "name": "etkf"}, {"id": "free", "name": "free-run"}],
    }
    told = await stream(stub, wire.request_to_proto(body))
    for replicate in range(2):
        found = await nature(stub, fields, replicate)
        free = filtered = found.ensemble
        for step, truth in enumerate(found.truth):
            for _ in range(2 if step else 0):
                free, filtered = plain_step(free, 8, 0.05), plain_step(filtered, 8, 0.05)
            analysis = plain_etkf(filtered, found.sites[step], found.values[step], 1.0, 1.05)
            for name, method_id, ensemble in (
                ("rmse_background", "free", free),
                ("rmse_background", "etkf", filtered),
                ("rmse_analysis", "etkf", analysis),
            ):
                rmse = np.sqrt(((ensemble.mean(axis=0) - truth) ** 2).mean())
                expected = series(told, method_id, name)[replicate, step]
                assert rmse == pytest.approx(expected, rel=1e-7)
            filtered = analysis


async def test_it_says_what_it_is_of(stub: Any) -> None:
    found = await nature(stub, SMALL)
    assert found.started.experiment.m == 32
    assert found.started.experiment.seed == 11
    assert found.started.server.devices[0].platform
    np.testing.assert_array_equal(found.t, np.arange(31) * 0.1)
    assert found.ensemble.shape == (20, 40)
    assert (found.truth.shape, found.sites.shape, found.values.shape) == (
        (31, 40),
        (31, 32),
        (31, 32),
    )
    assert found.sites.dtype == np.int32
    again = await nature(stub, {**SMALL, "seed": 12})
    assert not np.array_equal(again.truth, found.truth)


async def test_the_cutting_into_chunks_changes_no_bit(
    stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for chunk in (1, 5, 1000):
        monkeypatch.setattr(nature_job, "FIRST_CHUNK", chunk)
        monkeypatch.setattr(nature_job, "next_count", lambda *_, chunk=chunk: chunk)
        found.append(await nature(stub, SMALL))
    for other in found[1:]:
        for name in ("ensemble", "truth", "sites", "values"):
            np.testing.assert_array_equal(getattr(other, name), getattr(found[0], name))


async def test_what_is_large_comes_in_parts(stub: Any) -> None:
    fields = {"seed": 1, "lorenz96_n": 80_000, "m": 70_000, "ensemble_size": 2, "end_time": 0.1}
    found = await nature(stub, fields)
    assert found.truth.shape == (2, 80_000)
    assert (np.diff(found.sites, axis=1) > 0).all()
    error = found.values - np.take_along_axis(found.truth, found.sites, axis=1)
    assert error.std() == pytest.approx(0.01, rel=0.05)


async def test_a_model_that_is_not_stable_is_data(stub: Any, engine: Engine) -> None:
    """The truth is finite no longer, and says so; the ensemble was."""
    fields = {"seed": 1, "obs_freq": 1.0, "dt": 1.0, "end_time": 60.0}
    found = await nature(stub, fields)
    assert np.isfinite(found.ensemble).all()
    assert not np.isfinite(found.truth[-1]).any()


@pytest.mark.parametrize(
    ("fields", "replicate", "refused"),
    [
        ({}, 0, {"experiment.seed"}),
        ({"seed": 1}, -1, {"replicate"}),
        ({"seed": 1}, 1, {"replicate"}),
        ({"seed": 1, "replicates": 3}, 3, {"replicate"}),
        ({"seed": -1, "dt": 0.03}, 0, {"experiment.seed", "experiment.dt"}),
        ({"seed": 1, "std_obs": math.nan}, 0, {"experiment.std_obs"}),
        ({"seed": 1, "obs_sites": [1, 1]}, 0, {"experiment.obs_sites.1"}),
        (
            {"seed": 1, "lorenz96_n": 10**8, "ensemble_size": 1000},
            0,
            {
                f"experiment.{name}"
                for name in (
                    *("replicates", "ensemble_size", "lorenz96_n", "m"),
                    *("end_time", "obs_freq", "precision", "dt"),
                )
            },
        ),
    ],
)
async def test_bad_fields_are_refused_by_their_names(
    stub: Any, fields: dict[str, Any], replicate: int, refused: set[str]
) -> None:
    assert refused_fields(await failure(stub.StreamNature(request(fields, replicate)))) == refused


async def test_what_is_too_large_or_no_message_is_refused(
    stub: Any, channel: grpc.aio.Channel
) -> None:
    large = request({"seed": 1})
    large.experiment.obs_sites.extend(range(1_000_000))
    assert refused_fields(await failure(stub.StreamNature(large))) == {"experiment"}
    call = channel.unary_stream("/learnda.v1.AssimilationService/StreamNature")
    assert refused_fields(await failure(call(b"\xff"))) == {"request"}


async def test_a_cancelled_call_stops(stub: Any, engine: Engine) -> None:
    call = stub.StreamNature(request({"seed": 1, "end_time": 1e6}))
    async for message in call:
        if message.HasField("span"):
            break
    assert engine.run_count == 1
    call.cancel()
    assert await ends(engine, within=5)
