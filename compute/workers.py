"""The threads that compute: as many as the device can use at the same time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import jax

T = TypeVar("T")


class Workers:
    """Runs functions in turn, ``count`` at a time; XLA releases the interpreter meanwhile."""

    def __init__(self, count: int, *, side_by_side: bool = False) -> None:
        self.count = count
        self.side_by_side = side_by_side
        """The device wants the lanes of a program vectorised."""
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="device")
        self._lock = threading.Lock()
        self._since: dict[int, float] = {}

    @classmethod
    def of_device(cls) -> Workers:
        """One for each core of a processor, which small programs cannot fill by themselves; one
        for a GPU.
        """
        if jax.default_backend() != "cpu":
            return cls(1, side_by_side=True)
        affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
        return cls(len(affinity(0)) if affinity else os.cpu_count() or 1)

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """The future of ``function(*arguments)``, called with 64-bit types on."""
        return self._pool.submit(self._work, function, arguments)

    def seconds_stuck(self) -> float:
        """How long the oldest of the functions that run now has been running; 0 without any."""
        with self._lock:
            since = min(self._since.values(), default=None)
        return 0.0 if since is None else time.monotonic() - since

    def close(self) -> None:
        """Wait for what runs; what waits is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        me = threading.get_ident()
        with self._lock:
            self._since[me] = time.monotonic()
        try:
            with jax.enable_x64(True):
                return function(*arguments)
        finally:
            with self._lock:
                del self._since[me]
