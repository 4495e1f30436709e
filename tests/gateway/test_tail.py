"""What this gateway has committed reaches its viewers without being read again; real database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID, uuid4

import pytest
from stream_messages import experiment, queued

from gateway.carrier import fresh_state
from gateway.database import Pool
from gateway.records import Batch, Claim, EventRow, NewEvent
from gateway.store import queue, runs, streams
from gateway.tail import Hub, Update

NEVER = 3600.0


async def begin(pool: Pool) -> Claim:
    await queued(pool, experiment("a"))
    (held,) = await queue.claim(pool, uuid4(), limit=1, lease=NEVER)
    return held


async def commit(pool: Pool, held: Claim, count: int) -> list[EventRow]:
    batch = Batch(fresh_state(held), events=[NewEvent("partial")] * count)
    return await queue.commit(pool, held, batch, lease=NEVER)


def make_hub(pool: Pool) -> Hub:
    return Hub(pool, keepalive=NEVER, poll_interval=NEVER, page=100)


async def follow(pool: Pool, hub: Hub, run: UUID) -> AsyncGenerator[Update | None, None]:
    """From the first event on; it is read once something is taken."""
    (standing,) = await runs.standing(pool, [run])
    return hub.follow({run: 0}, {run: standing})


async def numbers(updates: AsyncGenerator[Update | None, None], last: int) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(10):
        async for update in updates:
            assert update is not None
            found += [frame.id for frame in update.frames]
            if found[-1] == last:
                break
    return found


async def test_what_is_committed_here_is_not_read_again(pool: Pool) -> None:
    """Nobody reads for the hub: there is only what it is told."""
    held = await begin(pool)
    hub = make_hub(pool)
    updates = await follow(pool, hub, held.run_id)
    assert await numbers(updates, 1) == [1]
    seen = await commit(pool, held, 3)
    hub.committed(held.run_id, seen)
    assert await numbers(updates, 4) == [2, 3, 4]
    hub.committed(held.run_id, seen)  # what it has already adds nothing
    hub.committed(held.run_id, [*seen, *await commit(pool, held, 2)])
    assert await numbers(updates, 6) == [5, 6]
    await updates.aclose()
    hub.committed(held.run_id, await commit(pool, held, 1))  # nobody watches it any more


async def test_what_leaves_a_gap_is_read(pool: Pool) -> None:
    held = await begin(pool)
    hub = make_hub(pool)
    updates = await follow(pool, hub, held.run_id)
    assert await numbers(updates, 1) == [1]
    await commit(pool, held, 3)  # by another gateway, whose word has not come yet
    hub.committed(held.run_id, await commit(pool, held, 2))

    async def read() -> None:
        while True:
            await hub.read()

    reading = asyncio.create_task(read())
    assert await numbers(updates, 6) == [2, 3, 4, 5, 6]
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading


async def test_many_viewers_of_an_old_run_read_its_pages_together(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than connections, all at once; the half that leaves takes nothing with it."""
    held = await begin(pool)
    for _ in range(5):
        await commit(pool, held, 60)
    reads = 0
    after = streams.after

    async def counted(*arguments: Any) -> list[EventRow]:
        nonlocal reads
        reads += 1
        return await after(*arguments)

    monkeypatch.setattr(streams, "after", counted)
    hub = make_hub(pool)
    viewers = [await follow(pool, hub, held.run_id) for _ in range(200)]
    tasks = [asyncio.create_task(numbers(updates, 301)) for updates in viewers]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    found = await asyncio.gather(*tasks[1::2])
    assert all(numbers_seen == list(range(1, 302)) for numbers_seen in found)
    assert reads < 20
    await asyncio.gather(*tasks, return_exceptions=True)
