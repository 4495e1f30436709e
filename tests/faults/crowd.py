"""Crowds of viewers, and what the API's answers take beside them; each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateway_process import HOST, GatewayProcess
from processes import running

FOLDER: Final = Path(__file__).resolve().parent
COUNT: Final = 500
"""What each percentile is taken over."""


class Crowd:
    """Viewers that watch."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def leave(self) -> None:
        """All at once."""
        self._process.communicate(b"\n", timeout=30)

    def ended(self) -> int:
        """When all streams have ended: how many of them with ``done``."""
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


@contextmanager
def crowd(
    gateway: GatewayProcess, count: int, *paths: str, host: str = HOST, within: Sequence[str] = ()
) -> Iterator[Crowd]:
    """From when each has its first bytes. ``within``: a command that runs theirs."""
    command = sys.executable, FOLDER / "viewers.py", host, str(gateway.port), str(count), *paths
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with running(*within, *command, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"watching\n"
        yield Crowd(process)


def slowest_of_99_percent(gateway: GatewayProcess, *paths: str) -> float:
    """The 99th percentile of the seconds until the API has answered."""
    command = [
        *(sys.executable, FOLDER / "api_client.py"),
        *(HOST, str(gateway.port), str(COUNT), *paths),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=120, check=True)
    spent = sorted(json.loads(done.stdout))
    return float(spent[int(0.99 * len(spent))])
