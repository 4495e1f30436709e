"""What a run promises: fairness, repeatable bits, chunks and interruptions that change nothing."""

from __future__ import annotations

import io

import numpy as np
import pytest
from experiments import STANDARD, checkpoints, completed, experiment, run, series

from compute import twin_run
from compute.diagnosis import SERIES
from compute.engine import Engine
from compute.events import MethodStarted, Progress, RunCompleted, RunStarted

LETKF = ("letkf", {"r": 2})
ENKF = ("enkf", {})


def everything(events, method_id):
    return np.stack([series(events, method_id, name) for name in SERIES])


def test_events_come_in_order_and_cover_every_step(engine):
    events = [e for e in run(engine, experiment(ENKF, LETKF)) if type(e).__name__ != "Compiling"]
    assert events[0] == RunStarted(101, 0)
    assert isinstance(events[-1], RunCompleted)
    assert [e.method_id for e in events if isinstance(e, MethodStarted)] == ["m0", "m1"]
    for method_id in ("m0", "m1"):
        assert everything(events, method_id).shape == (len(SERIES), 1, 101)
        for name in SERIES:
            weighted = name == "effective_sample_size"  # these two filters have no weights
            assert np.isfinite(series(events, method_id, name)).all() != weighted
            assert np.isnan(series(events, method_id, name)).all() == weighted
    times = np.concatenate([e.t for e in events if isinstance(e, Progress) and e.method_id == "m0"])
    np.testing.assert_allclose(times, np.arange(101) * 0.1)


@pytest.mark.parametrize("seed", [0, 1, 2**53 - 1])
def test_the_seed_example_holds_with_letkf_and_loses_the_truth_with_enkf(engine, seed):
    events = run(engine, experiment(ENKF, LETKF, seed=seed))
    lost, held = completed(events, "m0"), completed(events, "m1")
    assert lost.status == "diverged"
    assert lost.diverged_step is not None
    assert held.status == "completed"
    assert held.diverged_step is None
    assert series(events, "m1", "error_a")[0, -50:].mean() < 0.002


def test_two_instances_of_one_method_are_identical_to_the_bit(engine):
    events = run(engine, experiment(ENKF, LETKF, ENKF, end_time=5))
    np.testing.assert_array_equal(everything(events, "m0"), everything(events, "m2"))


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(engine):
    first, again, other = (
        everything(run(engine, experiment(LETKF, end_time=3, seed=s)), "m0") for s in (5, 5, 6)
    )
    np.testing.assert_array_equal(first, again)
    assert np.nanmax(np.abs(first - other)) > 1e-3


def test_a_method_does_not_depend_on_the_others(engine):
    alone = run(engine, experiment(LETKF, end_time=3))
    beside = run(engine, experiment(ENKF, LETKF, end_time=3))
    np.testing.assert_array_equal(everything(alone, "m0"), everything(beside, "m1"))


def test_every_method_meets_the_same_background_at_first(engine):
    events = run(engine, experiment(ENKF, ("etkf", {}), LETKF, end_time=1))
    first = [series(events, f"m{i}", "rmse_background")[0, 0] for i in range(3)]
    assert first[0] == first[1] == first[2]


@pytest.mark.parametrize("chunk", [1, 3, 50])
def test_the_cutting_into_chunks_changes_no_bit(engine, monkeypatch, chunk):
    asked = experiment(ENKF, LETKF, end_time=4, replicates=3)
    usual = run(engine, asked)
    monkeypatch.setattr(twin_run, "FIRST_CHUNK", chunk)
    monkeypatch.setattr(twin_run, "next_count", lambda *_: chunk)
    cut = run(engine, asked)
    assert len(cut) != len(usual)
    for method_id in ("m0", "m1"):
        np.testing.assert_array_equal(everything(usual, method_id), everything(cut, method_id))
        assert completed(usual, method_id).metrics == completed(cut, method_id).metrics


def test_a_run_goes_on_from_any_checkpoint_with_the_same_bits(engine):
    # three rounds, however fast: 4 cycles, at most 32 times as many, the rest
    asked = experiment(("enkf", {"rotate": True}), LETKF, end_time=20, replicates=2)
    whole = run(engine, asked, checkpoint_interval=1e-9)
    kept = checkpoints(whole)
    assert len(kept) >= 2
    for checkpoint in (kept[0], kept[-1]):
        rest = run(engine, asked, resume_from=checkpoint.data)
        assert rest[0] == RunStarted(201, checkpoint.step)
        for method_id in ("m0", "m1"):
            expected = everything(whole, method_id)[..., checkpoint.step :]
            np.testing.assert_array_equal(everything(rest, method_id), expected)
            assert completed(rest, method_id).metrics == completed(whole, method_id).metrics


def test_a_checkpoint_of_another_experiment_is_refused(engine):
    (kept, *_) = checkpoints(run(engine, experiment(LETKF), checkpoint_interval=1e-9))
    with pytest.raises(ValueError, match="checkpoint"):
        run(engine, experiment(LETKF, ensemble_size=10), resume_from=kept.data)
    with pytest.raises(ValueError, match="checkpoint"):
        run(engine, experiment(LETKF), resume_from=b"junk")
    with pytest.raises(ValueError, match="checkpoint"):
        run(engine, experiment(LETKF), resume_from=_zip_bomb())


def _zip_bomb():
    buffer = io.BytesIO()
    np.savez_compressed(buffer, step=np.int64(0), truth=np.zeros(10_000_000))
    return buffer.getvalue()


def test_inflation_acts_on_what_is_forecast(engine):
    """A spread measured after inflation and a background that has grown with it."""
    plain, inflated = (
        run(engine, experiment(("etkf", {"inf_fact": f}), **STANDARD, end_time=0.05))
        for f in (1.0, 1.5)
    )
    a, b = (series(events, "m0", "spread_analysis")[0] for events in (plain, inflated))
    assert b[0] == pytest.approx(1.5 * a[0])
    a, b = (series(events, "m0", "spread_background")[0] for events in (plain, inflated))
    assert a[0] == b[0]
    assert b[1] > 1.3 * a[1]


@pytest.mark.parametrize(
    ("network", "m"), [("random", 1), ("random", 17), ("fixed", 17), ("regular", 17), ("fixed", 40)]
)
def test_every_network_observes_m_sites(engine, network, m):
    events = run(engine, experiment(LETKF, m=m, obs_network=network, end_time=0.5))
    errors = series(events, "m0", "rmse_analysis")
    assert np.isfinite(errors).all()


def test_explicit_sites_are_those_of_the_regular_network(engine):
    sites = list(range(0, 40, 2))
    named = run(engine, experiment(LETKF, obs_sites=sites, end_time=1))
    regular = run(engine, experiment(LETKF, m=20, obs_network="regular", end_time=1))
    np.testing.assert_array_equal(everything(named, "m0"), everything(regular, "m0"))


def test_a_perturbed_truth_starts_as_far_as_it_says(engine):
    asked = experiment(LETKF, **STANDARD, initial_std=0.3, ensemble_size=200, end_time=0.05)
    events = run(engine, asked)
    assert series(events, "m0", "spread_background")[0, 0] == pytest.approx(0.3, rel=0.05)


def test_scores_are_those_of_the_series(engine):
    events = run(engine, experiment(LETKF, replicates=3, burn_in=2.0))
    metrics = completed(events).metrics
    error_a, error_b = (series(events, "m0", n).mean(0) for n in ("error_a", "error_b"))
    assert metrics["final"] == pytest.approx(error_a[-1])
    assert metrics["mean"] == pytest.approx(error_a.mean())
    assert metrics["min"] == pytest.approx(error_a.min())
    assert metrics["rmse_a"] == pytest.approx(np.sqrt((error_a**2).mean()))
    assert metrics["rmse_b"] == pytest.approx(np.sqrt((error_b**2).mean()))
    assert metrics["background_final"] == pytest.approx(error_b[-1])
    assert metrics["background_mean"] == pytest.approx(error_b.mean())
    assert metrics["background_min"] == pytest.approx(error_b.min())
    assert metrics["cycles_scored"] == 81
    for name in ("rmse_analysis", "rmse_background", "spread_analysis", "spread_background"):
        assert metrics[name] == pytest.approx(series(events, "m0", name)[:, 20:].mean())


def test_a_burn_in_that_leaves_no_cycle_is_warned_of(engine):
    """Nothing else would say why there are no scores."""
    warned = {}
    for burn_in in (1.0, 1.05):
        events = run(engine, experiment(LETKF, end_time=1.0, burn_in=burn_in))
        warned[completed(events).metrics["cycles_scored"]] = events[-1].warnings
    assert warned[1] == ()
    assert "burn_in" in warned[0][0]


def test_a_band_is_told_of_replicates_and_of_them_alone(engine):
    events = run(engine, experiment(LETKF, end_time=2.0, replicates=6))
    chunks = [e for e in events if isinstance(e, Progress)]
    for name in ("rmse_analysis", "spread_analysis"):
        low, high = (
            np.concatenate([getattr(c, end)[name] for c in chunks]) for end in ("low", "high")
        )
        found = series(events, "m0", name)
        np.testing.assert_allclose(low, np.quantile(found, 0.16, axis=0))
        np.testing.assert_allclose(high, np.quantile(found, 0.84, axis=0))
    alone = run(engine, experiment(LETKF, end_time=0.3))
    assert all(not e.low and not e.high for e in alone if isinstance(e, Progress))


def test_a_filter_that_becomes_non_finite_diverges_alone(engine):
    """Absurd inflation blows up the free part of the model; the other method goes on."""
    explosive = ("etkf", {"inf_fact": 100.0})
    events = run(engine, experiment(explosive, LETKF, m=1, std_obs=5.0, replicates=2))
    blown = completed(events, "m0")
    assert blown.status == "diverged"
    assert blown.metrics["diverged_replicates"] == 2
    errors = series(events, "m0", "rmse_analysis")
    gone = np.isnan(errors)
    assert gone[:, -1].all()
    assert blown.diverged_step == min(int(np.argmax(row)) for row in gone)
    for row in gone:
        assert row[np.argmax(row) :].all()
    assert np.isfinite(series(events, "m1", "rmse_analysis")).all()


def test_a_truth_that_blows_up_is_told(engine):
    events = run(engine, experiment(LETKF, lorenz96_F=900.0, end_time=2.0))
    assert "dt" in events[-1].warnings[0]
    assert completed(events).status == "diverged"


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_both_precisions_hold_the_truth(engine, precision):
    events = run(engine, experiment(LETKF, precision=precision))
    assert completed(events).status == "completed"
    assert series(events, "m0", "error_a")[0, -50:].mean() < 0.002


def test_values_compile_nothing():
    """Forcing, noise, inflation, seed, steps and a radius within its window are values."""
    with Engine() as engine:

        def ask(r: float, **fields: object) -> None:
            method = ("letkf", {"r": r, "taper": "gaspari-cohn"})
            run(engine, experiment(method, end_time=0.4, **fields))

        ask(2.0)
        before = engine.compile_count
        ask(2.1, lorenz96_F=7.0, std_obs=0.3, inf_fact=1.2, seed=9)
        ask(2.0, dt=0.01, obs_freq=0.2, burn_in=0.2)
        assert engine.compile_count == before
        ask(2.0, lorenz96_n=41)
        assert engine.compile_count > before


def test_programs_are_bounded():
    with Engine(program_limit=5) as engine:
        for members in (3, 4, 5):
            run(engine, experiment(("enkf", {}), ensemble_size=members, end_time=0.2))
        assert len(engine.programs()) <= 5
