"""The engine owns the device: one thread leads, workers compute, runs take turns chunk by chunk.

Any thread may submit or cancel; results leave through a bounded queue of each run, and a run whose
reader is slow waits without keeping the others. Nothing happens at import.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any

import jax

from compute.events import Event
from compute.program_store import ProgramStore
from compute.programs import Program, Programs
from compute.registry import declarations
from compute.twin_run import Climatologies, Step, TwinRun
from compute.workers import Workers
from learnda.cost import Limits
from learnda.experiment import Experiment
from learnda.validation import resolve

READ_AHEAD = 32
"""Events that wait for a run's reader before the run pauses."""


class Run:
    """A submitted experiment: iterate over its events, from a thread or from asyncio."""

    def __init__(self, steps: Iterator[Step], poke: Callable[[], None]) -> None:
        self._steps = steps
        self._poke = poke
        self._events: deque[Event] = deque()
        self._changed = threading.Condition()
        self._listeners: list[Callable[[], None]] = []
        self._ended = False
        self._failure: BaseException | None = None
        self._cancelled = False
        self._waiting: Future[Any] | None = None

    def cancel(self) -> None:
        """Stop within one chunk and free what the run holds; what was read stays valid."""
        self._cancelled = True
        self._poke()

    def __iter__(self) -> Iterator[Event]:
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

    async def __aiter__(self) -> AsyncIterator[Event]:
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

    def _take(self) -> Event:
        event = self._events.popleft()
        if len(self._events) == READ_AHEAD - 1:
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
        return len(self._events) < READ_AHEAD

    def advance(self) -> bool:
        """One step of the run, in the leading thread; false when it has ended."""
        if self._cancelled:
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

    def _publish(self, event: Event) -> None:
        with self._changed:
            self._events.append(event)
            self._notify()

    def _end(self, failure: BaseException | None) -> None:
        self._steps = iter(())  # frees the arrays
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
    """Computes experiments on JAX's default device, chunk by chunk.

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
        self._climatologies: Climatologies = {}
        self._runs: deque[Run] = deque()
        self._news = threading.Condition()
        self._pokes = 0
        self._closing = False
        self._busy_since: float | None = None
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
    ) -> Run:
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
        run = Run(twin.events(), self._poke)
        with self._news:
            if self._closing:
                raise RuntimeError("the engine is closed")
            self._runs.append(run)
        self._poke()
        return run

    def warm_up(self) -> None:
        """Compile the programs of the default request, in the background."""
        experiment = resolve(_DEFAULT, declarations(), limits=Limits(), draw_seed=lambda: 0)
        twin = TwinRun(experiment, self._programs, self._workers, self._climatologies)
        twin.request_programs()

    def programs(self) -> list[Program]:
        """The compiled programs, most recently used first."""
        return self._programs.held()

    @property
    def compile_count(self) -> int:
        """Programs compiled since the start."""
        return self._programs.compile_count

    @property
    def run_count(self) -> int:
        """Runs that have not ended."""
        return len(self._runs)

    def seconds_stuck(self) -> float:
        """How long a worker, or the leading thread, has been inside one chunk; 0 when all idle."""
        since = self._busy_since
        leading = 0.0 if since is None else time.monotonic() - since
        return max(leading, self._workers.seconds_stuck())

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
                going_on = run.advance()
                self._busy_since = None
                with self._news:
                    if not going_on:
                        self._runs.remove(run)

    def _next(self) -> Run | None:
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
