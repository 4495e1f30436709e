"""What the gRPC service refuses, by the names of the fields; cases 21, 22 and 28: tests/faults."""

from __future__ import annotations

import math
from typing import Any

import pytest
from calls import TWO, failure, refused_fields, timed_failure

from learnda import wire
from learnda.v1 import assimilation_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"lorenz96_F": -math.inf}, {"lorenz96_F"}),
        ({"seed": -1}, {"seed"}),
        ({"dt": 0.03}, {"dt"}),
        ({"obs_sites": [0, 0]}, {"obs_sites.1"}),
        ({"obs_sites": [1], "m": 3}, {"m"}),
        ({"model": "lorenz63"}, {"model"}),
        ({"methods": [*TWO, *TWO]}, {"methods.2.id"}),
        ({"methods": [{"id": "a", "name": "enfk"}]}, {"methods.0.name"}),
        ({"methods": [{"id": "a\0", "name": "enkf"}]}, {"methods.0.id"}),
        *[
            (
                {"methods": [{"id": "a", "name": "letkf", "params": params}]},
                {f"methods.0.params.{k}"},
            )
            for params, k in [
                ({"r": None}, "r"),
                ({"r": math.nan}, "r"),
                ({"r": [[{"x": []}]]}, "r"),
            ]
        ],
    ],
    ids=lambda value: str(value if isinstance(value, dict) else sorted(value))[:40],
)
async def test_bad_fields_are_refused_by_their_names(
    stub: Any, fields: dict[str, Any], refused: set[str]
) -> None:
    request = wire.request_to_proto({"methods": TWO, **fields})
    outcome = await failure(stub.RunExperiment(request))
    assert refused_fields(outcome) == refused
    assert outcome[2]["ErrorInfo"].domain == "learn-da"


async def test_the_sentences_are_those_of_the_contract(stub: Any) -> None:
    request = wire.request_to_proto({"methods": [{"id": "a", "name": "enfk"}]})
    _, sentence, details = await failure(stub.RunExperiment(request))
    assert (sentence, details["ErrorInfo"].reason) == ("Unknown method: enfk", "UNKNOWN_METHOD")
    _, sentence, details = await failure(stub.RunExperiment(pb.RunExperimentRequest()))
    assert sentence.startswith("methods ")
    assert details["ErrorInfo"].reason == "INVALID_REQUEST"


async def test_an_unknown_enum_value_is_refused_by_its_field(stub: Any) -> None:
    request = wire.request_to_proto({"methods": TWO})
    request.experiment.precision = 99
    assert refused_fields(await failure(stub.RunExperiment(request))) == {"precision"}


async def test_large_requests_are_refused_before_they_are_read(stub: Any) -> None:
    request = wire.request_to_proto({"methods": TWO})
    request.experiment.obs_sites.extend(range(2_000_000))
    request.methods[0].params.update({f"k{i}": "x" * 100 for i in range(20_000)})
    outcome = await failure(stub.RunExperiment(request))
    assert refused_fields(outcome) == {"experiment", "methods"}


@pytest.mark.parametrize(
    "junk",
    [
        {f"k{i}": 1 for i in range(10_000)},
        {"inf_fact": [None] * 50_000},
        {"inf_fact": {str(i): {} for i in range(15_000)}},
    ],
    ids=["many", "list", "object"],
)
async def test_the_most_junk_that_is_read_is_refused_at_once(
    stub: Any, junk: dict[str, Any]
) -> None:
    request = wire.request_to_proto({"methods": [{**TWO[0], "params": junk}]})
    assert 150_000 < request.methods[0].ByteSize() < 250_000
    outcome, seconds = await timed_failure(stub, request)
    assert all(field.startswith("methods.0.params.") for field in refused_fields(outcome))
    assert seconds < 0.05


async def test_many_problems_still_fit_the_status(stub: Any) -> None:
    methods = [{"id": "é" * 65, "name": "letkf", "params": {"q" * 70: 1}} for _ in range(90)]
    request = wire.request_to_proto({"methods": methods})
    fields = refused_fields(await failure(stub.RunExperiment(request)))
    assert "methods.0.id" in fields


@pytest.mark.parametrize("interval", [-1.0, math.nan, math.inf])
async def test_the_interval_of_checkpoints(stub: Any, interval: float) -> None:
    request = wire.request_to_proto({"methods": TWO})
    request.checkpoint_interval_seconds = interval
    outcome = await failure(stub.RunExperiment(request))
    assert refused_fields(outcome) == {"checkpoint_interval_seconds"}
