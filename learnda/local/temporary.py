"""A whole LEARN-DA for a while: for pictures and benchmarks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from learnda.local.probes import gateway_is_ready
from learnda.local.services import free_port

HOST = "127.0.0.1"
START_SECONDS = 120.0
STOP_SECONDS = 30.0


@contextmanager
def temporary_stack(cache_dir: Path) -> Iterator[str]:
    """The URL of `learn-da up` on free ports; at the end it is gone with all its data.

    ``cache_dir`` keeps the compiled programs. RuntimeError when it does not come up.
    """
    port = free_port(HOST)
    with tempfile.TemporaryDirectory(prefix="learn-da-") as folder:
        settings = {
            "LEARNDA_DATA_DIR": folder,
            "LEARNDA_CACHE_DIR": str(cache_dir),
            "LEARNDA_PORT": str(port),
            "LEARNDA_COMPUTE_PORT": str(free_port(HOST)),
        }
        command = [sys.executable, "-m", "learnda.cli", "up"]
        up = subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL)
        try:
            url = f"http://{HOST}:{port}"
            _wait_until_ready(url, up)
            yield url
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(STOP_SECONDS)


def _wait_until_ready(url: str, up: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while up.poll() is None and time.monotonic() < deadline:
        if gateway_is_ready(url):
            return
        time.sleep(0.1)
    raise RuntimeError("LEARN-DA did not start")
