"""How every call ends: with a status that its client understands, and a line in the log."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import structlog

from compute.compression import compress_as_asked
from compute.failures import abort

log = structlog.get_logger(__name__)


@asynccontextmanager
async def ending(what: str, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[None]:
    """One call, ``what`` for the log: what goes wrong in it becomes its status."""
    began, ended = time.perf_counter(), "cancelled"
    try:
        compress_as_asked(context)
        yield
        ended = "completed"
    except Exception as error:
        ended = type(error).__name__
        await abort(context, error)
    finally:
        log.info(f"{what} ends", how=ended, seconds=round(time.perf_counter() - began, 3))
