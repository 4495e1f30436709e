"""The rules of the HTTP contract, each refused by the name of its field."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from learnda.cost import Limits, estimate
from learnda.declarations import Methods
from learnda.experiment import Experiment
from learnda.problems import PROBLEM_LIMIT
from learnda.validation import (
    RUN_FIELDS,
    DuplicateMethodId,
    InvalidRequest,
    UnknownMethod,
    largest_step,
    resolve,
    resolve_nature,
)

Resolved = Callable[..., Experiment]
NAN, INFINITY = float("nan"), float("inf")
ONE = {"id": "a", "name": "enkf", "label": "A", "params": {}}


def refused_fields(resolved: Resolved, *arguments: Any, **fields: Any) -> set[str]:
    with pytest.raises(InvalidRequest) as caught:
        resolved(*arguments, **fields)
    return {problem.field for problem in caught.value.problems}


def test_defaults_are_those_of_the_contract(resolved: Resolved) -> None:
    assert resolved().request() == {
        "model": "lorenz96",
        "ensemble_size": 20,
        "m": 32,
        "std_obs": 0.01,
        "obs_freq": 0.1,
        "end_time": 10.0,
        "inf_fact": 1.04,
        "lorenz96_n": 40,
        "lorenz96_F": 8.0,
        "seed": 7,
        "replicates": 1,
        "dt": 0.05,
        "obs_network": "random",
        "initial": "climatology",
        "initial_std": 0.2,
        "burn_in": 0.0,
        "precision": "float64",
        "obs_operator": "identity",
        "obs_error": "gaussian",
        "obs_error_dof": 5.0,
        "obs_error_correlation": 0.0,
        "forecast_F": 8.0,
        "truth_noise": 0.0,
        "forecast_noise": 0.0,
        "forecast_leads": 0,
        "record_states": False,
        "methods": [
            {
                "id": "a",
                "name": "letkf",
                "label": "A",
                "params": {"r": 2.0, "taper": "box", "inf_fact": 1.04},
            }
        ],
    }
    assert resolved().step_count == 101


BAD_VALUES = [
    *[("ensemble_size", bad) for bad in (0, 1, -5, 2.5, True, "20", None, 10**400, 1e400, [20])],
    *[("m", bad) for bad in (0, -1, 41, "a", 3.5)],
    *[("std_obs", bad) for bad in (0, -0.1, NAN, INFINITY, "nan", None, False, 10**400)],
    *[("obs_freq", bad) for bad in (0, -0.1, NAN, -INFINITY, {}, 1e308)],
    *[("end_time", bad) for bad in (-1, 0, INFINITY, "10")],
    *[("inf_fact", bad) for bad in (-1, 0, NAN, True)],
    *[("lorenz96_n", bad) for bad in (0, 2, 3, -40, 40.5, 10**400, "40")],
    *[("lorenz96_F", bad) for bad in (1000.5, -1001, NAN, "8", None)],
    *[("seed", bad) for bad in (-1, 2**53, 1.5, True, "1", None)],
    *[("replicates", bad) for bad in (0, -1, 1.5, 10_001)],
    *[("dt", bad) for bad in (0, -0.05, 0.03, 0.2, 0.0500001, NAN, 1e-300, 5e-324)],
    *[("obs_network", bad) for bad in ("", "Random", 1, None, ["random"], {})],
    *[("obs_sites", bad) for bad in ([], {}, "0", 3, None, list(range(41)))],
    *[("initial", bad) for bad in ("truth", None, 1)],
    *[("initial_std", bad) for bad in (0, -1, NAN)],
    *[("burn_in", bad) for bad in (-1, NAN, 1e300)],
    *[("precision", bad) for bad in ("float16", 64)],
    *[("obs_operator", bad) for bad in ("cube", None, 2)],
    *[("obs_error", bad) for bad in ("cauchy", None)],
    *[("obs_error_dof", bad) for bad in (2, 1, NAN)],
    *[("obs_error_correlation", bad) for bad in (-1, INFINITY, "2")],
    *[("std_obs_sites", bad) for bad in ([], [1.0] * 39, [1.0] * 41, 1.0, None)],
    *[("forecast_F", bad) for bad in (1001, NAN, None)],
    *[("truth_noise", bad) for bad in (-0.1, NAN)],
    *[("forecast_noise", bad) for bad in (-0.1, INFINITY)],
    *[("forecast_leads", bad) for bad in (-1, 101, 1.5)],
    *[("model", bad) for bad in ("lorenz63", None, 96, "lorenz96\0")],
    *[("methods", bad) for bad in ([], {}, None, "enkf", [ONE] * 101)],
    ("unknown", 1),
    ("Seed", 1),
]


@pytest.mark.parametrize(("field", "value"), BAD_VALUES, ids=lambda v: repr(v)[:20])
def test_a_bad_value_is_refused_by_its_name(resolved: Resolved, field: str, value: Any) -> None:
    assert field in refused_fields(resolved, **{field: value})


def test_integers_and_floats_are_numbers_of_each_other(resolved: Resolved) -> None:
    experiment = resolved(ensemble_size=20.0, std_obs=1, end_time=5, lorenz96_F=-8, seed=2**53 - 1)
    assert type(experiment.ensemble_size) is int
    assert type(experiment.std_obs) is float
    assert (experiment.lorenz96_F, experiment.seed) == (-8.0, 2**53 - 1)


def test_all_problems_are_collected(resolved: Resolved) -> None:
    bad = {"id": "", "name": "enkf", "label": 3, "params": {"inf_fact": 0, "r": 2}, "x": 1}
    assert refused_fields(resolved, std_obs=0, m=0, seed="x", extra=1, methods=[bad, 7, {}]) == {
        "std_obs",
        "m",
        "seed",
        "extra",
        "methods.0.id",
        "methods.0.label",
        "methods.0.x",
        "methods.0.params.inf_fact",
        "methods.0.params.r",
        "methods.1",
        "methods.2.id",
        "methods.2.name",
    }


@pytest.mark.parametrize("body", [None, 1, "x", [], True, 1.5, [{"methods": []}]])
def test_the_body_must_be_an_object(methods: Methods, body: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve(body, methods, limits=Limits(), draw_seed=lambda: 7)
    assert [problem.field for problem in caught.value.problems] == ["body"]


# ---------------------------------------------------------------- methods


@pytest.mark.parametrize("key", ["id", "label"])
@pytest.mark.parametrize("value", ["\0", "a\nb", "\x7f", "\x85", "\ud800", "x" * 201, None, 3])
def test_text_must_be_fit_to_show_and_store(resolved: Resolved, key: str, value: object) -> None:
    assert refused_fields(resolved, methods=[{**ONE, key: value}]) == {f"methods.0.{key}"}


def test_lengths_of_id_and_label(resolved: Resolved) -> None:
    longest = {**ONE, "id": "x" * 64, "label": "é" * 200}
    assert resolved(methods=[longest]).methods[0].label == "é" * 200
    assert refused_fields(resolved, methods=[{**ONE, "id": "x" * 65}]) == {"methods.0.id"}


def test_a_label_is_by_default_the_name(resolved: Resolved) -> None:
    assert resolved(methods=[{"id": "a", "name": "enkf"}]).methods[0].label == "enkf"


def test_unknown_methods_and_doubled_ids_have_the_sentences_of_the_contract(
    resolved: Resolved,
) -> None:
    with pytest.raises(UnknownMethod) as unknown:
        resolved(methods=[{**ONE, "name": "enfk"}])
    assert unknown.value.sentence == "Unknown method: enfk"
    assert unknown.value.problems[0].field == "methods.0.name"
    with pytest.raises(DuplicateMethodId) as doubled:
        resolved(methods=[ONE, ONE])
    assert doubled.value.sentence == "Duplicate method instance id: a"
    assert doubled.value.problems[0].field == "methods.1.id"


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ({"inf_fact": -1}, "inf_fact"),
        ({"inf_fact": None}, "inf_fact"),
        ({"inf_fact": "1.04"}, "inf_fact"),
        ({"rotate": 1}, "rotate"),
        ({"rotate": "true"}, "rotate"),
        ({"r": 2}, "r"),
        ({"inflation": 1.04}, "inflation"),
        ({"rotate\0": True}, "rotate\\x00"),
    ],
)
def test_bad_parameters(with_params: Resolved, params: dict[str, Any], key: str) -> None:
    assert refused_fields(with_params, "enkf", params) == {f"methods.0.params.{key}"}


@pytest.mark.parametrize("params", [None, [], "r", 3])
def test_params_must_be_an_object(with_params: Resolved, params: object) -> None:
    assert refused_fields(with_params, "enkf", params) == {"methods.0.params"}


def test_inflation_of_the_run_reaches_those_that_inherit_it(with_params: Resolved) -> None:
    def inflation(name: str, params: dict[str, Any]) -> object:
        return with_params(name, params, inf_fact=1.2).methods[0].params.get("inf_fact")

    assert inflation("enkf", {}) == 1.2
    assert inflation("enkf", {"inf_fact": 1.5}) == 1.5
    assert inflation("adaptive", {}) == 1.0
    assert inflation("free-run", {}) is None


# ---------------------------------------------------------------- what would do nothing


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ({"relaxation": 0.4}, "relaxation"),
        ({"relaxation": 0.4, "scheme": "plain"}, "relaxation"),
        ({"relaxation": 2, "scheme": "relaxed"}, "relaxation"),
        ({"scheme": "other"}, "scheme"),
    ],
)
def test_a_parameter_that_would_do_nothing_is_refused(
    with_params: Resolved, params: dict[str, Any], key: str
) -> None:
    assert refused_fields(with_params, "adaptive", params) == {f"methods.0.params.{key}"}


def test_a_parameter_is_there_only_where_it_does_something(with_params: Resolved) -> None:
    def params(**sent: Any) -> set[str]:
        return set(with_params("adaptive", sent).methods[0].params)

    assert params(relaxation=0.5) == {"inf_fact", "lag", "scheme"}
    assert params(scheme="other-scheme", relaxation=0.5) == {"inf_fact", "lag", "scheme"}
    assert params(scheme="relaxed") == {"inf_fact", "lag", "scheme", "relaxation"}


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"obs_error_dof": 4.0}, "obs_error_dof"),
        ({"obs_error_dof": 4.0, "obs_error": "laplace"}, "obs_error_dof"),
        ({"obs_error_correlation": 1.0, "obs_error": "student"}, "obs_error_correlation"),
        ({"initial_std": 0.5}, "initial_std"),
        ({"std_obs": 0.01, "std_obs_sites": [1.0] * 40}, "std_obs"),
    ],
)
def test_a_field_that_would_do_nothing_is_refused(
    resolved: Resolved, fields: dict[str, Any], refused: str
) -> None:
    assert refused_fields(resolved, **fields) == {refused}


def test_what_a_method_cannot_take_into_account_it_refuses(with_params: Resolved) -> None:
    for fields in ({"obs_error_correlation": 1.0}, {"obs_operator": "square"}):
        assert refused_fields(with_params, "adaptive", {}, **fields) == set(fields)
        with_params("enkf", {}, **fields)


def test_a_deviation_for_each_site_stands_for_std_obs(resolved: Resolved) -> None:
    deviations = [0.1 * (i + 1) for i in range(40)]
    request = resolved(std_obs_sites=deviations).request()
    assert request["std_obs_sites"] == deviations
    assert "std_obs" not in request
    assert refused_fields(resolved, std_obs_sites=[1.0] * 39 + [0.0]) == {"std_obs_sites.39"}


def test_the_forecast_has_the_forcing_of_the_truth_unless_told(resolved: Resolved) -> None:
    assert resolved(lorenz96_F=7).forecast_F == 7.0
    assert resolved(forecast_F=7).forecast_F == 7.0
    assert resolved(forecast_F=7).lorenz96_F == 8.0


# ---------------------------------------------------------------- radius and taper


@pytest.mark.parametrize(
    ("params", "n"),
    [
        ({"r": "a"}, 40),
        ({"r": -1}, 40),
        ({"r": 0}, 40),
        ({"r": 1.5}, 40),
        ({"r": 20}, 40),
        ({"r": 20, "taper": "box"}, 40),
        ({"r": 3}, 6),
        ({"r": 40.5, "taper": "gaspari-cohn"}, 40),
        ({"r": 41, "taper": "gaussian"}, 40),
        ({"r": 41, "taper": "step"}, 40),
        ({"r": NAN, "taper": "exponential"}, 40),
        ({"r": 2, "taper": "none"}, 40),
        ({"r": 10**400}, 40),
    ],
)
def test_radii_that_the_taper_does_not_allow(
    with_params: Resolved, params: dict[str, Any], n: int
) -> None:
    assert refused_fields(with_params, "letkf", params, lorenz96_n=n) == {"methods.0.params.r"}


@pytest.mark.parametrize(
    ("params", "n", "radius"),
    [
        ({"r": 19}, 40, 19.0),
        ({"r": 20}, 41, 20.0),
        ({"r": 3.0}, 40, 3.0),
        ({"r": 1.5, "taper": "gaspari-cohn"}, 40, 1.5),
        ({"r": 40, "taper": "gaussian"}, 40, 40.0),
        ({"taper": "none"}, 40, None),
        ({}, 4, 1.0),
        ({"r": 2, "taper": "box"}, 4, 1.0),
        ({"r": 2, "taper": "gaussian"}, 4, 2.0),
    ],
)
def test_radii_that_it_allows(
    with_params: Resolved, params: dict[str, Any], n: int, radius: float | None
) -> None:
    assert with_params("letkf", params, lorenz96_n=n).methods[0].params.get("r") == radius


@pytest.mark.parametrize("n", [4, 5, 40])
def test_sending_the_defaults_back_changes_nothing(
    methods: Methods, with_params: Resolved, n: int
) -> None:
    for method in methods.values():
        defaults = {
            p.name: p.default
            for p in method.parameters
            if p.default is not None and p.name != "inf_fact"
        }
        plain = with_params(method.name, {}, lorenz96_n=n)
        assert with_params(method.name, defaults, lorenz96_n=n) == plain


# ---------------------------------------------------------------- sites and times


def test_explicit_sites_exclude_m_and_the_network(resolved: Resolved) -> None:
    experiment = resolved(obs_sites=[3, 1, 7])
    assert (experiment.obs_sites, experiment.m, experiment.obs_network) == ((3, 1, 7), 3, None)
    assert refused_fields(resolved, obs_sites=[1], m=1, obs_network="fixed") == {"m", "obs_network"}


@pytest.mark.parametrize(
    ("sites", "field"),
    [
        ([0, 40], "obs_sites.1"),
        ([0, -1], "obs_sites.1"),
        ([0, 1, 0], "obs_sites.2"),
        ([0, 1.5], "obs_sites.1"),
        ([True], "obs_sites.0"),
        ([None], "obs_sites.0"),
        ([10**400], "obs_sites.0"),
    ],
)
def test_sites_must_be_distinct_and_on_the_ring(
    resolved: Resolved, sites: list[Any], field: str
) -> None:
    assert refused_fields(resolved, obs_sites=sites) == {field}


def test_m_is_by_default_at_most_the_ring(resolved: Resolved) -> None:
    assert resolved(lorenz96_n=10).m == 10
    assert resolved(lorenz96_n=1000).m == 32


@pytest.mark.parametrize(
    ("obs_freq", "step", "count"),
    [(0.1, 0.05, 2), (0.05, 0.05, 1), (0.15, 0.05, 3), (0.07, 0.035, 2), (0.01, 0.01, 1)],
)
def test_the_largest_step_divides_the_interval(
    resolved: Resolved, obs_freq: float, step: float, count: int
) -> None:
    assert largest_step(obs_freq) == pytest.approx(step, rel=1e-12)
    assert resolved(obs_freq=obs_freq).substeps == count


@pytest.mark.parametrize("dt", [0.1, 0.02, 0.1 / 3, 0.0333333333, 0.01])
def test_a_step_that_divides_within_a_billionth(resolved: Resolved, dt: float) -> None:
    assert resolved(dt=dt).dt == dt


# ---------------------------------------------------------------- hostile


HUGE = [
    {"lorenz96_n": 10**9},
    {"lorenz96_n": 2**31},
    {"lorenz96_n": 2**31 - 1, "ensemble_size": 2**31 - 1, "replicates": 10_000},
    {"lorenz96_n": 2**32, "ensemble_size": 2**32},
    {"end_time": 1e8},
    {"end_time": 1e11},
    {"end_time": 1e308, "obs_freq": 5e-324},
    {"obs_freq": 1e9, "dt": 1e-3, "end_time": 1e12},
    {"replicates": 10_000, "ensemble_size": 100_000},
    {"ensemble_size": int("9" * 4000)},
    {"obs_sites": list(range(300_000))},
    {f"k{i}": i for i in range(100_000)},
    {"methods": [{"k" * 1000: 1} for _ in range(100)]},
    {"methods": [{"id": "a", "name": "enkf", "params": {f"k{i}": 1 for i in range(100_000)}}]},
]


@pytest.mark.parametrize("fields", HUGE, ids=lambda fields: str(fields)[:40])
def test_hostile_sizes_are_refused_quickly(resolved: Resolved, fields: dict[str, Any]) -> None:
    seconds = []
    for _ in range(3):
        began = time.process_time()  # of this process alone: others may be at work
        with pytest.raises(InvalidRequest) as caught:
            resolved(**fields)
        seconds.append(time.process_time() - began)
    assert min(seconds) < 0.05
    assert 1 <= len(caught.value.problems) <= PROBLEM_LIMIT
    # names may be long, the answer is not
    assert sum(len(p.field) + len(p.message) for p in caught.value.problems) < 30_000


def test_unknown_keys_come_back_fit_for_json_and_headers(resolved: Resolved) -> None:
    fields = refused_fields(resolved, **{"\ud800": 1, "<b>\0\n": 2, "é" * 100: 3})
    assert json.dumps(sorted(fields)).isascii()
    assert all(field.isascii() and field.isprintable() for field in fields)


def test_every_field_has_what_a_form_needs() -> None:
    names = [field.name for field in RUN_FIELDS]
    assert len(names) == len(set(names))
    assert all(field.label and field.help for field in RUN_FIELDS)


def test_a_nature_is_the_experiment_without_its_methods(resolved: Resolved) -> None:
    fields = {"seed": 5, "end_time": 3.0, "obs_sites": [4, 2]}
    nature, whole = resolve_nature(fields, limits=Limits()), resolved(**fields)
    assert nature == replace(whole, methods=())
    assert 0 < estimate(nature).bytes < estimate(whole).bytes
    assert 0 < estimate(nature).operations < estimate(whole).operations


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"dt": 0.03}, {"seed", "dt"}),
        ({"seed": 1, "methods": [ONE]}, {"methods"}),
        ({"seed": 1, "sed": 1}, {"sed"}),
        ([], {"body"}),
        (
            {"seed": 1, "ensemble_size": 10**6, "lorenz96_n": 10**4, "end_time": 0.1},
            {"replicates", "ensemble_size", "lorenz96_n", "m", "precision"},
        ),
    ],
)
def test_what_a_nature_refuses(body: Any, refused: set[str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve_nature(body, limits=Limits(max_operations=1e30))
    assert {problem.field for problem in caught.value.problems} == refused
