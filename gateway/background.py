"""Work that goes on for as long as the gateway lives, whatever goes wrong in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger(__name__)


async def keep_going(name: str, work: Callable[[], Awaitable[None]], pause: float) -> None:
    """Do ``work`` again and again; after a failure wait ``pause`` seconds first.

    A failure is logged when it begins, not each time while it lasts.
    """
    failing = False
    while True:
        try:
            await work()
            failing = False
        except Exception as error:  # a database that is away for a while, mostly
            if not failing:
                kind = type(error).__name__
                log.warning("background work fails", work=name, kind=kind, error=str(error).strip())
            failing = True
            await asyncio.sleep(pause)


async def woken(event: asyncio.Event, seconds: float) -> bool:
    """Wait until the event is set, at most so long, and clear it; False when time was up."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    return True
