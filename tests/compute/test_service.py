"""What the gRPC service streams, on a real port."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from calls import SETTINGS, TWO, failure, kinds, refused_fields, series, stream

from compute.registry import declarations
from learnda import wire
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1 import common_pb2 as common

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_it_lists_what_the_registry_declares(stub: Any) -> None:
    response = await stub.ListMethods(pb.ListMethodsRequest())
    assert wire.methods_from_proto(response) == declarations()


async def test_it_tells_what_it_is(stub: Any) -> None:
    await stream(stub, wire.request_to_proto({"seed": 1, "methods": TWO}))
    info = await stub.GetServerInfo(pb.GetServerInfoRequest())
    assert {"learn-da", "jax", "jaxlib", "numpy"} <= set(info.server.versions)
    assert info.server.devices[0].platform
    assert list(info.server.precisions) == [common.PRECISION_FLOAT64, common.PRECISION_FLOAT32]
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
        "inflation": "analysis",
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
