"""Every method in a whole experiment: it runs, resumes to the bit, and feels what it is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from experiments import checkpoints, completed, experiment, run, series

from compute.diagnosis import SERIES
from compute.engine import Engine
from compute.events import MethodCompleted
from compute.registry import METHODS

SMALL: dict[str, Any] = {
    "lorenz96_n": 12,
    "m": 7,
    "ensemble_size": 6,
    "std_obs": 1.0,
    "obs_freq": 0.1,
    "end_time": 2.0,
    "replicates": 2,
    "initial": "perturbed-truth",
    "forecast_leads": 3,
}
LETKF = ("letkf", {"r": 2})
THREEDVAR = ("3dvar", {})


def everything(events: list[Any]) -> np.ndarray:
    return np.stack([series(events, "m0", name) for name in SERIES])


def same(a: MethodCompleted, b: MethodCompleted) -> bool:
    mine, other = a.diagnostics, b.diagnostics
    return a.metrics == b.metrics and all(
        np.array_equal(getattr(mine, name), getattr(other, name), equal_nan=True)
        for name in mine.__dataclass_fields__
    )


@pytest.mark.parametrize("name", METHODS)
def test_every_method_runs_and_resumes_with_the_same_bits(engine: Engine, name: str) -> None:
    asked = experiment((name, {}), **SMALL)
    whole = run(engine, asked, checkpoint_interval=1e-9)
    found = everything(whole)
    for series_name in ("rmse_analysis", "rmse_background", "spread_analysis", "crps_analysis"):
        assert np.isfinite(series(whole, "m0", series_name)).all()
    kept = checkpoints(whole)[0]
    rest = run(engine, asked, resume_from=kept.data)
    np.testing.assert_array_equal(everything(rest), found[..., kept.step :])
    assert same(completed(rest), completed(whole))
    ranks = completed(whole).diagnostics.rank_histogram
    assert ranks.sum() == (12 * 21 * 2 if METHODS[name].declaration.has_members else 0)


@pytest.mark.parametrize("first", range(4))
def test_every_method_takes_operators_that_are_not_linear_or_refuses(
    engine: Engine, first: int
) -> None:
    """Each method with one of them: what is observed reaches all methods the same way."""
    operator = ("square", "absolute", "log", "saturating")[first]
    able = [n for n, m in METHODS.items() if "obs_operator" not in m.declaration.refuses][first::4]
    asked = experiment(
        *[(name, {}) for name in able], **{**SMALL, "end_time": 0.2}, obs_operator=operator
    )
    events = run(engine, asked)
    for i, name in enumerate(able):
        assert np.isfinite(series(events, f"m{i}", "rmse_analysis")).all(), name


def test_observations_help_whatever_is_observed(engine: Engine) -> None:
    """A filter with members enough is better than the free run under each operator."""
    for operator, std in (("square", 5.0), ("log", 0.1), ("saturating", 0.5)):
        asked = experiment(
            ("letkf", {"r": 3, "taper": "gaspari-cohn", "inf_fact": 1.05}),
            ("free-run", {}),
            **{**SMALL, "m": 12, "ensemble_size": 30, "end_time": 10.0, "std_obs": std},
            obs_operator=operator,
        )
        events = run(engine, asked)
        held, free = (completed(events, m).metrics["rmse_analysis"] for m in ("m0", "m1"))
        assert held < 0.5 * free


@pytest.mark.parametrize(
    "fields",
    [
        {"obs_error": "laplace"},
        {"obs_error": "student", "obs_error_dof": 3.0},
        {"obs_error_correlation": 2.0},
        {"std_obs_sites": [0.5 + 0.1 * i for i in range(12)]},
        {"truth_noise": 0.5},
        {"forecast_noise": 0.5},
        {"forecast_F": 9.0},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_every_field_of_nature_and_model_changes_the_numbers(
    engine: Engine, fields: dict[str, Any]
) -> None:
    small = {k: v for k, v in SMALL.items() if not ("std_obs_sites" in fields and k == "std_obs")}
    method = ("etkf", {"inf_fact": 1.1})
    plain = series(run(engine, experiment(method, **SMALL)), "m0", "rmse_analysis")
    found = series(run(engine, experiment(method, **small, **fields)), "m0", "rmse_analysis")
    assert np.isfinite(found).all()
    assert np.abs(found - plain).max() > 1e-3


def test_the_forecasts_forcing_leaves_the_truth_alone(engine: Engine) -> None:
    def truth_says(**fields: Any) -> np.ndarray:
        events = run(engine, experiment(("persistence", {}), **SMALL, **fields))
        return series(events, "m0", "rmse_analysis")

    plain = truth_says()
    np.testing.assert_array_equal(truth_says(forecast_F=9.0), plain)
    np.testing.assert_array_equal(truth_says(forecast_noise=0.5), plain)
    assert np.abs(truth_says(truth_noise=0.5) - plain).max() > 1e-3


def test_known_stochastic_forcing_makes_spread(engine: Engine) -> None:
    def spread(**fields: Any) -> float:
        events = run(engine, experiment(("etkf", {"inf_fact": 1.0}), **SMALL, **fields))
        return float(series(events, "m0", "spread_background")[:, 5:].mean())

    assert spread(forecast_noise=2.0) > 1.3 * spread()


def test_the_error_of_lead_1_is_the_backgrounds_where_the_mean_is_what_is_forecast(
    engine: Engine,
) -> None:
    events = run(engine, experiment(THREEDVAR, **SMALL))
    background = series(events, "m0", "rmse_background")[:, 1:]
    leads = completed(events).diagnostics.lead_rmse
    assert leads[0] == pytest.approx(background.mean())
    assert leads.shape == (3,)
    assert (np.diff(leads) > 0).all()


def test_recording_leads_changes_no_other_number(engine: Engine) -> None:
    with_leads = run(engine, experiment(LETKF, **SMALL))
    without = run(engine, experiment(LETKF, **{**SMALL, "forecast_leads": 0}))
    np.testing.assert_allclose(everything(with_leads), everything(without), rtol=1e-9)
    assert completed(without).diagnostics.lead_rmse.size == 0


def test_ranks_and_bins_are_of_scored_cycles_only(engine: Engine) -> None:
    events = run(engine, experiment(LETKF, **SMALL, burn_in=1.05))
    found = completed(events)
    assert found.metrics["cycles_scored"] == 10
    assert found.diagnostics.rank_histogram.sum() == 12 * 10 * 2
    assert found.diagnostics.spread_counts.sum() == 12 * 10 * 2


def test_spread_skill_is_what_the_series_say(engine: Engine) -> None:
    events = run(engine, experiment(LETKF, **SMALL))
    variance = (series(events, "m0", "spread_background") ** 2).mean()
    error = (series(events, "m0", "rmse_background") ** 2).mean()
    expected = np.sqrt(variance * 7 / 6 / error)
    assert completed(events).metrics["spread_skill"] == pytest.approx(expected)


def test_baselines_are_never_lost(engine: Engine) -> None:
    names = [name for name in METHODS if METHODS[name].declaration.baseline]
    assert {"free-run", "climatology", "persistence", "optimal-interpolation", "3dvar"} <= set(
        names
    )
    events = run(engine, experiment(*[(name, {}) for name in names], **{**SMALL, "end_time": 20.0}))
    for i in range(len(names)):
        assert completed(events, f"m{i}").status == "completed"


def test_128_replicates_do_not_hang(engine: Engine) -> None:
    """Independent batches of matrices in one program once waited for each other for ever."""
    asked = experiment(("etkf", {"rotate": True}), **{**SMALL, "replicates": 130, "end_time": 0.5})
    assert completed(run(engine, asked)).status in ("completed", "diverged")


@pytest.mark.parametrize("name", ["enkf", "etkf", "estkf", "enkf-n", "denkf"])
@pytest.mark.parametrize("members", [5, 9])
def test_consistency_is_the_same_whoever_computes_it(
    engine: Engine, name: str, members: int
) -> None:
    """Filters that have a factor at hand use it; the first background is the same for all."""
    asked = experiment((name, {}), **{**SMALL, "end_time": 0.1, "ensemble_size": members})
    reference = experiment(("free-run", {}), **{**SMALL, "end_time": 0.1, "ensemble_size": members})
    found, plain = (
        series(run(engine, e), "m0", "innovation_consistency")[:, 0] for e in (asked, reference)
    )
    np.testing.assert_allclose(found, plain)
