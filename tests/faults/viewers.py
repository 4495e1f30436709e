"""Viewers in a process of their own: ``viewers.py HOST PORT COUNT PATH...``, each path in turn.

Prints ``watching`` when each has its first bytes. When a line is said to it, or each stream has
ended by itself, it prints how many streams ended with ``done``, and ends.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress

PATIENCE = 60.0
TAIL = 60
"""The last bytes of a stream: ``done`` and what says whose."""


class Viewer:
    """Reads one stream, keeps its last bytes."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.tail = b""

    async def watch(self, host: str, port: int, path: str) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                self.tail = (self.tail + data)[-TAIL:]
                self.begun.set()
                if self.is_done:
                    break
        writer.close()

    @property
    def is_done(self) -> bool:
        return b"event: done\n" in self.tail


async def main(host: str, port: int, count: int, paths: list[str]) -> None:
    viewers = [Viewer() for _ in range(count)]
    tasks = [
        asyncio.create_task(viewer.watch(host, port, paths[k % len(paths)]))
        for k, viewer in enumerate(viewers)
    ]
    async with asyncio.timeout(PATIENCE):
        for viewer in viewers:
            await viewer.begun.wait()
    print("watching", flush=True)
    told_to_stop = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    all_ended = asyncio.create_task(asyncio.wait(tasks))
    await asyncio.wait([told_to_stop, all_ended], return_when=asyncio.FIRST_COMPLETED)
    print(sum(viewer.is_done for viewer in viewers), flush=True)


if __name__ == "__main__":
    host, port, count, *paths = sys.argv[1:]
    os.nice(10)  # what they watch is measured, not they
    asyncio.run(main(host, int(port), int(count), paths))
