"""One device, many runs: turns, cancelling, slow readers, failures that stay where they belong."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time

import jax
import numpy as np
import pytest
from experiments import completed, experiment, run

from compute import engine as engine_module
from compute.device import wait
from compute.engine import Engine
from compute.events import Progress, RunCompleted
from compute.programs import Recipe

LONG = {"end_time": 20_000.0, "obs_freq": 0.1}


def wait_until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def test_runs_take_turns(engine):
    """A short run submitted behind a long one ends long before it."""
    run(engine, experiment(("enkf", {}), end_time=0.2))
    long = engine.submit(experiment(("enkf", {}), **LONG))
    reader = threading.Thread(target=lambda: list(long), daemon=True)
    reader.start()
    try:
        assert isinstance(run(engine, experiment(("enkf", {})))[-1], RunCompleted)
        assert reader.is_alive()
    finally:
        long.cancel()
        reader.join(10)
    assert not reader.is_alive()


def test_a_cancelled_run_stops_and_is_forgotten(engine):
    long = engine.submit(experiment(("etkf", {}), **LONG))
    seen = list(itertools.islice((e for e in long if isinstance(e, Progress)), 3))
    long.cancel()
    rest = list(long)
    assert len(seen) == 3
    assert not any(isinstance(e, RunCompleted) for e in rest)
    wait_until(lambda: not engine._runs)


def test_what_a_cancelled_run_has_not_compiled_yet_is_not_compiled():
    """Others would wait behind it; what another run waits for, too, is compiled."""
    names = ["enkf", "etkf", "denkf", "ensrf", "eakf", "enkf-n", "letkf", "3dvar", "extkf"]
    short = {"end_time": 0.2, "lorenz96_n": 11}
    with Engine(hasty=True) as engine:
        many = engine.submit(experiment(*((name, {}) for name in names), **short))
        next(iter(many))
        wait_until(lambda: engine.compile_count > 0)
        many.cancel()
        assert isinstance(run(engine, experiment(("extkf", {}), **short))[-1], RunCompleted)
        made = {program.name for program in engine.programs()}
        assert "extkf" in made
        assert "letkf" not in made
        again = run(engine, experiment(("letkf", {}), **short))
        assert isinstance(again[-1], RunCompleted)


def test_a_slow_reader_pauses_its_own_run_only(engine):
    slow = engine.submit(experiment(("etkf", {}), **LONG))
    wait_until(lambda: len(slow._events) == engine_module.READ_AHEAD)
    run(engine, experiment(("etkf", {})))
    assert len(slow._events) == engine_module.READ_AHEAD
    first = next(iter(slow))
    assert first.first_step == 0
    wait_until(lambda: len(slow._events) == engine_module.READ_AHEAD)
    slow.cancel()


def test_rounds_do_not_get_smaller_while_others_have_their_turn(engine):
    """Blamed for the time of others, a run would come down to a cycle a round."""
    pausing = engine.job(lambda _: (time.sleep(0.05) for _ in itertools.count()), read_ahead=10**9)
    asked = engine.submit(experiment(("etkf", {}), end_time=30))
    try:
        rounds = [e.first_step for e in itertools.islice(asked, 30) if isinstance(e, Progress)]
    finally:
        pausing.cancel()
        asked.cancel()
    assert len(rounds) < 15


async def test_asyncio_reads_the_same_events(engine):
    asked = experiment(("letkf", {"r": 2}), end_time=2)
    expected = completed(run(engine, asked)).metrics
    events = [event async for event in engine.submit(asked)]
    assert completed(events).metrics == expected


async def test_many_readers_at_once(engine):
    asked = [experiment(("enkf", {}), seed=seed, end_time=2) for seed in range(20)]

    async def last(run):
        return [event async for event in run][-1]

    ends = await asyncio.wait_for(
        asyncio.gather(*(last(engine.submit(one)) for one in asked)), timeout=60
    )
    assert all(isinstance(end, RunCompleted) for end in ends)


def test_a_run_that_fails_takes_nobody_along(engine):
    """The device's own failure, injected where programs are called."""
    asked = experiment(("enkf", {}), end_time=1)
    run(engine, asked)
    broken = engine.submit(asked)
    broken._steps = _failing(broken._steps)
    with pytest.raises(MemoryError):
        list(broken)
    assert isinstance(run(engine, asked)[-1], RunCompleted)


def _failing(steps):
    yield next(steps)
    raise MemoryError("RESOURCE_EXHAUSTED: out of memory")


def test_closing_ends_the_runs_that_are_on_their_way():
    with Engine() as engine:
        long = engine.submit(experiment(("enkf", {}), **LONG))
        reader = threading.Thread(target=lambda: list(long))
        reader.start()
    reader.join(10)
    assert not reader.is_alive()
    with pytest.raises(RuntimeError, match="closed"):
        engine.submit(experiment(("enkf", {})))


def test_the_device_thread_tells_how_long_it_is_busy(engine):
    assert engine.seconds_stuck() == 0.0


def test_what_was_warmed_up_from_any_thread_is_what_runs():
    """A server warms up outside the engine, where JAX's default is 32 bits."""
    with Engine(hasty=True) as engine:
        with jax.enable_x64(False):
            engine.warm_up()
        asked = experiment(*[(name, {}) for name in ("enkf", "letkf")], end_time=0.2)
        assert isinstance(run(engine, asked)[-1], RunCompleted)
        assert engine.compile_count == 6  # start, nature, moments, diagnostics and two methods


def add(calls):
    """A job: calls that each add 1 to a counter on the device, and what they came to."""

    def steps(device):
        total = np.zeros(3)
        for _ in range(calls):
            total = yield from device.call(PLUS_ONE, total)
            yield np.asarray(total)

    return steps


PLUS_ONE = Recipe(
    "plus-one",
    3,
    "[3]",
    lambda x: x + 1,
    lambda: (jax.ShapeDtypeStruct((3,), np.float64),),
    hasty=True,
)


def test_a_job_yields_its_results_in_order_and_compiles_its_program_once(engine):
    before = engine.compile_count
    totals = list(engine.job(add(5)))
    np.testing.assert_array_equal(totals, np.arange(1, 6)[:, None] * np.ones(3))
    assert totals[0].dtype == np.float64
    list(engine.job(add(2)))
    assert engine.compile_count == before + 1
    assert "plus-one" in {program.name for program in engine.programs()}


def test_a_job_waits_for_its_reader_and_can_be_cancelled(engine):
    slow = engine.job(add(10**9), read_ahead=2)
    wait_until(lambda: len(slow._events) == 2)
    assert isinstance(run(engine, experiment(("etkf", {}), end_time=1))[-1], RunCompleted)
    assert len(slow._events) == 2
    slow.cancel()
    assert len(list(slow)) == 2
    wait_until(lambda: slow not in engine._runs)


def test_a_job_that_fails_tells_its_reader_alone(engine):
    def out_of_memory(device):
        yield "begun"
        yield from wait(device.submit(_no_memory))

    broken = engine.job(out_of_memory)
    assert next(iter(broken)) == "begun"
    with pytest.raises(MemoryError):
        list(broken)
    assert len(list(engine.job(add(1)))) == 1


def _no_memory():
    raise MemoryError


def test_a_worker_inside_a_job_counts_as_busy(engine):
    entered, leave = threading.Event(), threading.Event()

    def hold():
        entered.set()
        leave.wait(20)

    held = engine.job(lambda device: iter([device.submit(hold)]))
    try:
        assert entered.wait(20)
        wait_until(lambda: engine.seconds_stuck() > 0.02)
    finally:
        leave.set()
    assert list(held) == []
