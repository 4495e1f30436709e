"""Claims runs, several at a time, and keeps the leases of those it carries."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final
from uuid import UUID, uuid4

import psycopg
import structlog

from gateway.background import woken
from gateway.carrier import Carrier, OnCommitted
from gateway.compute_client import ComputeClient
from gateway.database import Pool
from gateway.records import Claim
from gateway.settings import Settings
from gateway.store import queue

log = structlog.get_logger(__name__)

RELEASE_SECONDS: Final = 1.0


class Runner:
    """Carries runs while compute can be reached; without it they stay queued."""

    def __init__(
        self,
        pool: Pool,
        compute: ComputeClient,
        settings: Settings,
        on_committed: OnCommitted,
    ) -> None:
        self._pool = pool
        self._compute = compute
        self._settings = settings
        self._on_committed = on_committed
        self._carrier_id = uuid4()
        self._carried: dict[UUID, tuple[Claim, asyncio.Task[None]]] = {}
        self._wake = asyncio.Event()

    @property
    def carried(self) -> int:
        """Runs that this process carries at this moment."""
        return len(self._carried)

    def wake(self) -> None:
        """There may be something to claim."""
        self._wake.set()

    def drop(self, run_id: UUID) -> None:
        """The run was ended or taken elsewhere: if we carry it, compute can stop."""
        if run_id in self._carried:
            self._carried[run_id][1].cancel()

    async def claim(self) -> None:
        """Fill the free places, then wait until something may have changed."""
        free = self._settings.concurrent_runs - len(self._carried)
        if free > 0 and self._compute.connected:
            claims = await queue.claim(
                self._pool,
                self._carrier_id,
                limit=free,
                lease=self._settings.lease,
                not_these=self._carried,
            )
            for claim in claims:
                self._start(claim)
        await woken(self._wake, self._settings.poll_interval)

    async def renew(self) -> None:
        """Renew all leases, drop what is no longer ours, then wait a third of a lease."""
        held = {run_id: claim.generation for run_id, (claim, _) in self._carried.items()}
        if held:
            kept = await queue.renew(self._pool, held, lease=self._settings.lease)
            for run_id in held.keys() - kept:
                carried = self._carried.get(run_id)
                if carried is not None and carried[0].generation == held[run_id]:
                    self.drop(run_id)
        await asyncio.sleep(self._settings.lease / 3)

    async def stop(self) -> None:
        """Stop computing, and let other processes go on with the runs at once."""
        tasks = [task for _, task in self._carried.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(psycopg.Error, TimeoutError):
            async with asyncio.timeout(RELEASE_SECONDS):  # without a database, leases run out
                await queue.release_all(self._pool, self._carrier_id)

    def _start(self, claim: Claim) -> None:
        carrier = Carrier(claim, self._pool, self._compute, self._settings, self._on_committed)
        task = asyncio.create_task(carrier.carry(), name=f"run {claim.run_id}")
        self._carried[claim.run_id] = (claim, task)
        task.add_done_callback(lambda done: self._ended(claim, done))

    def _ended(self, claim: Claim, task: asyncio.Task[None]) -> None:
        self._carried.pop(claim.run_id, None)
        if not task.cancelled() and (failure := task.exception()) is not None:
            log.error("a carrier crashed", run_id=str(claim.run_id), exc_info=failure)
        self._wake.set()
