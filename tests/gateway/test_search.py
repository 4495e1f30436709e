"""The list of runs, searched by what people know a run by."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest
from gateway_process import GatewayProcess
from stream_messages import experiment, queued

from gateway.database import Pool
from gateway.store import runs


async def found(pool: Pool, text: str) -> list[UUID]:
    return [row["run_id"] for row in await runs.page(pool, limit=10, words=text.split())]


async def test_every_word_must_occur_somewhere(pool: Pool) -> None:
    """In name, note, id, or the methods' names and labels; in small letters or capitals."""
    lecture = await queued(pool, experiment("first", "second"))
    await runs.describe(pool, lecture, {"name": "Lecture 3: Größe", "note": "too few members"})
    other = await queued(pool, experiment("third"))
    assert await found(pool, "") == [other, lecture]
    assert await found(pool, "lecture FEW größe") == [lecture]
    assert await found(pool, "ETKF") == [other, lecture]
    assert await found(pool, "second label") == [lecture]
    assert await found(pool, str(other)[:8]) == [other]
    assert await found(pool, "lecture third") == []


@pytest.mark.parametrize("text", ["100%", "a_b", "back\\slash"])
async def test_a_word_is_no_pattern(pool: Pool, text: str) -> None:
    named, other = await queued(pool, experiment("a")), await queued(pool, experiment("a"))
    await runs.describe(pool, named, {"name": f"<{text}>"})
    await runs.describe(pool, other, {"name": "100 axb backslash"})
    assert await found(pool, text) == [named]


async def test_a_search_goes_on_behind_its_page(pool: Pool, postgres_url: str) -> None:
    made = [await queued(pool, experiment("a")) for _ in range(5)]
    for run in made[::2]:
        await runs.describe(pool, run, {"note": "odd"})
    with GatewayProcess(postgres_url, "127.0.0.1:9", EVENT_TTL_SECONDS="7200") as gateway:
        api = httpx.AsyncClient(base_url=gateway.url, timeout=30)
        seen: list[str] = []
        cursor = ""
        while cursor is not None:
            query = {"search": "odd", "limit": "2", "cursor": cursor}
            answer = await api.get("/api/runs", params=query)
            page = answer.raise_for_status().json()
            seen += [run["run_id"] for run in page["runs"]]
            cursor = page["next_cursor"]
            assert page["expire_seconds"] == 7200
        assert seen == [str(run) for run in made[::-2]]
        for text, status in (("\0", 200), ("x" * 201, 422)):
            assert (await api.get("/api/runs", params={"search": text})).status_code == status
        await api.aclose()
