"""The engine owns the device: one thread leads, workers compute, runs take turns chunk by chunk.

Any thread may submit or cancel; results leave through a bounded queue of each run, and a run whose
reader is slow waits without keeping the others. Nothing happens at import.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

import jax

from compute.device import Device
from compute.events import Event, Progress
from compute.program_store import ProgramStore
from compute.programs import Program, Programs
from compute.registry import declarations
from compute.twin_run import Climatologies, TwinRun
from compute.workers import Workers
from learnda.cost import Limits
from learnda.experiment import Experiment
from learnda.validation import resolve

READ_AHEAD = 32
"""Events that wait for a run's reader before the run pauses."""

T = TypeVar("T")


class Run(Generic[T]):
    """What was submitted: iterate over its events, from a thread or from asyncio. A run that fails
    raises its failure after the last one; one that is cancelled just ends.
    """

    def __init__(
        self, steps: Iterator[T | Future[Any]], poke: Callable[[], None], read_ahead: int
    ) -> None:
        self._steps = steps
        self._poke = poke
        self._read_ahead = read_ahead
        self._events: deque[T] = deque()
        self._changed = threading.Condition()
        self._listeners: list[Callable[[], None]] = []
        self._ended = False
        self._failure: BaseException | None = None
        self._cancelled = False
        self.stopped = False
        """It was cancelled before its end."""
        self._waiting: Future[Any] | None = None
        self.cycle_count = 0
        """Cycles told so far, of all methods and replicates."""

    def cancel(self) -> None:
        """Stop within one chunk and free what the run holds; what was read stays valid."""
        self._cancelled = True
        self._poke()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                while not self._events and not self._ended:
                    self._changed.wait()
                if not self._events:
                    break
                event = self._take()
            yield event
        if self._failure:
            raise self._failure

    async def __aiter__(self) -> AsyncGenerator[T]:
        loop = asyncio.get_running_loop()
        news = asyncio.Event()

        def listener() -> None:
            loop.call_soon_threadsafe(news.set)

        with self._changed:
            self._listeners.append(listener)
        try:
            while True:
                news.clear()
                while self._events:
                    with self._changed:
                        event = self._take()
                    yield event
                if self._ended and not self._events:
                    break
                if not self._events:
                    await news.wait()
        finally:
            with self._changed:
                self._listeners.remove(listener)
        if self._failure:
            raise self._failure

    def _take(self) -> T:
        event = self._events.popleft()
        if len(self._events) == self._read_ahead - 1:
            self._poke()
        return event

    # ------------------------------------------------------------ the engine's side

    @property
    def ready(self) -> bool:
        """True when the leading thread can go on with this run."""
        if self._cancelled:
            return True
        if self._waiting is not None and not self._waiting.done():
            return False
        return len(self._events) < self._read_ahead

    def advance(self) -> bool:
        """One step of the run, in the leading thread; false when it has ended."""
        if self._cancelled:
            self.stopped = True
            self._end(None)
            return False
        self._waiting = None
        try:
            produced = next(self._steps)
        except StopIteration:
            self._end(None)
            return False
        except Exception as failure:  # belongs to this run alone: its reader gets it
            self._end(failure)
            return False
        if isinstance(produced, Future):
            self._waiting = produced
            produced.add_done_callback(lambda _: self._poke())
        else:
            self._publish(produced)
        return True

    def _publish(self, event: T) -> None:
        if isinstance(event, Progress):
            self.cycle_count += next(iter(event.replicates.values())).size
        with self._changed:
            self._events.append(event)
            self._notify()

    def _end(self, failure: BaseException | None) -> None:
        self._steps, self._waiting = iter(()), None  # frees the arrays
        with self._changed:
            self._ended = True
            self._failure = failure
            self._notify()

    def _notify(self) -> None:
        self._changed.notify_all()
        for listener in self._listeners:
            try:
                listener()
            except RuntimeError:  # that reader's event loop is closed
                continue


class Engine:
    """Computes experiments and other jobs on JAX's default device, chunk by chunk.

    ``hasty``: every program is compiled in less time, for many that run little. ``workers``
    compute the chunks; by default as many as the device can use.
    """

    def __init__(
        self,
        *,
        cache_dir: Path | None = None,
        program_limit: int = 64,
        hasty: bool = False,
        workers: Workers | None = None,
    ) -> None:
        self._workers = workers or Workers.of_device()
        self._programs = Programs(
            program_limit, hasty=hasty, store=ProgramStore(cache_dir) if cache_dir else None
        )
        self._device = Device(self._programs, self._workers)
        self._climatologies: Climatologies = {}
        self._runs: deque[Run[Any]] = deque()
        self._news = threading.Condition()
        self._pokes = 0
        self._closing = False
        self._busy_since: float | None = None
        self.cycle_count = 0
        """Cycles computed since the start, of all methods and replicates."""
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)

    def start(self) -> None:
        """Start the leading thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop every run and all threads."""
        with self._news:
            self._closing = True
            for run in self._runs:
                run.cancel()
            self._news.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self._workers.close()
        self._programs.close()

    def __enter__(self) -> Engine:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def submit(
        self,
        experiment: Experiment,
        *,
        resume_from: bytes | None = None,
        checkpoint_interval: float = 0.0,
    ) -> Run[Event]:
        """Queue an experiment; with ``resume_from``, go on from a checkpoint of the same one.

        A checkpoint event comes at most every ``checkpoint_interval`` seconds (0: none).
        """
        twin = TwinRun(
            experiment,
            self._programs,
            self._workers,
            self._climatologies,
            resume_from,
            checkpoint_interval,
        )
        return self._queue(twin.events(), READ_AHEAD)

    def job(
        self,
        steps: Callable[[Device], Iterator[T | Future[Any]]],
        *,
        read_ahead: int = READ_AHEAD,
    ) -> Run[T]:
        """Queue anything else that computes: a generator over the device, see `compute.device`.

        It takes turns with all runs, and is cancelled, paused and told of like them. What it does
        itself, between what it yields, is to be short: the leading thread does it. It pauses while
        its reader leaves ``read_ahead`` results waiting.
        """
        return self._queue(steps(self._device), read_ahead)

    def warm_up(self) -> None:
        """Compile the programs of the default request, in the background."""
        experiment = resolve(_DEFAULT, declarations(), limits=Limits(), draw_seed=lambda: 0)
        twin = TwinRun(experiment, self._programs, self._workers, self._climatologies)
        twin.request_programs()

    def programs(self) -> list[Program]:
        """The compiled programs, most recently used first."""
        return self._programs.held()

    @property
    def device(self) -> Device:
        """For what is too short to take turns with runs: programs, and workers to call them."""
        return self._device

    @property
    def side_by_side(self) -> bool:
        """The device wants lanes vectorised rather than computed in turn."""
        return self._workers.side_by_side

    @property
    def compile_count(self) -> int:
        """Programs compiled since the start."""
        return self._programs.compile_count

    @property
    def compile_seconds(self) -> float:
        """Seconds spent compiling them."""
        return self._programs.compile_seconds

    @property
    def run_count(self) -> int:
        """Runs that have not ended."""
        return len(self._runs)

    def seconds_stuck(self) -> float:
        """How long a worker, or the leading thread, has been inside one chunk; 0 when all idle."""
        since = self._busy_since
        leading = 0.0 if since is None else time.monotonic() - since
        return max(leading, self._workers.seconds_stuck())

    def _queue(self, steps: Iterator[T | Future[Any]], read_ahead: int) -> Run[T]:
        run = Run(steps, self._poke, read_ahead)
        with self._news:
            if self._closing:
                raise RuntimeError("the engine is closed")
            self._runs.append(run)
        self._poke()
        return run

    def _poke(self) -> None:
        with self._news:
            self._pokes += 1
            self._news.notify_all()

    def _work(self) -> None:
        with jax.enable_x64(True):
            while True:
                run = self._next()
                if run is None:
                    return
                self._busy_since = time.monotonic()
                before = run.cycle_count
                going_on = run.advance()
                self.cycle_count += run.cycle_count - before
                self._busy_since = None
                with self._news:
                    if not going_on:
                        self._runs.remove(run)
                del run  # not held while nothing is to be done

    def _next(self) -> Run[Any] | None:
        """The next run that can go on, in turn; None when the engine closes."""
        with self._news:
            while True:
                if self._closing and not self._runs:
                    return None
                for _ in range(len(self._runs)):
                    run = self._runs[0]
                    self._runs.rotate(-1)
                    if run.ready:
                        return run
                seen = self._pokes
                while self._pokes == seen and not self._closing:
                    self._news.wait()


_DEFAULT: dict[str, Any] = {
    "methods": [
        {"id": name, "name": name, "params": params}
        for name, params in (("enkf", {}), ("letkf", {"r": 2}))
    ]
}
"""The request that most people send first."""
