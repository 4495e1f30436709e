"""The queue in Postgres: claims, leases, the fence, what a carrier commits."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any
from uuid import UUID, uuid4

import pytest
from stream_messages import (
    checkpoint,
    experiment,
    gathered,
    gathered_json,
    method_completed,
    progress,
    queued,
    value,
    whole_run,
)

from gateway.carrier import fresh_state
from gateway.database import Pool
from gateway.events import Reader
from gateway.records import ALL_SERIES, DIAGNOSTIC_SERIES, Batch, Claim, NewEvent
from gateway.store import points, queue, runs, streams
from learnda.v1 import assimilation_pb2 as pb

LEASE = 30.0


async def create(pool: Pool, *ids: str, **shape: int) -> UUID:
    return await queued(pool, experiment(*(ids or ("a",)), **shape))


async def claim(pool: Pool, limit: int = 1, lease: float = LEASE) -> list[Claim]:
    return await queue.claim(pool, uuid4(), limit=limit, lease=lease)


async def commit(pool: Pool, held: Claim, batch: Batch) -> int:
    return await queue.commit(pool, held, batch, lease=LEASE)


async def events(pool: Pool, run: UUID) -> list[dict[str, Any]]:
    rows = await streams.after(pool, run, 0, 100_000)
    assert [r.first_id for r in rows[1:]] == [r.last_id + 1 for r in rows[:-1]]
    return [json.loads(payload) for row in rows for payload in row.payloads]


async def expire(pool: Pool, run: UUID) -> None:
    async with pool.connection() as connection:
        await connection.execute(
            "UPDATE learnda.run SET lease_until = clock_timestamp() - interval '1 second'"
            " WHERE id = %s",
            [run],
        )


async def test_the_oldest_come_first_and_each_to_one_carrier(pool: Pool) -> None:
    created = [await create(pool) for _ in range(12)]
    taken = await asyncio.gather(*(claim(pool, limit=3) for _ in range(4)))
    assert sorted(c.run_id for batch in taken for c in batch) == sorted(created)
    assert await claim(pool) == []
    later = [await create(pool) for _ in range(3)]
    assert [c.run_id for c in await claim(pool, limit=2)] == later[:2]


async def test_a_claim_carries_the_resolved_request(pool: Pool) -> None:
    run = await create(pool, "a", "b", steps=7)
    (held,) = await claim(pool)
    assert held == Claim(run, 1, 1, 7, experiment("a", "b", steps=7).request())
    assert await queue.load_state(pool, held) == fresh_state(held)


async def test_a_silent_carrier_loses_its_run_and_its_late_writes_are_refused(pool: Pool) -> None:
    """Case 3, the fence."""
    run = await create(pool)
    (late,) = await claim(pool)
    assert await claim(pool) == []
    await expire(pool, run)
    (held,) = await claim(pool)
    assert (held.generation, held.attempts) == (2, 2)
    before = await events(pool, run)
    with pytest.raises(queue.Fenced):
        await commit(pool, late, Reader(1).read(fresh_state(late), whole_run("a")))
    await queue.release(pool, late, delay=0, forgive=True)
    assert await queue.renew(pool, {run: late.generation}, lease=LEASE) == set()
    assert await queue.renew(pool, {run: held.generation}, lease=LEASE) == {run}
    assert await events(pool, run) == before
    assert await claim(pool) == []


async def test_who_brought_a_run_to_its_end_is_not_told_that_it_is_lost(pool: Pool) -> None:
    """Leases are renewed while the last commit is on its way back: it is not to be cut off."""
    run = await create(pool)
    (held,) = await claim(pool)
    await commit(pool, held, Reader(1).read(fresh_state(held), whole_run("a")))
    assert await queue.renew(pool, {run: held.generation}, lease=LEASE) == {run}
    stored = await runs.get(pool, run)
    assert stored is not None
    assert stored["status"] == "completed"


async def test_a_whole_run_is_committed_chunk_by_chunk(pool: Pool) -> None:
    run = await create(pool, "a", "b")
    (held,) = await claim(pool)
    state, reader = fresh_state(held), Reader(1)
    for message in whole_run("a", "b"):
        batch = reader.read(state, [message])
        await commit(pool, held, batch)
        state = batch.state
    found = await events(pool, run)
    assert [e["_event_id"] for e in found] == list(range(1, len(found) + 1))
    assert [e["type"] for e in found[:3]] == ["run_created", "run_started", "method_started"]
    assert found[0]["request"] == experiment("a", "b").request()
    assert found[-1]["type"] == "run_completed"
    assert {e["run_id"] for e in found} == {str(run)}
    stored = await runs.get(pool, run)
    assert stored is not None
    assert (stored["status"], stored["runtime_sec"]) == ("completed", 1.5)
    assert stored["created_at"] <= stored["started_at"] <= stored["finished_at"]
    assert [m["status"] for m in stored["methods"].values()] == ["completed"] * 2
    with pytest.raises(queue.Fenced):  # it is over: nothing can be added
        await commit(pool, held, Batch(state, events=[NewEvent("partial")]))


@pytest.mark.parametrize("diagnostics", [False, True])
async def test_a_takeover_goes_on_where_the_first_carrier_stopped(
    pool: Pool, diagnostics: bool
) -> None:
    created = []
    for cuts in ([], [3, 6]):
        run = await create(pool, "a", "b")
        for cut in [*cuts, None]:
            (held,) = await claim(pool)
            state = await queue.load_state(pool, held)
            messages = list(whole_run("a", "b", diagnostics=diagnostics))[:cut]
            await commit(pool, held, Reader(1).read(state, messages))
            await expire(pool, run)
        created.append(run)
    undisturbed, taken = created
    found = await events(pool, taken)
    seen = [(e["method_id"], e["step"]) for e in found if e["type"] == "partial"]
    assert len(seen) == len(set(seen)) == 20
    assert await numbers(pool, taken) == await numbers(pool, undisturbed)
    one, other = await runs.get(pool, undisturbed), await runs.get(pool, taken)
    assert one is not None
    assert other is not None
    assert one["methods"] == other["methods"]
    expected = gathered_json(10) if diagnostics else None
    assert other["methods"]["b"]["diagnostics"] == expected


async def numbers(pool: Pool, run: UUID) -> list[bytes]:
    """Of all methods, each with its diagnostics."""
    lines = []
    for extent in await points.extents(pool, run):
        for replicate in range(extent.replicate_count):
            step = 0
            while step <= extent.last_step:
                page, step = await points.page(pool, run, extent, replicate, step, diagnostics=True)
                lines.append(page)
    return [b"".join(lines)]


async def test_attempts_count_only_those_without_progress(pool: Pool) -> None:
    run = await create(pool)
    attempts = []
    for first in (None, None, 0, None, None):
        (held,) = await claim(pool)
        attempts.append(held.attempts)
        if first is not None:
            batch = Reader(1).read(fresh_state(held), [progress("a", first, 2)])
            await commit(pool, held, batch)
        await expire(pool, run)
    assert attempts == [1, 2, 3, 1, 2]


async def test_release_waits_and_a_stopping_process_is_forgiven(pool: Pool) -> None:
    run = await create(pool)
    (held,) = await claim(pool)
    await queue.release(pool, held, delay=60, forgive=False)
    assert await claim(pool) == []
    await expire(pool, run)
    carrier = uuid4()
    (held,) = await queue.claim(pool, carrier, limit=1, lease=LEASE)
    assert held.attempts == 2
    await queue.release_all(pool, carrier)
    (held,) = await claim(pool)
    assert held.attempts == 2


async def test_a_process_does_not_claim_what_it_carries_itself(pool: Pool) -> None:
    run = await create(pool)
    await claim(pool)
    await expire(pool, run)
    assert await queue.claim(pool, uuid4(), limit=1, lease=LEASE, not_these=[run]) == []


async def test_a_checkpoint_is_kept_whole_and_goes_with_the_run(pool: Pool) -> None:
    run = await create(pool)
    (held,) = await claim(pool)
    state = fresh_state(held)
    for step, parts in ((2, (b"old", b"two", b"three")), (4, (b"new", b"\0\xff"))):
        batch = Reader(1).read(state, checkpoint(step, *parts))
        await commit(pool, held, batch)
    found = await queue.load_checkpoint(pool, run)
    assert found is not None
    assert (found.step, found.parts) == (4, (b"new", b"\0\xff"))
    await commit(pool, held, Reader(1).read(state, whole_run("a")))
    assert await queue.load_checkpoint(pool, run) is None


async def test_points_keep_every_replicate_and_nan_is_empty(pool: Pool) -> None:
    run = await create(pool, replicates=2, steps=6)
    (held,) = await claim(pool)
    messages = [
        progress("a", 0, 4, 2, nan_from=3, diagnostic_series=DIAGNOSTIC_SERIES),
        progress("a", 4, 2, 2, nan_from=3, diagnostic_series=DIAGNOSTIC_SERIES),
    ]
    await commit(pool, held, Reader(3).read(fresh_state(held), messages))
    (text,) = await numbers(pool, run)
    rows = [line.split(",") for line in text.decode().splitlines()]
    assert [(int(r[4]), int(r[0])) for r in rows] == [(r, k) for r in (0, 1) for k in range(6)]
    for row in rows:
        step, replicate = int(row[0]), int(row[4])
        names = ["error_b", "error_a", "", *ALL_SERIES[2:]]
        for name, cell in zip(names, row[2:], strict=True):
            if name and replicate == 1 and step >= 3:
                assert cell == ""
            elif name:
                assert float(cell) == value(name, replicate, step)


async def test_what_compute_did_not_send_is_null_and_empty(pool: Pool) -> None:
    run = await create(pool, steps=4)
    (held,) = await claim(pool)
    nothing = progress("a", 2, 2, diagnostic_series=["crps_analysis"])
    nothing.progress.replicates.crps_analysis[:] = [math.nan] * 2
    messages = [progress("a", 0, 2, diagnostic_series=["crps_analysis"]), nothing]
    await commit(pool, held, Reader(1).read(fresh_state(held), messages))
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT crps_analysis, desroziers_error FROM learnda.points ORDER BY first_step"
        )
        crps = [value("crps_analysis", 0, step) for step in (0, 1)]
        assert await cursor.fetchall() == [
            {"crps_analysis": crps, "desroziers_error": None},
            {"crps_analysis": None, "desroziers_error": None},
        ]
    (text,) = await numbers(pool, run)
    cells = [line.split(",")[9:] for line in text.decode().splitlines()]
    assert cells == [*[[f"{number:g}", "", "", "", ""] for number in crps], *[[""] * 5] * 2]


async def test_diagnostics_are_committed_with_their_points(pool: Pool) -> None:
    run = await create(pool, "a", "b")
    (held,) = await claim(pool)
    state, reader = fresh_state(held), Reader(1)
    found = []
    for message in (
        progress("a", 0, 2),
        progress("a", 2, 2, diagnostics=gathered(4)),
        progress("a", 4, 2),
        method_completed("a", diagnostics=gathered(6)),
    ):
        batch = reader.read(state, [message])
        await commit(pool, held, batch)
        state = batch.state
        assert await queue.load_state(pool, held) == state
        stored = await runs.get(pool, run)
        assert stored is not None
        found.append(stored["methods"]["a"]["diagnostics"])
        assert stored["methods"]["b"]["diagnostics"] is None
    assert found == [None, *[gathered_json(4)] * 2, gathered_json(6)]


async def test_large_numbers_are_read_back_as_they_were_sent(pool: Pool) -> None:
    """A method that has lost the truth: 1e20 must not come back as an integer of 21 digits."""
    run = await create(pool)
    (held,) = await claim(pool)
    far = pb.Diagnostics(lead_rmse=[1e20, 1e300, 5e-324, 0.1])
    await commit(
        pool, held, Reader(1).read(fresh_state(held), [progress("a", 0, 1, diagnostics=far)])
    )
    stored = await runs.get(pool, run)
    assert stored is not None
    assert repr(stored["methods"]["a"]["diagnostics"]["lead_rmse"]) == repr(list(far.lead_rmse))


async def test_cancel_ends_a_run_at_once_and_fences_its_carrier(pool: Pool) -> None:
    run = await create(pool, "a", "b")
    (held,) = await claim(pool)
    await commit(pool, held, Reader(1).read(fresh_state(held), [progress("a", 0, 3)]))
    assert await runs.cancel(pool, run) == "cancelled"
    with pytest.raises(queue.Fenced):
        await commit(pool, held, Reader(1).read(fresh_state(held), [progress("a", 0, 4)]))
    found = await events(pool, run)
    assert found[-1]["type"] == "run_cancelled"
    assert await runs.cancel(pool, run) == "cancelled"
    assert await events(pool, run) == found
    stored = await runs.get(pool, run)
    assert stored is not None
    assert [m["status"] for m in stored["methods"].values()] == ["cancelled"] * 2
    await expire(pool, run)
    assert await claim(pool) == []


async def test_delete_hides_at_once_and_rows_go_after_the_grace(pool: Pool) -> None:
    """Case 26, in the database."""
    run, other = await create(pool), await create(pool)
    assert await runs.delete(pool, run)
    assert not await runs.delete(pool, run)
    assert await runs.get(pool, run) is None
    assert await runs.cancel(pool, run) is None
    assert [s.run_id for s in await runs.standing(pool, [run, other])] == [other]
    assert (await events(pool, run))[-1]["type"] == "run_cancelled"
    assert await runs.remove_old(pool, ttl=1e9, grace=1e9) == 0
    assert await runs.remove_old(pool, ttl=1e9, grace=0) == 1
    async with pool.connection() as connection:
        for table in ("run", "method", "points", "event", "checkpoint"):
            column = "id" if table == "run" else "run_id"
            cursor = await connection.execute(
                f"SELECT count(*) AS n FROM learnda.{table} WHERE {column} = %s", [run]
            )
            assert await cursor.fetchone() == {"n": 0}


async def test_only_finished_runs_grow_old(pool: Pool) -> None:
    await create(pool)
    run = await create(pool)
    await runs.cancel(pool, run)
    assert await runs.remove_old(pool, ttl=0, grace=1e9) == 1
    assert await runs.counts(pool) == {"queued": 1}


@pytest.mark.parametrize("words", [{"name": "for the lecture"}, {"note": "why?"}, {"shared": True}])
async def test_what_people_named_noted_or_shared_is_kept(pool: Pool, words: dict[str, Any]) -> None:
    kept, other = await create(pool), await create(pool)
    for run in (kept, other):
        await runs.cancel(pool, run)
    assert await runs.describe(pool, kept, words)
    assert await runs.remove_old(pool, ttl=0, grace=1e9) == 1
    assert await runs.get(pool, other) is None
    assert await runs.get(pool, kept) is not None
    assert await runs.describe(
        pool, kept, dict.fromkeys(words, False if "shared" in words else None)
    )
    assert await runs.remove_old(pool, ttl=0, grace=1e9) == 1


async def test_a_run_that_is_kept_can_be_deleted(pool: Pool) -> None:
    run = await create(pool)
    await runs.describe(pool, run, {"shared": True})
    assert await runs.delete(pool, run)
    assert not await runs.describe(pool, run, {"name": "too late"})
    assert await runs.remove_old(pool, ttl=1e9, grace=0) == 1


async def test_pages_of_the_list(pool: Pool) -> None:
    created = [await create(pool) for _ in range(7)]
    await runs.cancel(pool, created[3])
    found: list[UUID] = []
    after = None
    while True:
        rows = await runs.page(pool, limit=3, status=None, after=after)
        found += [row["run_id"] for row in rows]
        if len(rows) < 3:
            break
        after = runs.PageMark(rows[-1]["created_us"], rows[-1]["run_id"])
    assert found == created[::-1]
    rows = await runs.page(pool, limit=10, status="cancelled", after=None)
    assert [row["run_id"] for row in rows] == [created[3]]
