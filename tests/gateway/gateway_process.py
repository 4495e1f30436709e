"""Real gateways in processes of their own, and a small client that reads their streams strictly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from learnda.local.processes import die_with_parent
from learnda.local.services import free_port

HOST = "127.0.0.1"
SEED_REQUEST: dict[str, Any] = {
    "model": "lorenz96",
    "ensemble_size": 20,
    "m": 32,
    "std_obs": 0.01,
    "obs_freq": 0.1,
    "end_time": 10.0,
    "inf_fact": 1.04,
    "lorenz96_n": 40,
    "lorenz96_F": 8.0,
    "methods": [
        {"id": "m1", "name": "enkf", "label": "EnKF", "params": {}},
        {"id": "m2", "name": "letkf", "label": "LETKF (r=2)", "params": {"r": 2}},
    ],
}


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    type: str
    data: dict[str, Any]
    id: str | None

    @property
    def number(self) -> int:
        number: int = self.data["_event_id"]
        return number


class GatewayProcess:
    """``learn-da gateway`` with its settings; a context manager that leaves nothing behind."""

    def __init__(self, database_url: str, compute_address: str, **settings: str) -> None:
        self.port = free_port(HOST)
        self.url = f"http://{HOST}:{self.port}"
        self._environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "LEARNDA_COMPUTE_ADDRESS": compute_address,
            "LEARNDA_HOST": HOST,
            "LEARNDA_PORT": str(self.port),
            **settings,
        }
        self.process: subprocess.Popen[bytes]
        self.log: Path | None = None
        """Where its log goes; None: to the tests' own."""

    def spawn(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "learnda.cli", "gateway"],
            env=self._environment,
            stderr=self.log.open("ab") if self.log else None,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )

    def start(self) -> None:
        self.spawn()
        deadline = time.monotonic() + 30
        while not self.is_alive():
            assert self.process.poll() is None, "the gateway ended at its start"
            assert time.monotonic() < deadline, "the gateway does not answer"
            time.sleep(0.05)

    def is_alive(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=1).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self, sig: int = signal.SIGKILL) -> None:
        self.process.send_signal(sig)

    def __enter__(self) -> GatewayProcess:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def post(client: httpx.Client, body: Mapping[str, Any]) -> str:
    answer = client.post("/api/runs", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"run_id": answer.json()["run_id"], "status": "queued"}
    run_id: str = answer.json()["run_id"]
    return run_id


@contextmanager
def open_stream(
    client: httpx.Client, path: str, headers: Mapping[str, str] | None = None, **params: Any
) -> Iterator[Iterator[Event]]:
    with client.stream("GET", path, params=params, headers=headers, timeout=60) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        yield parse(answer.iter_lines())


def follow(
    client: httpx.Client, run_id: str, headers: Mapping[str, str] | None = None, **params: Any
) -> list[Event]:
    """All events until the server ends the stream."""
    with open_stream(client, f"/api/runs/{run_id}/events", headers, **params) as events:
        return list(events)


def parse(lines: Iterator[str]) -> Iterator[Event]:
    """As a browser does, but unknown lines fail."""
    fields: dict[str, str] = {}
    last_id: str | None = None
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            assert name in ("id", "event", "data"), line
            fields[name] = value
            continue
        last_id = fields.get("id", last_id)
        if "data" in fields:
            data = json.loads(fields["data"], parse_constant=_no_constant)
            yield Event(fields["event"], data, last_id)
        fields = {}


def numbered(events: list[Event]) -> list[Event]:
    return [event for event in events if event.type not in ("hello", "keepalive", "done")]


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")
