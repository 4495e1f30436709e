"""Carries one run: compute's stream in, one transaction for what has arrived, until its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

import psycopg
import structlog

from gateway.compute_client import ComputeClient, RunCall
from gateway.database import Pool
from gateway.events import PARTIALS_PER_CELL, PARTIALS_PER_METHOD, Reader, stride
from gateway.failures import Busy, CheckpointRefused, RunFailed, explain
from gateway.records import Batch, Claim, EventRow, MethodState, NewEvent, RunState
from gateway.settings import Settings
from gateway.store import queue
from learnda import tracing, wire
from learnda.v1 import assimilation_pb2 as pb

T = TypeVar("T")

OnCommitted = Callable[[UUID, Sequence[EventRow]], None]
"""Told of events that have just been committed."""

log = structlog.get_logger(__name__)

BEGINNINGS: Final = frozenset({"started", "method_started"})
"""Messages that tell nothing which is not told by those that follow at once ..."""
BEGINNING_SECONDS: Final = 0.01
"""... and that wait so long for them: a transaction costs both of us a millisecond."""
BUFFERED: Final = 64
"""Messages that wait for the database; behind them compute waits."""
LONGEST_DELAY: Final = 30.0
AWAY: Final = (psycopg.OperationalError, psycopg.InterfaceError)
"""What psycopg and its pool raise while the database cannot be reached."""


@dataclass(frozen=True, slots=True)
class _End:
    """The end of compute's stream, and what ended it if it did not end by itself."""

    failure: Exception | None = None


Inbox = asyncio.Queue[pb.RunExperimentResponse | _End]


class Carrier:
    """One attempt at one run."""

    def __init__(
        self,
        claim: Claim,
        pool: Pool,
        compute: ComputeClient,
        settings: Settings,
        on_committed: OnCommitted,
    ) -> None:
        self._claim = claim
        self._pool = pool
        self._compute = compute
        self._settings = settings
        self._on_committed = on_committed
        self._state = fresh_state(claim)
        most = PARTIALS_PER_CELL if claim.of_sweep else PARTIALS_PER_METHOD
        self._reader = Reader(stride(claim.step_count, settings.emit_partial_every, most))
        self._progressed = False
        self._trace = tracing.of_attempt(claim.run_id, claim.generation)
        self._log = log.bind(
            run_id=str(claim.run_id),
            generation=claim.generation,
            trace_id=self._trace.trace_id,
            span_id=self._trace.span_id,
        )

    async def carry(self) -> None:
        """To the run's end, or to where another attempt is better.

        Cancelling this stops compute and writes nothing more.
        """
        self._log.info("attempt begins", attempt=self._claim.attempts)
        try:
            if self._claim.attempts > self._settings.max_attempts:
                died = self._claim.attempts - 1
                raise RunFailed(f"given up: {died} processes that carried it died")
            await self._attempt()
        except queue.Fenced:
            self._log.info("the run is no longer ours")
        except RunFailed as failure:
            await self._fail(str(failure))
        except Busy as failure:
            self._log.info("compute is busy", reason=str(failure))
            await self._release(self._settings.retry_delay, forgive=True)
        except Exception as failure:
            self._log.warning("attempt failed", error=str(failure), kind=type(failure).__name__)
            await self._leave(failure)

    async def _attempt(self) -> None:
        request = wire.request_to_proto(self._claim.request)
        request.checkpoint_interval_seconds = self._settings.checkpoint_interval
        if self._claim.generation > 1:  # somebody was here before us
            self._state = await queue.load_state(self._pool, self._claim)
            request.resume_from.extend(await self._checkpoint())
        call = self._compute.run(request, self._trace)
        inbox: Inbox = asyncio.Queue(BUFFERED)
        receiver = asyncio.create_task(_receive(call, inbox))
        try:
            failure = await self._save_all(inbox)
        finally:
            call.cancel()
            receiver.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await receiver
        if failure is not None:
            reason = explain(failure.failure, resumed=bool(request.resume_from))
            if isinstance(reason, CheckpointRefused):
                await queue.drop_checkpoint(self._pool, self._claim)
            raise reason

    async def _checkpoint(self) -> list[pb.Checkpoint]:
        state = await queue.load_checkpoint(self._pool, self._claim.run_id)
        if state is None:
            return []
        return [
            pb.Checkpoint(step=state.step, part_index=k, part_count=len(state.parts), data=data)
            for k, data in enumerate(state.parts)
        ]

    async def _save_all(self, inbox: Inbox) -> _End | None:
        """Commit until the run is over, or return how the stream ended before that.

        What has arrived together is committed together.
        """
        while True:
            arrived = [await inbox.get()]
            while not inbox.empty():
                arrived.append(inbox.get_nowait())
            if all(map(_is_beginning, arrived)):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(BEGINNING_SECONDS):
                        while _is_beginning(arrived[-1]):
                            arrived.append(await inbox.get())
            batch = await self._save([m for m in arrived if not isinstance(m, _End)])
            if batch.end is not None:
                self._log.info("the run has ended", how=batch.end, runtime_sec=batch.runtime_sec)
                return None
            if isinstance(arrived[-1], _End):
                return arrived[-1]

    async def _save(self, messages: list[pb.RunExperimentResponse]) -> Batch:
        async def commit() -> Batch:
            batch = self._reader.read(self._state, messages)
            if not batch.empty:
                await self._commit(batch)
            return batch

        batch = await self._insist(commit)
        self._state = batch.state
        self._progressed = self._progressed or bool(batch.points)
        return batch

    async def _commit(self, batch: Batch) -> None:
        rows = await queue.commit(self._pool, self._claim, batch, lease=self._settings.lease)
        self._on_committed(self._claim.run_id, rows)

    async def _fail(self, sentence: str) -> None:
        self._log.warning("run failed", error=sentence)

        async def commit() -> None:
            events = [NewEvent("run_failed", {"error": sentence})]
            batch = Batch(self._state, events=events, end="failed", error=sentence)
            await self._commit(batch)

        with contextlib.suppress(queue.Fenced):
            await self._insist(commit)

    async def _leave(self, failure: Exception) -> None:
        """Let the run be tried again, later; or fail it when that has been tried often enough."""
        attempts = 0 if self._progressed else self._claim.attempts
        if attempts >= self._settings.max_attempts:
            await self._fail(f"given up after {attempts} attempts without progress: {failure}")
            return
        delay = min(LONGEST_DELAY, self._settings.retry_delay * 2 ** max(0, attempts - 1))
        await self._release(delay)

    async def _release(self, delay: float, *, forgive: bool = False) -> None:
        await self._insist(
            lambda: queue.release(self._pool, self._claim, delay=delay, forgive=forgive)
        )

    async def _insist(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do it as soon as the database allows; meanwhile compute waits behind the inbox.

        A commit whose answer was lost may have happened: how far the run is, is read again.
        """
        delay = 0.05
        while True:
            try:
                return await work()
            except AWAY as error:
                self._log.warning("the database is away", error=str(error).strip())
            while True:
                await asyncio.sleep(delay)
                delay = min(1.0, 2 * delay)
                with contextlib.suppress(*AWAY):
                    self._state = await queue.load_state(self._pool, self._claim)
                    break


async def _receive(call: RunCall, inbox: Inbox) -> None:
    try:
        async for message in call:
            await inbox.put(message)
    except Exception as failure:
        await inbox.put(_End(failure))
    else:
        await inbox.put(_End())


def _is_beginning(arrived: pb.RunExperimentResponse | _End) -> bool:
    return not isinstance(arrived, _End) and arrived.WhichOneof("event") in BEGINNINGS


def fresh_state(claim: Claim) -> RunState:
    """Of a run that nobody has carried yet."""
    methods = (
        MethodState(position, m["id"], m["name"], m["label"], m["params"])
        for position, m in enumerate(claim.request["methods"])
    )
    return RunState(started=False, methods={method.id: method for method in methods})
