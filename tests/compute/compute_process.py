"""A real compute server in a process of its own, with settings of the test's."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc

from learnda.local.services import ComputeService, free_port

HOST = "127.0.0.1"
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "jax"


@contextmanager
def compute_at_work(
    credentials: grpc.ChannelCredentials | None = None, **settings: str
) -> Iterator[str]:
    """Its address, while it listens; ``credentials``: how it is reached over TLS."""
    settings = {"LEARNDA_WARM_UP": "0", **settings}
    service = ComputeService(HOST, free_port(HOST), CACHE, settings=settings)
    process = service.spawn()
    try:
        with channel_to(service.address, credentials) as channel:
            _wait_for(process, channel)
        yield service.address
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def channel_to(address: str, credentials: grpc.ChannelCredentials | None) -> grpc.Channel:
    if credentials is None:
        return grpc.insecure_channel(address)
    return grpc.secure_channel(address, credentials)


def _wait_for(process: subprocess.Popen[bytes], channel: grpc.Channel) -> None:
    ready = grpc.channel_ready_future(channel)
    deadline = time.monotonic() + 60
    while True:
        try:
            return ready.result(timeout=0.2)
        except grpc.FutureTimeoutError:
            assert process.poll() is None, "compute ended at its start"
            assert time.monotonic() < deadline, "compute does not listen"
