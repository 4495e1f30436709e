"""How seconds follow from history."""

from __future__ import annotations

import random

import pytest

from gateway.throughput import (
    DEFAULT_OVERHEAD,
    DEFAULT_RATE,
    NEAREST,
    TINY,
    Done,
    Work,
    forecast,
)

ASKED = Work(1e12, 100, {"etkf"})


def done(operations: float, rate: float, *, name: str = "etkf", extra: float = 0.0) -> Done:
    """A run of a hundred steps at this rate, and some seconds more."""
    return Done(Work(operations, 100, {name}), operations / rate + extra)


def test_without_history_it_is_a_usual_machine() -> None:
    found = forecast(ASKED, [])
    assert found.basis == "default"
    assert found.seconds == pytest.approx(DEFAULT_OVERHEAD + 1e12 / DEFAULT_RATE)


def test_seconds_follow_the_rate_of_history() -> None:
    for rate in (1e8, 1e9, 3e11):
        found = forecast(ASKED, [done(1e10 * (1 + k), rate) for k in range(9)])
        assert found.basis == "history"
        assert found.seconds == pytest.approx(DEFAULT_OVERHEAD + 1e12 / rate)


def test_a_run_that_was_disturbed_changes_nothing() -> None:
    steady = [done(1e10, 1e9) for _ in range(NEAREST)]
    odd = [done(1e10, 1e3), done(1e10, 1e15)]
    assert forecast(ASKED, steady + odd) == forecast(ASKED, steady)


def test_runs_of_the_same_methods_count_first() -> None:
    alike = [done(1e10, 1e9) for _ in range(3)]
    others = [done(1e10, 1e6, name="letkf") for _ in range(20)]
    history = alike + others
    random.Random(1).shuffle(history)
    assert forecast(ASKED, history).seconds == pytest.approx(DEFAULT_OVERHEAD + 1e3)
    assert forecast(Work(1e12, 100, {"letkf"}), history).seconds == pytest.approx(1e6, rel=1e-3)


def test_runs_of_the_same_size_count_first() -> None:
    history = [done(10.0**k, 10.0 ** (k - 3)) for k in (9, 10, 11, 12, 13) for _ in range(NEAREST)]
    for k in (9, 11, 13):
        work = Work(10.0**k, 100, {"etkf"})
        assert forecast(work, history).seconds == pytest.approx(DEFAULT_OVERHEAD + 1e3)


def test_tiny_runs_tell_the_overhead_and_nothing_else() -> None:
    large = [done(1e10, 1e9) for _ in range(3)]
    tiny = [done(TINY / 1e6, 1e9, extra=extra) for extra in (0.2, 0.3, 7.0)]
    assert forecast(ASKED, large + tiny).seconds == pytest.approx(0.3 + 1e3)


def test_tiny_runs_are_better_than_none() -> None:
    tiny = [done(TINY / 10, 1e9, extra=0.1)]
    found = forecast(Work(TINY / 10, 100, {"etkf"}), tiny)
    assert found.seconds == pytest.approx(tiny[0].seconds)
    assert found.basis == "history"
