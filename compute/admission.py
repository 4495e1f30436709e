"""What one server computes at a time, within its limits, for whichever call asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, TypeVar

from compute.engine import Run
from compute.failures import BusyError, ShuttingDownError

T = TypeVar("T")


class Admission:
    """Counts what is being computed: at most ``max_runs``, of ``max_bytes`` together.

    For one event loop.
    """

    def __init__(self, *, max_runs: int, max_bytes: int) -> None:
        self._max_runs = max_runs
        self._max_bytes = max_bytes
        self._runs: dict[Run[Any], int] = {}
        self._held = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False

    @property
    def count(self) -> int:
        """Runs and jobs that are being computed."""
        return len(self._runs)

    async def events(self, size: int, submit: Callable[[], Run[T]]) -> AsyncGenerator[T]:
        """The events of what ``submit`` queues, which takes ``size`` bytes at its peak.

        Closing the generator cancels it: read it under `contextlib.aclosing`. BusyError where it
        does not fit beside the others, ShuttingDownError where the server ends before it does.
        """
        self._check(size)
        run = submit()
        del submit  # with what it was given
        self._runs[run] = size
        self._idle.clear()
        try:
            async with aclosing(aiter(run)) as events:
                async for event in events:
                    yield event
            if run.stopped:  # only `end` cancels what is still read
                raise ShuttingDownError
        finally:
            run.cancel()
            del self._runs[run]
            if not self._runs:
                self._idle.set()

    @contextmanager
    def room(self, size: int) -> Iterator[None]:
        """Hold ``size`` bytes while the context lasts, for what is received, computed and sent."""
        self._check(size)
        self._held += size
        try:
            yield
        finally:
            self._held -= size

    async def end(self, patience: float) -> None:
        """Take no more; what still goes on after ``patience`` seconds ends as UNAVAILABLE."""
        self._closing = True
        try:
            await asyncio.wait_for(self._idle.wait(), patience)
        except TimeoutError:
            for run in self._runs:
                run.cancel()

    def _check(self, size: int) -> None:
        if self._closing:
            raise ShuttingDownError
        if len(self._runs) >= self._max_runs:
            raise BusyError(f"{len(self._runs)} runs are being computed, as many as allowed")
        taken = sum(self._runs.values()) + self._held
        if taken and size + taken > self._max_bytes:
            raise BusyError("the runs that are being computed leave too little memory for this one")
