"""``learn-da up`` as a person meets it: real processes, killed and interrupted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import httpx
import psycopg
import pytest

from learnda.local import tokens
from learnda.local.probes import gateway_is_ready
from learnda.local.services import free_port
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "127.0.0.1"
REQUEST = {"end_time": 2.0, "seed": 1, "methods": [{"id": "m1", "name": "etkf"}]}


class Machine:
    """One ``learn-da up``, and everything it started."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port = free_port(HOST)
        self.url = f"http://{HOST}:{self.port}"
        self._log = folder / "up.log"
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        environment |= {
            "LEARNDA_PORT": str(self.port),
            "LEARNDA_COMPUTE_PORT": str(free_port(HOST)),
            "LEARNDA_DATA_DIR": str(folder / "data"),
            "LEARNDA_CACHE_DIR": str(ROOT / ".cache" / "jax"),
            **settings,
        }
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "learnda.cli", "up"],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_until(self, true: Callable[[], bool], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def ready(self) -> Machine:
        self.wait_until(lambda: f"is ready at {self.url}" in self.log)
        return self

    def children(self) -> dict[str, int]:
        """Process ids of the three services, by name."""
        found = {}
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for pid in map(int, pids.split()):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            name = "postgres" if command[0].endswith("postgres") else command[-2]
            found[name] = pid
        return found

    def descendants(self) -> set[int]:
        """Process ids of all that descend from it, the children's children included."""
        parents = {int(p.name): parent_of(int(p.name)) for p in Path("/proc").glob("[0-9]*")}
        family = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= more
        return family - {self.process.pid}

    def end(self, sig: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(sig)
        return self.process.wait(15)


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def alive(pids: set[int]) -> set[int]:
    """Those that run; zombies, which wait for an init that collects them, do not."""
    running = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            running.add(pid)
    return running


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="up-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., Machine]]:
    """Start a machine on the test's data folder; what is still up at the end is stopped."""
    started: list[Machine] = []

    def make(**settings: str) -> Machine:
        started.append(Machine(folder, **settings))
        return started[-1]

    yield make
    for machine in started:
        if machine.process.poll() is None:
            machine.end(signal.SIGTERM)


def run_to_the_end(url: str) -> str:
    """Post a run, read its stream to the end, return its id."""
    run_id: str = httpx.post(f"{url}/api/runs", json=REQUEST).raise_for_status().json()["run_id"]
    events = []
    with httpx.stream("GET", f"{url}/api/runs/{run_id}/events", timeout=60) as answer:
        for line in answer.iter_lines():
            if line.startswith("event: "):
                events.append(line.removeprefix("event: "))
                if events[-1] == "done":
                    break
    assert "run_completed" in events, events
    return run_id


def test_interrupt_stops_all_within_ten_seconds_and_runs_are_kept(
    start: Callable[..., Machine],
) -> None:
    machine = start().ready()
    run_id = run_to_the_end(machine.url)
    family = machine.descendants()
    assert len(family) > 3
    with httpx.stream("GET", f"{machine.url}/api/events?run={run_id}:0", timeout=30) as answer:
        next(answer.iter_raw())  # a viewer is watching
        begun = time.monotonic()
        assert machine.end(signal.SIGINT) == 0
        assert time.monotonic() - begun < 10
    assert not alive(family)

    again = start().ready()
    run = httpx.get(f"{again.url}/api/runs/{run_id}").raise_for_status().json()
    assert run["status"] == "completed"
    assert run["methods"]["m1"]["metrics"]["cycles_scored"] == 21


@pytest.mark.parametrize("name", ["gateway", "compute", "postgres"])
def test_a_killed_child_comes_back(start: Callable[..., Machine], name: str) -> None:
    machine = start().ready()
    before = machine.children()
    assert set(before) == {"postgres", "compute", "gateway"}
    os.kill(before[name], signal.SIGKILL)
    machine.wait_until(lambda: "is back" in machine.log)
    after = machine.children()
    assert after[name] != before[name]
    assert {k: v for k, v in after.items() if k != name} == {
        k: v for k, v in before.items() if k != name
    }
    machine.wait_until(lambda: gateway_is_ready(machine.url))
    run_to_the_end(machine.url)


def test_kill_9_of_itself_leaves_no_process(start: Callable[..., Machine]) -> None:
    machine = start().ready()
    family = machine.descendants()
    machine.process.kill()
    machine.process.wait()
    deadline = time.monotonic() + 10
    while alive(family) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive(family)
    start().ready()  # on the same data, at once


def test_signals_before_it_is_ready_are_heeded(start: Callable[..., Machine]) -> None:
    machine = start()
    machine.wait_until(lambda: "Starting" in machine.log)
    begun = time.monotonic()
    assert machine.end(signal.SIGTERM) == 0
    assert time.monotonic() - begun < 10
    assert not machine.descendants()


def test_a_port_in_use_is_said_at_once(start: Callable[..., Machine]) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        machine = start(LEARNDA_PORT=str(taken.getsockname()[1]))
        assert machine.process.wait(20) == 1
    assert "Choose another port with --port or LEARNDA_PORT" in machine.log
    assert "Traceback" not in machine.log


def test_the_same_data_twice_is_refused(start: Callable[..., Machine]) -> None:
    start().ready()
    second = start()
    assert second.process.wait(20) == 1
    assert "in use by another LEARN-DA" in second.log


def test_a_service_with_wrong_settings_ends_it(start: Callable[..., Machine]) -> None:
    machine = start(KEEPALIVE_SECONDS="soon")
    assert machine.process.wait(30) == 1
    assert "KEEPALIVE_SECONDS" in machine.log
    assert "gateway does not stay up" in machine.log
    assert "Traceback" not in machine.log


def test_a_database_of_ones_own_is_used(
    start: Callable[..., Machine], postgres_url: str, folder: Path
) -> None:
    machine = start(DATABASE_URL=postgres_url).ready()
    assert set(machine.children()) == {"compute", "gateway"}
    run_id = run_to_the_end(machine.url)
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT count(*) FROM learnda.run").fetchone()
    assert row == (1,), run_id
    assert not (folder / "data" / "postgres").exists()


def test_with_tokens_all_works_with_a_token_and_nothing_without(
    start: Callable[..., Machine], folder: Path
) -> None:
    file = folder / "access.toml"
    secret = tokens.add(file, "ada")
    compute = f"{HOST}:{free_port(HOST)}"
    machine = start(
        LEARNDA_ACCESS_FILE=str(file), LEARNDA_COMPUTE_PORT=compute.rpartition(":")[2]
    ).ready()
    assert httpx.get(f"{machine.url}/api/runs").status_code == 401
    request = folder / "request.json"
    request.write_text(json.dumps(REQUEST))
    command = [sys.executable, "-m", "learnda.cli", "run", str(request), "--server", machine.url]
    for token, ends in ((secret, 0), ("", 1)):
        done = subprocess.run(
            command,
            env={**os.environ, "LEARNDA_TOKEN": token},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == ends, done.stderr
    assert "a token is needed" in done.stderr

    with grpc.insecure_channel(compute) as channel:
        stub = AssimilationServiceStub(channel)  # type: ignore[no-untyped-call]
        with pytest.raises(grpc.RpcError) as caught:
            stub.ListMethods(pb.ListMethodsRequest(), timeout=10)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    for pid in (machine.process.pid, *machine.descendants()):
        assert "learnda_" not in Path(f"/proc/{pid}/cmdline").read_text()
    environment = Path(f"/proc/{machine.children()['compute']}/environ").read_text()
    assert "LEARNDA_COMPUTE_TOKEN_SHA256=" in environment
    assert "LEARNDA_COMPUTE_TOKEN=" not in environment


def test_it_does_not_open_itself_to_strangers(start: Callable[..., Machine]) -> None:
    machine = start(LEARNDA_HOST="0.0.0.0")
    assert machine.process.wait(30) == 1
    assert "LEARNDA_OPEN=1" in machine.log
    assert "gateway does not stay up" in machine.log
