"""What is too costly is refused by the names of every factor; what people want to run is not."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from learnda.cost import Limits, admit, estimate
from learnda.experiment import Experiment
from learnda.validation import InvalidRequest

Resolved = Callable[..., Experiment]


def refusal(resolved: Resolved, **fields: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        resolved(**fields)
    return {problem.field: problem.message for problem in caught.value.problems}


def test_memory_names_every_factor(resolved: Resolved) -> None:
    named = refusal(resolved, ensemble_size=10**6, lorenz96_n=10**4, obs_freq=10)
    assert {"ensemble_size", "lorenz96_n", "m", "replicates", "precision", "methods"} <= set(named)
    assert "bytes of memory" in named["precision"]


def test_explicit_sites_stand_for_m(resolved: Resolved) -> None:
    named = refusal(resolved, ensemble_size=10**6, lorenz96_n=10**4, obs_sites=[1, 2])
    assert "obs_sites" in named
    assert "m" not in named


def test_rows_name_every_factor(resolved: Resolved) -> None:
    named = refusal(resolved, end_time=1e6, lorenz96_n=4, ensemble_size=2)
    assert set(named) == {"methods", "replicates", "end_time", "obs_freq"}
    assert "rows" in named["end_time"]


def test_operations_name_every_factor(resolved: Resolved) -> None:
    named = refusal(resolved, obs_freq=1e4, end_time=1e6, dt=1e-4)
    assert {"dt", "end_time", "obs_freq", "ensemble_size", "lorenz96_n", "replicates"} <= set(named)
    assert "operations" in named["dt"]


def test_a_cycle_that_nothing_could_stop_is_refused(resolved: Resolved) -> None:
    """A hundred million steps between two analyses would hold a worker for minutes."""
    named = refusal(resolved, end_time=1.0, dt=1e-9)
    assert {"dt", "obs_freq", "ensemble_size", "lorenz96_n"} <= set(named)
    assert "in one cycle" in named["dt"]
    whole = resolved(end_time=1.0, dt=1e-6)
    assert 0 < estimate(whole).unbroken < estimate(whole).operations / 9
    patient = Limits(max_operations=1e16)
    assert patient.max_unbroken > Limits().max_unbroken > Limits(max_operations=1).max_unbroken


def test_instances_of_one_method_are_one_call(resolved: Resolved) -> None:
    """All of them are computed before anybody looks whether the run is cancelled."""

    def unbroken(*names: str) -> float:
        methods = [{"id": str(k), "name": name, "params": {}} for k, name in enumerate(names)]
        return estimate(resolved(methods=methods)).unbroken

    assert unbroken("enkf", "enkf", "enkf") == pytest.approx(3 * unbroken("enkf"))
    assert unbroken("enkf", "letkf") == max(unbroken("enkf"), unbroken("letkf"))


@pytest.mark.parametrize(
    "fields",
    [
        {"replicates": 10, "ensemble_size": 400, "m": 40, "obs_freq": 0.05, "end_time": 70},
        {"replicates": 10, "ensemble_size": 400, "obs_freq": 0.4, "dt": 0.01, "end_time": 560},
        {"lorenz96_n": 10**4, "ensemble_size": 10**3},
        {"lorenz96_n": 10**4, "ensemble_size": 10**3, "m": 10**4},
        {"lorenz96_n": 10**5, "ensemble_size": 10**2},
        {"lorenz96_n": 40, "ensemble_size": 10**5},
        {"lorenz96_n": 10**6, "ensemble_size": 20, "precision": "float32", "end_time": 1},
        {"obs_freq": 0.05, "end_time": 2000, "replicates": 10},
        {"replicates": 10_000},
    ],
)
def test_the_defaults_accept_what_people_run(resolved: Resolved, fields: dict[str, Any]) -> None:
    for name in ("letkf", "enkf"):
        method = {"id": "a", "name": name, "params": {}}
        assert estimate(resolved(**fields, methods=[method])).rows > 0


def test_cost_grows_with_each_factor(resolved: Resolved) -> None:
    base = estimate(resolved())
    for fields in (
        {"replicates": 2},
        {"ensemble_size": 40},
        {"lorenz96_n": 80},
    ):
        larger = estimate(resolved(**fields))
        assert larger.operations > 1.5 * base.operations
        assert larger.bytes > base.bytes
    assert estimate(resolved(end_time=20)).rows == 201
    assert estimate(resolved(precision="float32")).bytes < base.bytes


def test_nothing_is_allocated_to_find_out(resolved: Resolved) -> None:
    refusal(resolved, lorenz96_n=10**9, ensemble_size=10**6)
    tracemalloc.start()
    refusal(resolved, lorenz96_n=10**9, ensemble_size=10**6)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000


def test_limits_come_from_the_environment(resolved: Resolved) -> None:
    limits = Limits.from_environment(
        {"LEARNDA_MAX_ROWS": "100", "LEARNDA_MAX_OPERATIONS": "1e12", "LEARNDA_MAX_BYTES": "2e9"}
    )
    assert limits == Limits(max_rows=100, max_operations=1e12, max_bytes=2 * 10**9)
    with pytest.raises(InvalidRequest):
        admit(resolved(), limits)
    assert Limits.from_environment({}) == Limits()


@pytest.mark.parametrize("value", ["0", "-1", "many", "nan", "inf", ""])
def test_a_bad_limit_names_its_setting(value: str) -> None:
    with pytest.raises(ValueError, match="LEARNDA_MAX_BYTES"):
        Limits.from_environment({"LEARNDA_MAX_BYTES": value})
