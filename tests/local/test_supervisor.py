"""The supervisor, over small processes of its own: order, restarts, giving up."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from learnda.local import supervisor as supervision
from learnda.local.processes import die_with_parent
from learnda.local.services import (
    CONFIGURATION_ERROR,
    PortInUseError,
    Service,
    check_port,
    free_port,
)
from learnda.local.supervisor import ServiceDownError, Supervisor

OBEDIENT = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"


class Script(Service):
    """A Python one-liner; it writes what happens to it into ``diary``."""

    def __init__(self, name: str, diary: list[str], script: str = OBEDIENT) -> None:
        self.name = name
        self.stop_signals = ((signal.SIGTERM, 0.3), (signal.SIGKILL, 1.0))
        self.diary = diary
        self.script = script
        self.process: subprocess.Popen[bytes] | None = None

    async def prepare(self) -> None:
        self.diary.append(f"prepare {self.name}")

    def spawn(self) -> subprocess.Popen[bytes]:
        self.diary.append(f"start {self.name}")
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.script],
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        return self.process

    async def is_ready(self) -> bool:
        return True

    def release(self) -> None:
        self.diary.append(f"release {self.name}")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(supervision, "LONGEST_PAUSE", 0.02)


async def run(services: list[Script], when_ready: Callable[[], object]) -> list[str]:
    said: list[str] = []
    ready = asyncio.Event()
    supervisor = asyncio.create_task(Supervisor(services, said.append).run(ready.set))
    watching = asyncio.create_task(ready.wait())
    await asyncio.wait({supervisor, watching}, return_when=asyncio.FIRST_COMPLETED)
    watching.cancel()
    if ready.is_set():
        when_ready()
    async with asyncio.timeout(20):
        await supervisor
    return said


def end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


async def test_services_start_in_order_and_stop_in_the_opposite_one() -> None:
    diary: list[str] = []
    first, second = Script("first", diary), Script("second", diary)
    first.others_need_it = True
    await run([first, second], end)
    assert diary == [
        *("prepare first", "start first", "prepare second", "start second"),
        *("release second", "release first"),
    ]
    for script in (first, second):
        assert script.process is not None
        assert script.process.poll() == -signal.SIGTERM


async def test_what_does_not_listen_is_killed_after_its_grace() -> None:
    script = Script("stubborn", [], STUBBORN)

    def end_later() -> None:
        asyncio.get_running_loop().call_later(0.5, end)  # the handler is in place by then

    begun = time.monotonic()
    await run([script], end_later)
    assert script.process is not None
    assert script.process.poll() == -signal.SIGKILL
    assert time.monotonic() - begun < 5


async def test_a_service_that_dies_is_started_again() -> None:
    diary: list[str] = []
    script = Script("mortal", diary)

    def kill_twice() -> None:
        assert script.process is not None
        script.process.kill()
        loop = asyncio.get_running_loop()
        loop.call_later(0.6, lambda: script.process and script.process.kill())
        loop.call_later(1.2, end)

    said = await run([script], kill_twice)
    assert diary.count("start mortal") == 3
    assert said.count("mortal is back") == 2


async def test_one_that_cannot_stay_up_takes_all_down() -> None:
    diary: list[str] = []
    steady, failing = Script("steady", diary), Script("failing", diary, "raise SystemExit(3)")
    with pytest.raises(ServiceDownError, match=r"failing does not stay up \(exit status 3\)"):
        await run([steady, failing], lambda: None)
    assert diary.count("start failing") == 1 + supervision.MAX_RESTARTS
    assert steady.process is not None
    assert steady.process.poll() == -signal.SIGTERM


async def test_wrong_settings_are_not_tried_again() -> None:
    diary: list[str] = []
    script = Script("wrong", diary, f"raise SystemExit({CONFIGURATION_ERROR})")
    with pytest.raises(ServiceDownError):
        await run([script], lambda: None)
    assert diary.count("start wrong") == 1


async def test_what_never_gets_ready_is_started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "START_SECONDS", 0.1)
    monkeypatch.setattr(supervision, "MAX_RESTARTS", 1)

    async def never() -> bool:
        return False

    diary: list[str] = []
    script = Script("late", diary)
    monkeypatch.setattr(script, "is_ready", never)
    with pytest.raises(ServiceDownError, match="killed by SIGKILL"):
        await run([script], lambda: None)
    assert diary.count("start late") == 2


async def test_asked_twice_it_hurries() -> None:
    script = Script("stubborn", [], STUBBORN)
    script.stop_signals = ((signal.SIGTERM, 30.0), (signal.SIGKILL, 1.0))

    def end_twice() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, end)
        loop.call_later(0.8, end)

    begun = time.monotonic()
    await run([script], end_twice)
    assert time.monotonic() - begun < 5


def test_a_port_in_use_is_a_clear_error() -> None:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(PortInUseError, match=rf"127\.0\.0\.1:{port}.*--port"):
            check_port("127.0.0.1", port, "--port")
    check_port("127.0.0.1", free_port("127.0.0.1"), "--port")
