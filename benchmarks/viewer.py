"""Requests to a running LEARN-DA, and viewers of their events that cost next to nothing.

A viewer counts the `partial` events of the raw stream and decodes none, so that hundreds of them
leave the processor to the server that is timed.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PARTIAL = b"event: partial\n"
COMPLETED = b"event: run_completed\n"
DONE = b"event: done\n"
READ_BYTES = 1 << 16
RETRY_SECONDS = 0.01
PATIENCE = 10.0
"""Seconds in which a service that has just started must come to accept a run."""


class StreamBroken(Exception):
    """A stream ended before its run's terminal event."""


@dataclass
class Seen:
    """What a viewer saw, on the clock of ``time.perf_counter``."""

    run_id: str
    posted: float = 0.0
    """When the POST was begun."""
    first_partial: float = 0.0
    completed: float = 0.0
    partials: int = 0
    bytes: int = field(default=0)


async def post(url: str, request: dict[str, Any]) -> str:
    """POST /api/runs, again while the service is not up to it: the run's id."""
    body = json.dumps(request).encode()
    deadline = time.monotonic() + PATIENCE
    while True:
        reader, writer = await _connect(url, "POST", "/api/runs", body)
        try:
            answer = await reader.read()
        finally:
            writer.close()
        head, _, content = answer.partition(b"\r\n\r\n")
        status = head.split(b" ", 2)[1]
        if status == b"200":
            found: str = json.loads(content)["run_id"]
            return found
        if status != b"503" or time.monotonic() > deadline:
            raise RuntimeError(f"POST /api/runs: {content.decode(errors='replace')}")
        await asyncio.sleep(RETRY_SECONDS)


async def watch(url: str, run_id: str) -> Seen:
    """Read a run's events from the first to `done`."""
    seen = Seen(run_id)
    reader, writer = await _connect(url, "GET", f"/api/runs/{run_id}/events")
    try:
        tail = b""  # an event's name may lie across two reads
        while part := await reader.read(READ_BYTES):
            seen.bytes += len(part)
            window = tail + part
            seen.partials += window.count(PARTIAL) - tail.count(PARTIAL)
            if seen.partials and not seen.first_partial:
                seen.first_partial = time.perf_counter()
            if not seen.completed and COMPLETED in window:
                seen.completed = time.perf_counter()
            if DONE in window:
                break
            tail = window[-len(COMPLETED) :]
    finally:
        writer.close()
    if not seen.completed:
        raise StreamBroken(f"run {run_id}: no run_completed in its stream")
    return seen


async def carry_out(url: str, request: dict[str, Any]) -> Seen:
    """POST a request and watch it to its end."""
    posted = time.perf_counter()
    seen = await watch(url, await post(url, request))
    seen.posted = posted
    return seen


async def download(url: str, path: str) -> int:
    """GET a file: the bytes that came, the framing included."""
    reader, writer = await _connect(url, "GET", path)
    total = 0
    try:
        while part := await reader.read(READ_BYTES):
            total += len(part)
    finally:
        writer.close()
    return total


async def _connect(
    url: str, verb: str, path: str, body: bytes = b""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request on a connection of its own, which the server closes after the answer."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port, limit=1 << 20)
    writer.write(
        f"{verb} {path} HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    await writer.drain()
    return reader, writer
