"""One tail per watched run: its new events are read and encoded once, for all its viewers.

A viewer is a number: the last event that it has. It takes what comes after from the tail's recent
events, and what is older than these from the database, page by page; so it joins without a gap, and
a slow one costs nothing but its own reading. No connection is held while anybody waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from gateway.background import woken
from gateway.database import Pool
from gateway.records import EventRow
from gateway.sse import Frame, frames
from gateway.store import runs, streams
from gateway.store.notify import Written
from gateway.store.runs import Standing

RECENT: Final = 512
"""Events that a tail keeps; it always keeps what it read last."""
PAGE_READERS: Final = 4
"""Pages of older events that are read from the database at the same time."""
WOKEN_TOGETHER: Final = 3
"""Viewers; after each so many, others who wait for this process get their turn."""
CROWD: Final = 50
"""With more viewers of one run than these, events are told to them ..."""
CROWD_SECONDS: Final = 0.25
"""... at most so often: sending costs by the message, and the gateway has other callers."""


@dataclass(frozen=True, slots=True)
class Update:
    """What a viewer gets next."""

    run_id: UUID
    frames: list[Frame]
    ended: bool
    """True when no more will come."""


@dataclass(slots=True)
class Tail:
    """The newest events of one run."""

    last: int
    """Number of the newest event read."""
    ended: bool
    viewers: set[asyncio.Event] = field(default_factory=set)
    recent: deque[list[Frame]] = field(default_factory=deque)
    size: int = 0
    quiet_until: float = 0.0
    """On the loop's clock: a crowd is not woken before."""
    waking: asyncio.TimerHandle | None = None

    @property
    def start(self) -> int:
        """Number of the event before the recent ones."""
        return self.recent[0][0].id - 1 if self.recent else self.last

    def extend(self, rows: Iterable[EventRow]) -> bool:
        """Rows that leave no gap to the events before; False when they bring none that is new."""
        new = frames(rows, self.last)
        if not new:
            return False
        self.recent.append(new)
        self.size += len(new)
        self.last, self.ended = new[-1].id, new[-1].terminal
        while self.size > RECENT and len(self.recent) > 1:
            self.size -= len(self.recent.popleft())
        self.wake()
        return True

    def wake(self) -> None:
        if self.waking is not None:
            return
        loop = asyncio.get_running_loop()
        if len(self.viewers) > CROWD and loop.time() < self.quiet_until:
            self.waking = loop.call_at(self.quiet_until, self._wake_all)
        else:
            self._wake_all()

    def _wake_all(self) -> None:
        self.waking = None
        self.quiet_until = asyncio.get_running_loop().time() + CROWD_SECONDS
        _wake(list(self.viewers))

    def after(self, number: int) -> list[Frame]:
        """The recent events after ``number``, which is not before ``start``."""
        found: list[Frame] = []
        for batch in self.recent:
            if batch[-1].id > number:
                found += batch if batch[0].id > number else [f for f in batch if f.id > number]
        return found


class Hub:
    """All tails of this gateway."""

    def __init__(self, pool: Pool, *, keepalive: float, poll_interval: float, page: int) -> None:
        self._pool = pool
        self._keepalive = keepalive
        self._poll_interval = poll_interval
        self._page = page
        self._tails: dict[UUID, Tail] = {}
        self._written: set[UUID] = set()
        self._wake = asyncio.Event()
        self._next_poll = 0.0
        self._reading: dict[tuple[UUID, int], asyncio.Task[list[Frame]]] = {}
        self._page_readers = asyncio.Semaphore(PAGE_READERS)
        self.closed = False

    @property
    def viewers(self) -> int:
        """Viewers of all runs."""
        return sum(len(tail.viewers) for tail in self._tails.values())

    def written(self, note: Written) -> None:
        """A hint that a run has new events."""
        tail = self._tails.get(note.run_id)
        if tail is not None and note.last_event > tail.last:
            self._written.add(note.run_id)
            self._wake.set()

    def committed(self, run_id: UUID, rows: Sequence[EventRow]) -> None:
        """This gateway has committed these events of a run: its viewers have them at once, and they
        are not read again. What does not join on to the tail's last is read like any other.
        """
        tail = self._tails.get(run_id)
        if tail is None or not rows:
            return
        if rows[0].first_id <= tail.last + 1:
            tail.extend(rows)
        else:
            self._written.add(run_id)
            self._wake.set()

    def look(self) -> None:
        """Hints may have been lost."""
        self._next_poll = 0.0
        self._wake.set()

    def close(self) -> None:
        """End all streams: the server stops. Viewers come back and resume."""
        self.closed = True
        for tail in self._tails.values():
            tail.wake()

    async def read(self) -> None:
        """Wait for hints, or for the time to look without one, and read what is new."""
        clock = asyncio.get_running_loop().time
        await woken(self._wake, max(0.0, self._next_poll - clock()))
        if not self._tails:
            self._next_poll = clock() + self._poll_interval
            return
        if clock() >= self._next_poll:
            self._next_poll = clock() + self._poll_interval
            await self._poll()
        tails = {run_id: self._tails[run_id] for run_id in self._written & self._tails.keys()}
        fresh = {run_id: tail.last for run_id, tail in tails.items() if not tail.ended}
        self._written.clear()
        if not fresh:
            return
        found = await streams.after_each(self._pool, fresh, self._page)
        for run_id, rows in found.items():
            tail = self._tails.get(run_id)
            if tail is None or tail.last < fresh[run_id]:
                continue  # its viewers left, and perhaps others came
            if tail.extend(rows):
                self._written.add(run_id)  # there may be more
                self._wake.set()

    async def _poll(self) -> None:
        """Find the watched runs that have new events, or are gone."""
        watched = {run_id for run_id, tail in self._tails.items() if not tail.ended}
        found = await runs.standing(self._pool, list(watched), deleted=True) if watched else []
        for standing in found:
            tail = self._tails.get(standing.run_id)
            if tail is not None and standing.last_event > tail.last:
                self._written.add(standing.run_id)
        for run_id in watched - {standing.run_id for standing in found}:
            if (tail := self._tails.get(run_id)) is not None:
                tail.ended = True
                tail.wake()

    async def follow(
        self, starts: Mapping[UUID, int], standings: Mapping[UUID, Standing]
    ) -> AsyncGenerator[Update | None, None]:
        """Events of these runs after these numbers, until all have ended.

        None when nothing has happened for a while. ``standings``: as read just before.
        """
        places = dict(starts)
        wake = asyncio.Event()
        with self._watching(wake, standings) as tails:
            while places and not self.closed:
                idle = True
                for run_id in list(places):
                    update = await self._next(run_id, tails[run_id], places[run_id])
                    if update.ended:
                        del places[run_id]
                    elif update.frames:
                        places[run_id] = update.frames[-1].id
                    if update.ended or update.frames:
                        idle = False
                        yield update
                if idle and not self.closed and not await woken(wake, self._keepalive):
                    yield None

    async def _next(self, run_id: UUID, tail: Tail, number: int) -> Update:
        if number < tail.start:
            found = await self._page_after(run_id, number)
            if not found:  # the rows are gone
                return Update(run_id, [], ended=True)
            return Update(run_id, found, ended=found[-1].terminal)
        found = tail.after(number)
        reached = found[-1].id if found else number
        return Update(run_id, found, ended=tail.ended and reached >= tail.last)

    async def _page_after(self, run_id: UUID, number: int) -> list[Frame]:
        """A page of older events, read once for all viewers who want it now. A viewer who leaves
        does not take the connection of the read with it.
        """
        place = (run_id, number)
        reading = self._reading.get(place)
        if reading is None:
            reading = asyncio.create_task(self._read_page(run_id, number))
            self._reading[place] = reading
            reading.add_done_callback(lambda task: self._page_read(place, task))
        return await asyncio.shield(reading)

    async def _read_page(self, run_id: UUID, number: int) -> list[Frame]:
        async with self._page_readers:  # hundreds may come at once: they wait here, not at the pool
            rows = await streams.after(self._pool, run_id, number, self._page)
        return frames(rows, after=number)[: self._page]

    def _page_read(self, place: tuple[UUID, int], task: asyncio.Task[list[Frame]]) -> None:
        del self._reading[place]
        if not task.cancelled():
            task.exception()  # its viewers get it, if there are any left

    @contextmanager
    def _watching(
        self, wake: asyncio.Event, standings: Mapping[UUID, Standing]
    ) -> Iterator[dict[UUID, Tail]]:
        tails = {}
        for run_id, standing in standings.items():
            if run_id not in self._tails:
                self._tails[run_id] = Tail(standing.last_event, standing.ended)
                self._written.add(run_id)  # since then something may have happened
                self._wake.set()
            tails[run_id] = self._tails[run_id]
            tails[run_id].viewers.add(wake)
        try:
            yield tails
        finally:
            for run_id, tail in tails.items():
                tail.viewers.discard(wake)
                if not tail.viewers:
                    self._tails.pop(run_id, None)


def _wake(viewers: list[asyncio.Event]) -> None:
    for viewer in viewers[:WOKEN_TOGETHER]:
        viewer.set()
    if rest := viewers[WOKEN_TOGETHER:]:
        asyncio.get_running_loop().call_soon(_wake, rest)
