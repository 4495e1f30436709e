"""The processes that the tests kill, each a context that leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import psycopg
from gateway_process import HOST, GatewayProcess
from waiting import until

from learnda.local.postgres import EmbeddedPostgres
from learnda.local.probes import is_ready
from learnda.local.processes import die_with_parent
from learnda.local.services import ComputeService, free_port

ROOT: Final = Path(__file__).resolve().parent.parent.parent
TICKS: Final = os.sysconf("SC_CLK_TCK")


class ComputeProcess:
    """``learn-da compute`` at one address, however often it is killed and started again."""

    def __init__(self) -> None:
        self._service = ComputeService(HOST, free_port(HOST), ROOT / ".cache" / "jax")
        self.address = self._service.address
        self.process: subprocess.Popen[bytes]

    def spawn(self) -> None:
        self.process = self._service.spawn()

    def start(self) -> None:
        self.spawn()
        until("compute is ready", self._ready, 60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def _ready(self) -> bool:
        assert self.process.poll() is None, "compute ended at its start"
        return is_ready(self.address)

    def __enter__(self) -> ComputeProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


@contextmanager
def running(*command: str | Path, **streams: int) -> Iterator[subprocess.Popen[bytes]]:
    """A command in a process of its own, killed at last."""
    process = subprocess.Popen(command, preexec_fn=die_with_parent(signal.SIGKILL), **streams)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


@contextmanager
def playing_compute() -> Iterator[str]:
    """The address of a compute server that plays messages: the id of a method says which."""
    address = f"{HOST}:{free_port(HOST)}"
    with running(sys.executable, ROOT / "tests" / "gateway" / "playing_compute.py", address):
        yield address


@contextmanager
def postgres_server(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A durable PostgreSQL of the test's own, to be killed."""
    server = EmbeddedPostgres(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def kill_postgres(server: EmbeddedPostgres) -> None:
    """kill -9 of the server; its backends end when they notice."""
    assert server.process is not None
    server.process.kill()
    server.process.wait(10)


def bring_back(server: EmbeddedPostgres) -> None:
    """Start a killed server as the supervisor does: again, while backends of the killed one live,
    which it takes for a server that is still there.
    """
    server.spawn()
    deadline = time.monotonic() + 30
    while not server.is_ready():
        assert time.monotonic() < deadline, server.log_tail()
        if not server.is_running():
            server.spawn()
        time.sleep(0.1)


def client(gateway: GatewayProcess) -> httpx.Client:
    return httpx.Client(base_url=gateway.url, timeout=30)


def wait_ready(gateway: GatewayProcess) -> None:
    until("the gateway is ready", lambda: is_ready(gateway.url))


def wait_for_methods(gateway: GatewayProcess) -> None:
    """Ready, for a compute server without a health service."""
    url = f"{gateway.url}/api/methods"
    until("methods are known", lambda: httpx.get(url, timeout=5).status_code == 200)


def carried(gateway: GatewayProcess) -> int:
    """Runs that this gateway carries."""
    return int(gauge(gateway, "learnda_runs_carried"))


def gauge(gateway: GatewayProcess, name: str) -> float:
    """One of the gateway's numbers for Prometheus."""
    lines = httpx.get(f"{gateway.url}/metrics", timeout=30).text.splitlines()
    (value,) = (line.rpartition(" ")[2] for line in lines if line.startswith(f"{name} "))
    return float(value)


def ask(database_url: str, sql: str, *parameters: object) -> int:
    """A number that the database knows."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(sql.encode(), parameters).fetchone()
    assert row is not None
    return int(row[0])


def resident(pid: int) -> int:
    """Bytes that the process has in memory and shares with nobody, or shares its part of."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return 1024 * int(line.split()[1])
    raise AssertionError("no Pss")


def cpu_seconds(pid: int) -> float:
    """Processor time that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
