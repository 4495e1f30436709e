"""Serves the gateway until it is told to stop, with streams open or not."""

from __future__ import annotations

import asyncio
import logging
import math
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI

from gateway.app import create_app
from gateway.services import Services
from gateway.settings import Settings


class Server(uvicorn.Server):
    """Ends event streams before it waits for open requests; a signal is no failure."""

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Viewers come back to another gateway, or to this one after its restart, and resume."""
        services: Services | None = getattr(self._app.state, "services", None)
        if services is not None:
            services.hub.close()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Nothing is to be ended before the start is over: a database may be long in coming."""
        if not self.started:
            logging.getLogger("uvicorn.error").disabled = True  # that it did not start is no news
            raise SystemExit(0)
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM; uvicorn's own would end the process by the signal."""
        loop = asyncio.get_running_loop()
        stopping = (signal.SIGINT, signal.SIGTERM)
        for sig in stopping:
            loop.add_signal_handler(sig, self.handle_exit, sig, None)
        try:
            yield
        finally:
            for sig in stopping:
                loop.remove_signal_handler(sig)


async def serve(settings: Settings) -> None:
    """Until SIGINT or SIGTERM; OSError when the port is taken."""
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        lifespan="on",
        access_log=False,
        log_config=None,  # learnda.logs has configured it
        timeout_graceful_shutdown=math.ceil(settings.shutdown_timeout),
        server_header=False,
    )
    server = Server(app, config)
    with _listen(settings) as listening:
        await server.serve(sockets=[listening])
    if not server.started:
        raise SystemExit(3)  # the lifespan failed, and said why


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Named as TCP, so that asyncio turns Nagle's algorithm off for its connections.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Inherited by each connection: a client that vanished without a word, or takes nothing, is
        # given up this long after something was sent to it.
        milliseconds = math.ceil(1000 * settings.send_timeout)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    listening.bind((settings.host, settings.port))
    listening.listen(2048)
    return listening
