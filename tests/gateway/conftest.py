"""A migrated database of its own for each test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from gateway.database import Pool, make_pool, migrate


@pytest_asyncio.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    """Connections to an empty database with our tables."""
    pool = make_pool(postgres_url, size=5)
    async with pool:
        await migrate(pool)
        yield pool
