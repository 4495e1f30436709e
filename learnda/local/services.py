"""The services of one machine: how each is started, when it is ready, how it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path

from learnda.local.postgres import EmbeddedPostgres
from learnda.local.processes import die_with_parent

PROBE_SECONDS = 2.0
CONFIGURATION_ERROR = 2
"""Exit status of a service whose settings are wrong: starting it again would not help."""


class Service(ABC):
    """A child process that the supervisor keeps up."""

    name: str
    stop_signals: tuple[tuple[signal.Signals, float], ...]
    """Signals that end it, in order, each with the seconds it is given."""
    others_need_it = False
    """True when the services after it cannot start without it."""

    @abstractmethod
    async def prepare(self) -> None:
        """Do what comes once, before the first start."""

    @abstractmethod
    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the process, in a session of its own, never to outlive us."""

    @abstractmethod
    async def is_ready(self) -> bool:
        """True when it does its work."""

    @abstractmethod
    def release(self) -> None:
        """Give back what ``prepare`` took, after the process has ended."""


class PostgresService(Service):
    """The embedded PostgreSQL."""

    name = "Postgres"
    others_need_it = True
    stop_signals = ((signal.SIGINT, 2.0), (signal.SIGQUIT, 1.0), (signal.SIGKILL, 0.5))

    def __init__(self, data_dir: Path) -> None:
        self.server = EmbeddedPostgres(data_dir)

    async def prepare(self) -> None:
        await asyncio.to_thread(self.server.prepare)

    def spawn(self) -> subprocess.Popen[bytes]:
        return self.server.spawn()

    async def is_ready(self) -> bool:
        return await asyncio.to_thread(self.server.is_ready)

    def release(self) -> None:
        self.server.stop()


class Command(Service):
    """One of our own services: ``learn-da compute`` or ``learn-da gateway``."""

    niceness = 0
    """By how much it stands back behind the others."""

    def __init__(self, name: str, grace: float) -> None:
        self.name = name
        self.stop_signals = ((signal.SIGTERM, grace), (signal.SIGKILL, 0.5))

    @abstractmethod
    def environment(self) -> Mapping[str, str]:
        """Its settings, as they are when it starts."""

    async def prepare(self) -> None:
        """Nothing comes before it."""

    def release(self) -> None:
        """It holds nothing."""

    def spawn(self) -> subprocess.Popen[bytes]:
        # -P: a folder called "compute" where the user stands must not be taken for ours
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "learnda.cli", self.name],
            env={**os.environ, **self.environment()},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL, self.niceness),
        )


class ComputeService(Command):
    """The compute server; ready when it listens (that it serves, the gateway's probe tells).

    It wants every core for as long as there are runs: who asks the gateway meanwhile comes first.
    """

    niceness = 10

    def __init__(
        self,
        host: str,
        port: int,
        cache: Path,
        *,
        settings: Mapping[str, str] | None = None,
        grace: float = 2.0,
    ) -> None:
        super().__init__("compute", grace)
        self.address = f"{bracketed(reachable(host))}:{port}"
        self._host, self._port, self._cache = host, port, cache
        self._settings = settings or {}

    def environment(self) -> Mapping[str, str]:
        return {
            "LEARNDA_COMPUTE_HOST": self._host,
            "LEARNDA_COMPUTE_PORT": str(self._port),
            "LEARNDA_CACHE_DIR": str(self._cache),
            **self._settings,
        }

    async def is_ready(self) -> bool:
        return await _exchange((reachable(self._host), self._port), b"") is not None


class GatewayService(Command):
    """The gateway; ready when it says so, which needs the database and compute too."""

    def __init__(
        self,
        host: str,
        port: int,
        compute_address: str,
        database_url: Callable[[], str],
        *,
        settings: Mapping[str, str] | None = None,
        grace: float = 4.0,
    ) -> None:
        """``database_url`` is asked at each start: an embedded server's is known late."""
        super().__init__("gateway", grace)
        self.url = f"http://{bracketed(reachable(host))}:{port}"
        self._host, self._port = host, port
        self._compute_address = compute_address
        self._database_url = database_url
        self._settings = settings or {}

    def environment(self) -> Mapping[str, str]:
        return {
            "LEARNDA_HOST": self._host,
            "LEARNDA_PORT": str(self._port),
            "DATABASE_URL": self._database_url(),
            "LEARNDA_COMPUTE_ADDRESS": self._compute_address,
            **self._settings,
        }

    async def is_ready(self) -> bool:
        question = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        answer = await _exchange((reachable(self._host), self._port), question)
        return answer is not None and answer.split(b" ")[1:2] == [b"200"]


class PortInUseError(Exception):
    """Somebody else listens where a service is to listen; the message is for people."""


def free_port(host: str) -> int:
    """A port that nobody listens at now."""
    with _bound(host, 0) as listener:
        port: int = listener.getsockname()[1]
        return port


def check_port(host: str, port: int, setting: str) -> None:
    """Raise unless a service can listen there; ``setting`` is how to choose another port."""
    try:
        _bound(host, port).close()
    except OSError as error:
        raise PortInUseError(
            f"Cannot listen at {bracketed(host)}:{port}: {error.strerror or error}. "
            f"Choose another port with {setting}."
        ) from error


def reachable(host: str) -> str:
    """The address under which this machine itself reaches a server that listens at ``host``."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)


def bracketed(host: str) -> str:
    """The host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def _bound(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


async def _exchange(address: tuple[str, int], question: bytes) -> bytes | None:
    """Connect, ask (if there is something to ask), return the first line; None if it fails."""
    writer = None
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(*address)
            if not question:
                return b""
            writer.write(question)
            return await reader.readline()
    except (OSError, TimeoutError):
        return None
    finally:
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def described(status: int) -> str:
    """How a process ended, in words."""
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}"
