"""The queue among several clients: whose turn it is, how much of it one may have."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import UUID, uuid4

import httpx
import pytest
from gateway_process import GatewayProcess, follow, post
from stream_messages import experiment, queued, whole_run

from gateway.callers import Caller
from gateway.carrier import fresh_state
from gateway.database import Pool
from gateway.events import Reader
from gateway.records import Claim
from gateway.store import admission, queue, runs
from learnda.quotas import Quota

ANNA = Caller("anna", Quota(max_queued=3))


async def create(
    pool: Pool, caller: Caller = ANNA, *, max_queued: int = 100, once: runs.Once | None = None
) -> UUID:
    run_id, _ = await runs.create(pool, experiment("a"), caller, max_queued=max_queued, once=once)
    return run_id


async def claim(pool: Pool, limit: int = 1, lease: float = 30) -> list[Claim]:
    return await queue.claim(pool, uuid4(), limit=limit, lease=lease)


async def ask(pool: Pool, sql: str) -> float:
    async with pool.connection() as connection:
        row = await (await connection.execute(f"SELECT ({sql})::float8 AS found")).fetchone()
    assert row is not None
    return float(row["found"])


# ---------------------------------------------------------------- turns


async def test_turns_go_round_the_clients(pool: Pool) -> None:
    """Forty runs of one keep another's two waiting for one turn, not for forty."""
    of = {await queued(pool, experiment("a"), "many"): "many" for _ in range(40)}
    of |= {await queued(pool, experiment("a"), "few"): "few" for _ in range(2)}
    order = [of[held.run_id] for _ in range(6) for held in await claim(pool)]
    assert order == ["many", "few", "many", "few", "many", "many"]


async def test_one_clients_runs_come_in_their_order(pool: Pool) -> None:
    made = [await queued(pool, experiment("a"), "anna") for _ in range(5)]
    assert [held.run_id for held in await claim(pool, limit=5)] == made


async def test_what_goes_on_counts_at_every_gateway(pool: Pool) -> None:
    """Who has three runs going is behind who has none, whichever process carries them."""
    for _ in range(6):
        await queued(pool, experiment("a"), "many")
    await claim(pool, limit=3)
    late = await queued(pool, experiment("a"), "few")
    assert [held.run_id for held in await claim(pool, limit=1)] == [late]


async def test_a_silent_carriers_run_waits_for_its_clients_turn(pool: Pool) -> None:
    lost = await queued(pool, experiment("a"), "anna")
    await claim(pool, lease=0.001)
    await asyncio.sleep(0.01)
    others = [await queued(pool, experiment("a"), name) for name in ("anna", "bert")]
    assert [held.run_id for held in await claim(pool, limit=3)] == [lost, *others]


async def test_a_run_that_waits_has_its_place_in_the_order_of_the_turns(pool: Pool) -> None:
    made = [await queued(pool, experiment("a"), name) for name in ("many", "many", "many", "few")]
    assert [await queue.place(pool, run) for run in made] == [1, 3, 4, 2]
    order = [held.run_id for _ in range(4) for held in await claim(pool)]
    assert order == [made[0], made[3], made[1], made[2]]
    assert await queue.place(pool, made[0]) is None


async def test_carriers_at_once_share_without_waiting_for_each_other(pool: Pool) -> None:
    made = [await queued(pool, experiment("a"), f"client {k % 3}") for k in range(24)]
    taken = await asyncio.gather(*(claim(pool, limit=6) for _ in range(4)))
    rest = await claim(pool, limit=24)  # what two reached for in the same instant
    ids = [held.run_id for batch in (*taken, rest) for held in batch]
    assert Counter(ids) == Counter(made)


# ---------------------------------------------------------------- bounds


async def test_one_client_has_so_many_runs_and_no_more(pool: Pool) -> None:
    made = [await create(pool) for _ in range(3)]
    with pytest.raises(admission.TooManyRuns, match=r"you have 3 runs .* 3 are allowed"):
        await create(pool)
    await create(pool, Caller("bert", Quota()))
    await runs.cancel(pool, made[1])
    await create(pool)


async def test_all_clients_together_have_a_bound(pool: Pool) -> None:
    for k in range(3):
        await create(pool, Caller(f"client {k}", Quota()), max_queued=3)
    with pytest.raises(admission.TooManyRuns, match="the queue is full: 3 runs"):
        await create(pool, Caller("another", Quota()), max_queued=3)


async def test_seconds_of_compute_are_counted_and_outlive_the_run(pool: Pool) -> None:
    caller = Caller("anna", Quota(compute_seconds=2.0))
    for _ in range(2):  # whole_run says that it took 1.5 s
        run = await create(pool, caller)
        (held,) = await claim(pool)
        await queue.commit(pool, held, Reader(1).read(fresh_state(held), whole_run("a")), lease=9)
        await runs.delete(pool, run)
        await runs.remove_old(pool, ttl=0, grace=0)
    assert await ask(pool, "SELECT count(*) FROM learnda.run") == 0
    assert await ask(pool, "SELECT sum(seconds) FROM learnda.usage") == 3.0
    with pytest.raises(admission.TooManyRuns, match="took 3 s within 24 hours, and 2 s") as refusal:
        await create(pool, caller)
    assert 23 * 3600 < refusal.value.retry_after <= 25 * 3600
    await create(pool, Caller("bert", Quota(compute_seconds=2.0)))
    async with pool.connection() as connection:
        await connection.execute("UPDATE learnda.usage SET hour = hour - interval '25 hours'")
    await create(pool, caller)


async def test_a_cancelled_run_is_charged_for_the_time_it_went_on(pool: Pool) -> None:
    waiting, going = await create(pool), await create(pool)
    async with pool.connection() as connection:
        await connection.execute(
            "UPDATE learnda.run SET status = 'running', started_at = clock_timestamp()"
            " - interval '90 seconds' WHERE id = %s",
            [going],
        )
    for run in (waiting, going):
        await runs.cancel(pool, run)
    assert 90 <= await ask(pool, "SELECT sum(seconds) FROM learnda.usage") < 100


# ---------------------------------------------------------------- posted twice


async def test_the_same_key_in_the_same_instant_makes_one_run(pool: Pool) -> None:
    once = runs.Once("key", b"digest")
    made = await asyncio.gather(*(create(pool, once=once) for _ in range(5)))
    assert len(set(made)) == 1
    assert await ask(pool, "SELECT count(*) FROM learnda.run") == 1
    assert await ask(pool, "SELECT count(*) FROM learnda.event") == 1


async def test_a_key_is_its_clients_own(pool: Pool) -> None:
    once = runs.Once("key", b"digest")
    assert await create(pool, once=once) != await create(pool, Caller("bert", Quota()), once=once)


async def test_a_run_posted_before_is_told_when_there_is_no_room(pool: Pool) -> None:
    once = runs.Once("key", b"digest")
    first = await create(pool, once=once)
    for _ in range(2):
        await create(pool)
    assert await create(pool, once=once) == first


async def test_a_deleted_runs_key_is_free_when_its_rows_are_gone(pool: Pool) -> None:
    once = runs.Once("key", b"digest")
    first = await create(pool, once=once)
    await runs.delete(pool, first)
    with pytest.raises(runs.KeyOfDeletedRun):
        await create(pool, once=once)
    await runs.remove_old(pool, ttl=0, grace=0)
    assert await create(pool, once=once) != first


def test_case_25_the_same_post_twice_makes_one_run(stack: str) -> None:
    """However it was written; the same key with another body is refused."""
    with httpx.Client(base_url=stack, timeout=30) as api:
        headers = {"Idempotency-Key": str(uuid4())}
        body = {"end_time": 0.3, "methods": [{"id": "a", "name": "etkf"}]}
        first = api.post("/api/runs", json=body, headers=headers)
        other_way = '{"methods" : [{"name": "etkf", "id": "\\u0061"}], "end_time": 0.3}'
        again = api.post("/api/runs", content=other_way, headers=headers)
        assert (first.status_code, again.status_code) == (200, 200)
        run_id = first.json()["run_id"]
        assert again.json()["run_id"] == run_id
        follow(api, run_id)
        third = api.post("/api/runs", json=body, headers=headers)
        assert third.json() == {"run_id": run_id, "status": "completed"}
        refused = api.post("/api/runs", json={**body, "seed": 5}, headers=headers)
        assert refused.status_code == 422
        assert [e["field"] for e in refused.json()["errors"]] == ["Idempotency-Key"]
        without = [api.post("/api/runs", json=body).json()["run_id"] for _ in range(2)]
        assert len({run_id, *without}) == 3
        empty = api.post("/api/runs", json=body, headers={"Idempotency-Key": ""})
        assert empty.status_code == 422


# ---------------------------------------------------------------- over HTTP


def test_no_room_is_429_with_when_to_come_again(postgres_url: str, compute_address: str) -> None:
    long = {"end_time": 100_000.0, "methods": [{"id": "a", "name": "etkf"}]}
    with (
        GatewayProcess(postgres_url, compute_address, LEARNDA_MAX_QUEUED="2") as gateway,
        httpx.Client(base_url=gateway.url, timeout=30) as api,
    ):
        while api.get("/readyz").status_code != 200:
            pass
        made = [post(api, long) for _ in range(2)]
        refused = api.post("/api/runs", json=long)
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["Retry-After"]) > 0
        assert "the queue is full" in refused.json()["error"]
        for run_id in made:
            api.post(f"/api/runs/{run_id}/cancel")
        api.delete(f"/api/runs/{post(api, long)}")


def test_one_client_may_queue_forty_runs(stack: str) -> None:
    with httpx.Client(base_url=stack, timeout=30) as api:
        body = {"end_time": 0.2, "methods": [{"id": "a", "name": "etkf"}]}
        for run_id in [post(api, body) for _ in range(40)]:
            assert follow(api, run_id)[-2].type == "run_completed"
