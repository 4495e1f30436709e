"""A network namespace with a link to this machine that can be cut; only root can make one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

HERE: Final = "10.213.77.1"
THERE: Final = "10.213.77.2"


class Elsewhere:
    """Another machine, as far as the network is concerned."""

    def __init__(self) -> None:
        self._name = f"learnda-{os.getpid()}"
        self._inside = f"vi{os.getpid()}"
        self.outside = f"vo{os.getpid()}"

    def make(self) -> None:
        ip("netns", "add", self._name)
        peer = "peer", "name", self._inside, "netns", self._name
        ip("link", "add", self.outside, "type", "veth", *peer)
        ip("addr", "add", f"{HERE}/30", "dev", self.outside)
        ip("link", "set", self.outside, "up")
        ip("-n", self._name, "addr", "add", f"{THERE}/30", "dev", self._inside)
        ip("-n", self._name, "link", "set", self._inside, "up")

    @property
    def within(self) -> list[str]:
        """What runs a command there."""
        return ["ip", "netns", "exec", self._name]

    def cut(self) -> None:
        """From now on nothing arrives, in either direction, and nobody is told."""
        ip("-n", self._name, "link", "set", self._inside, "down")

    def remove(self) -> None:
        ip("link", "del", self.outside, check=False)
        ip("netns", "del", self._name, check=False)


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    there = Elsewhere()
    try:
        there.make()
        yield there
    finally:
        there.remove()


def ip(*arguments: str, check: bool = True) -> None:
    subprocess.run(["ip", *arguments], check=check, timeout=10)
