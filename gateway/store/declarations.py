"""What compute publishes about its methods, kept for when it is away."""

from __future__ import annotations

from gateway.database import Pool


async def load(pool: Pool) -> bytes | None:
    """The last published ListMethodsResponse, serialised."""
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT methods FROM learnda.declaration")
        row = await cursor.fetchone()
    return None if row is None else bytes(row["methods"])


async def keep(pool: Pool, methods: bytes) -> None:
    """Replace it."""
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO learnda.declaration (methods, refreshed_at) VALUES (%s, now())"
            " ON CONFLICT (only_row) DO UPDATE"
            " SET methods = excluded.methods, refreshed_at = excluded.refreshed_at",
            [methods],
        )
