"""Sweeps: which requests they come to, and what is refused of them."""

from __future__ import annotations

from typing import Any

import pytest

from compute.registry import declarations
from learnda.cost import Limits
from learnda.problems import InvalidRequest
from learnda.sweeps import Axis, Sweep, cell_request, resolve_sweep, values_of

ETKF = {"id": "a", "name": "etkf", "label": "ETKF", "params": {"rotate": True}}
INFLATION = {"field": "methods.0.params.inf_fact", "values": [1.0, 1.02, 1.04]}
MEMBERS = {"field": "ensemble_size", "values": [10, 20]}


def sweep(*axes: Any, limits: Limits | None = None, **request: Any) -> Sweep:
    body = {"request": {"end_time": 1.0, "methods": [ETKF], **request}, "axes": list(axes)}
    return resolve_sweep(body, declarations(), limits=limits or Limits(), draw_seed=lambda: 99)


def refused(*axes: Any, **request: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as refusal:
        sweep(*axes, **request)
    return {problem.field: problem.message for problem in refusal.value.problems}


def test_values_of_a_parameter_are_instances_of_one_request() -> None:
    found = sweep(INFLATION)
    (part,) = found.parts
    assert part.cells == (0, 1, 2)
    assert [m.params["inf_fact"] for m in part.experiment.methods] == [1.0, 1.02, 1.04]
    assert [m.id for m in part.experiment.methods] == ["c0", "c1", "c2"]
    assert all(m.params["rotate"] is True for m in part.experiment.methods)


@pytest.mark.parametrize("axes", [(INFLATION, MEMBERS), (MEMBERS, INFLATION)])
def test_values_of_a_field_are_requests_of_their_own(axes: tuple[Any, ...]) -> None:
    found = sweep(*axes)
    assert found.cell_count == 6
    assert [part.experiment.ensemble_size for part in found.parts] == [10, 20]
    assert sorted(cell for part in found.parts for cell in part.cells) == list(range(6))
    for part in found.parts:
        for cell, instance in zip(part.cells, part.experiment.methods, strict=True):
            values = dict(
                zip([a.field for a in found.axes], values_of(found.axes, cell), strict=True)
            )
            assert values["ensemble_size"] == part.experiment.ensemble_size
            assert values["methods.0.params.inf_fact"] == instance.params["inf_fact"]


def test_every_cell_has_the_same_seed() -> None:
    found = sweep(MEMBERS)
    assert {part.experiment.seed for part in found.parts} == {99}
    assert found.request["seed"] == 99
    assert {part.experiment.seed for part in sweep(MEMBERS, seed=4).parts} == {4}
    seeds = sweep({"field": "seed", "values": [1, 2]})
    assert [part.experiment.seed for part in seeds.parts] == [1, 2]


def test_more_instances_than_a_request_may_have_are_cut() -> None:
    values = [1 + k / 1000 for k in range(25)]
    axis = {**INFLATION, "values": values}
    found = sweep(axis, limits=Limits(max_methods=10))
    assert [len(part.cells) for part in found.parts] == [10, 10, 5]
    assert [cell for part in found.parts for cell in part.cells] == list(range(25))


def test_a_cell_is_a_request_of_its_own() -> None:
    axes = (Axis("ensemble_size", (10, 20)), Axis("methods.0.params.inf_fact", (1.0, 1.1)))
    request = {"seed": 5, "methods": [ETKF]}
    assert cell_request(request, axes, 3) == {
        "seed": 5,
        "ensemble_size": 20,
        "methods": [{**ETKF, "params": {"rotate": True, "inf_fact": 1.1}}],
    }
    assert request == {"seed": 5, "methods": [ETKF]}
    assert [values_of(axes, cell) for cell in range(4)] == [
        (10, 1.0),
        (10, 1.1),
        (20, 1.0),
        (20, 1.1),
    ]


@pytest.mark.parametrize(
    ("axes", "request_", "field"),
    [
        ([], {}, "axes"),
        ([INFLATION, MEMBERS, {"field": "m", "values": [5]}], {}, "axes"),
        ([INFLATION, INFLATION], {}, "axes"),
        (["x"], {}, "axes.0"),
        ([{"field": "nope", "values": [1]}], {}, "axes.0.field"),
        ([{"field": "model", "values": ["lorenz96"]}], {}, "axes.0.field"),
        ([{"field": "methods.1.params.r", "values": [1]}], {}, "axes.0.field"),
        ([{"field": 3, "values": [1]}], {}, "axes.0.field"),
        ([{"field": "m", "values": []}], {}, "axes.0.values"),
        ([{"field": "m", "values": 4}], {}, "axes.0.values"),
        ([{"field": "m", "values": [4, 4]}], {}, "axes.0.values"),
        ([{"field": "m", "values": [4, [5]]}], {}, "axes.0.values.1"),
        ([{"field": "m", "values": [4, 41]}], {}, "axes.0.values.1"),
        ([{"field": "ensemble_size", "values": [4, "x"]}], {}, "axes.0.values.1"),
        ([INFLATION | {"values": [1.0, -1.0]}], {}, "axes.0.values.1"),
        ([MEMBERS, INFLATION | {"values": [1.0, float("nan")]}], {}, "axes.1.values.1"),
        ([{"field": "methods.0.params.nope", "values": [1]}], {}, "axes.0.values.0"),
        ([MEMBERS | {"more": 1}], {}, "axes.0.more"),
        ([MEMBERS], {"std_obs": -1}, "request.std_obs"),
        ([MEMBERS], {"record_states": True}, "request.record_states"),
        ([MEMBERS], {"methods": []}, "request.methods"),
        ([MEMBERS], {"methods": [ETKF, {**ETKF, "id": "b"}]}, "request.methods"),
        ([MEMBERS], {"methods": [{**ETKF, "name": "x"}]}, "request.methods.0.name"),
        ([MEMBERS], {"methods": [{**ETKF, "params": 7}]}, "request.methods.0.params"),
        ([{"field": "seed", "values": list(range(201))}], {}, "axes.0.values"),
        ([{"field": "lorenz96_n", "values": [40, 10**9]}], {}, "axes.0.values.1"),
    ],
)
def test_what_is_wrong_is_named(axes: list[Any], request_: dict[str, Any], field: str) -> None:
    assert field in refused(*axes, **request_)


@pytest.mark.parametrize(
    "method",
    [
        {"name": "etkf", "params": {"inf_fact": 1.1}},
        {"name": "etkf", "params": {"inflation": "rtps"}},
        {"name": "enkf-n"},
        {"name": "free-run"},
    ],
)
def test_an_inflation_that_the_method_does_not_take_is_not_swept(method: dict[str, Any]) -> None:
    """The map would be flat, and look as if the method did not mind."""
    axis = {"field": "inf_fact", "values": [1.0, 1.5]}
    assert set(refused(axis, methods=[{"id": "a", **method}])) == {"axes.0.field"}
    assert sweep(axis).cell_count == 2


def test_cells_have_a_bound() -> None:
    axes = [INFLATION | {"values": [1 + k / 1e6 for k in range(2500)]}, MEMBERS]
    assert set(refused(*axes)) == {"axes.0.values", "axes.1.values"}


@pytest.mark.parametrize("body", [None, [], "x", {}, {"request": 3, "axes": [MEMBERS]}])
def test_what_is_no_sweep(body: Any) -> None:
    with pytest.raises(InvalidRequest):
        resolve_sweep(body, declarations(), limits=Limits(), draw_seed=lambda: 1)
