"""Keeps the services of one machine up, and takes them down in order.

The services are started in order, after one that the others need only when it is ready, and
stopped from the last to the first. One that dies is started again, with growing pauses; when one
cannot stay up, all are stopped and ``run`` raises.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence

from learnda.local.services import CONFIGURATION_ERROR, Service, described

START_SECONDS = 60.0
"""A service that is not ready by then is started anew; crash recovery and compiling included."""
STEADY_SECONDS = 5.0
"""One that was ready for this long has stayed up: its next death counts as the first."""
MAX_RESTARTS = 6
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
POLL_SECONDS = 0.05


class ServiceDownError(Exception):
    """A service does not stay up; the message is for people."""


class Supervisor:
    """``run()`` returns after a signal asked for the end, and raises when a service gave up."""

    def __init__(self, services: Sequence[Service], say: Callable[[str], None]) -> None:
        self._services = services
        self._say = say
        self._processes: dict[Service, subprocess.Popen[bytes]] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._asked_to_stop = asyncio.Event()
        self._in_haste = False

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Start everything, call ``on_ready``, and keep it up until SIGINT, SIGTERM or SIGHUP."""
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(sig, self._ask_to_stop)
        work = asyncio.create_task(self._keep_all(on_ready))
        asked = asyncio.create_task(self._asked_to_stop.wait())
        try:
            await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await work
        finally:
            tasks = (work, asked, *self._keepers)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._stop_all()

    def _ask_to_stop(self) -> None:
        if self._asked_to_stop.is_set():
            self._in_haste = True  # asked twice: no more grace
        else:
            self._say("Stopping")
        self._asked_to_stop.set()

    # ------------------------------------------------------------ up

    async def _keep_all(self, on_ready: Callable[[], None]) -> None:
        ready = {service: asyncio.Event() for service in self._services}
        for service in self._services:
            await service.prepare()
            self._keepers.append(asyncio.create_task(self._keep(service, ready[service])))
            if service.others_need_it:
                await self._first(ready[service].wait())
        for event in ready.values():
            await self._first(event.wait())
        on_ready()
        await self._first(asyncio.Event().wait())

    async def _first(self, awaited: Awaitable[object]) -> None:
        """Wait for it, unless a keeper gives up before."""
        waiting = asyncio.ensure_future(awaited)
        try:
            await asyncio.wait({waiting, *self._keepers}, return_when=asyncio.FIRST_COMPLETED)
            for keeper in self._keepers:
                if keeper.done():
                    await keeper
        finally:
            waiting.cancel()

    async def _keep(self, service: Service, ready: asyncio.Event) -> None:
        """Start the service and start it again whenever it ends."""
        deaths = 0
        while True:
            process = self._processes[service] = service.spawn()
            since = await self._until_ready(service, process)
            if since is not None:
                if ready.is_set():
                    self._say(f"{service.name} is back")
                ready.set()
                while process.poll() is None:  # noqa: ASYNC110 - needs no thread, no handler
                    await asyncio.sleep(POLL_SECONDS)
                if time.monotonic() - since > STEADY_SECONDS:
                    deaths = 0
            deaths += 1
            status = process.wait()
            if status == CONFIGURATION_ERROR or deaths > MAX_RESTARTS:
                raise ServiceDownError(f"{service.name} does not stay up ({described(status)})")
            pause = min(FIRST_PAUSE * 2 ** (deaths - 1), LONGEST_PAUSE)
            self._say(f"{service.name} ended ({described(status)}): again in {pause:.1f} s")
            await asyncio.sleep(pause)

    async def _until_ready(
        self, service: Service, process: subprocess.Popen[bytes]
    ) -> float | None:
        """Since when it is ready; None if it ended before, or took too long and was killed."""
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None:
            if await service.is_ready() and process.poll() is None:
                return time.monotonic()
            if time.monotonic() > deadline:
                self._say(f"{service.name} is not ready after {START_SECONDS:.0f} s")
                process.kill()
                break
            await asyncio.sleep(POLL_SECONDS)
        return None

    # ------------------------------------------------------------ down

    async def _stop_all(self) -> None:
        for service in reversed(self._services):
            process = self._processes.get(service)
            if process is not None:
                await self._stop(service, process)
            service.release()

    async def _stop(self, service: Service, process: subprocess.Popen[bytes]) -> None:
        for sig, seconds in service.stop_signals:
            if process.poll() is not None:
                return
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(sig)
            deadline = time.monotonic() + seconds
            while process.poll() is None and time.monotonic() < deadline:
                if self._in_haste and sig != signal.SIGKILL:
                    break
                await asyncio.sleep(POLL_SECONDS)
