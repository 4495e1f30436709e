"""A compute server as a process, whose signals and words a test sees; nothing is kept for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import grpc

from learnda.local.services import ComputeService

NICE = ("nice", "-n", str(ComputeService.niceness))
"""As `learn-da up` runs it: behind the gateway."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def compute_process(
    port: int, log: int | BinaryIO = subprocess.PIPE, **settings: str
) -> Iterator[subprocess.Popen[bytes]]:
    """``learn-da compute`` at this port, with these settings in its environment; killed at last.

    ``log`` takes what it says: a pipe that nobody reads holds 64 kB.
    """
    environment = {**os.environ, "LEARNDA_WARM_UP": "0", **settings}
    if "LEARNDA_CACHE_DIR" not in settings:
        environment.pop("LEARNDA_CACHE_DIR", None)
    process = subprocess.Popen(
        [*NICE, sys.executable, "-P", "-m", "learnda.cli", "compute", "--port", str(port)],
        env=environment,
        stderr=log,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def ready_process(
    log: int | BinaryIO = subprocess.PIPE, **settings: str
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The same at any port, once it listens, with its address."""
    port = free_port()
    with compute_process(port, log, **settings) as process:
        address = f"127.0.0.1:{port}"
        with grpc.insecure_channel(address) as channel:
            grpc.channel_ready_future(channel).result(timeout=30)
        yield process, address
