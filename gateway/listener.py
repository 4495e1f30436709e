"""One connection that listens: hints from every gateway on the same database."""

from __future__ import annotations

from collections.abc import Callable

from psycopg import AsyncConnection

from gateway.store import notify


class Listener:
    """Hands hints on. While it is disconnected, slow polling does its work."""

    def __init__(
        self,
        url: str,
        *,
        on_queued: Callable[[], None],
        on_written: Callable[[notify.Written], None],
        on_connected: Callable[[], None],
    ) -> None:
        self._url = url
        self._on_queued = on_queued
        self._on_written = on_written
        self._on_connected = on_connected

    async def listen(self) -> None:
        """Until the connection breaks, which raises psycopg.OperationalError."""
        connection = await AsyncConnection.connect(
            self._url, autocommit=True, application_name="learn-da listener", connect_timeout=5
        )
        async with connection:
            await connection.execute(f"LISTEN {notify.CHANNEL}")
            self._on_connected()  # what was said before is lost: look
            async for hint in connection.notifies():
                if hint.payload == notify.QUEUED:
                    self._on_queued()
                elif (written := notify.read(hint.payload)) is not None:
                    self._on_written(written)
