"""Compiled programs: one for each shape, a bounded number, compiled beside the device thread."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jax

from compute.program_store import ProgramStore

COMPILERS = 2
"""Programs compiled at the same time; XLA releases the interpreter while it compiles."""


Options = dict[str, str | bool]
USUAL: Options = {
    "xla_cpu_prefer_vector_width": "512",
    "xla_cpu_enable_concurrency_optimized_scheduler": False,
}
"""Compiler options: the widest vectors there are, where XLA halves them for processors of old; and
one operation after the other, for handing over to another thread takes longer than most of them."""
SMALL: Options = {**USUAL, "xla_cpu_multi_thread_eigen": False}
"""For small arrays: no operation is shared out over threads; the workers are the parallelism."""
HASTY: Options = {"xla_backend_optimization_level": "1", "xla_cpu_use_fusion_emitters": False}
"""A third less time to compile, and a quarter more to run."""


@dataclass(frozen=True)
class Program:
    """A compiled program; call it with arrays of the shapes it was compiled for."""

    name: str
    shape: str
    compile_seconds: float
    call: Callable[..., Any]


class Programs:
    """The compiled programs, by key; the least recently used are dropped beyond ``limit``."""

    def __init__(
        self, limit: int, *, hasty: bool = False, store: ProgramStore | None = None
    ) -> None:
        self._limit = limit
        self._store = store
        self._hasty = hasty
        self._compilers = ThreadPoolExecutor(COMPILERS, thread_name_prefix="compile")
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, Future[Program]] = OrderedDict()
        self._last_seconds: dict[str, float] = {}
        self.compile_count = 0
        """Programs compiled since the start, the dropped ones included; what was loaded is not."""

    def request(
        self,
        key: Hashable,
        name: str,
        shape: str,
        function: Callable[..., Any],
        *arguments: Any,
        hasty: bool = False,
        small: bool = False,
        donated: tuple[int, ...] = (),
    ) -> Future[Program]:
        """The program of ``key``, compiled for the shapes of ``arguments`` unless it is held.

        ``hasty`` is for programs that run little: they are compiled in less time; ``small`` for
        those of small arrays. The memory of the
        ``donated`` arguments is reused for the results: they must not be read again.
        """
        with self._lock:
            held = self._held.get(key)
            if held is None or (held.done() and held.exception() is not None):
                options = HASTY if hasty or self._hasty else SMALL if small else USUAL
                held = self._compilers.submit(
                    self._compile, key, name, shape, function, arguments, options, donated
                )
                self._held[key] = held
                while len(self._held) > self._limit:
                    self._held.popitem(last=False)
            self._held.move_to_end(key)
            return held

    def estimated_seconds(self, name: str) -> float | None:
        """What compiling a program of this name took last time."""
        return self._last_seconds.get(name)

    def held(self) -> list[Program]:
        """The programs that are ready, most recently used first."""
        with self._lock:
            ready = [f for f in reversed(self._held.values()) if f.done() and not f.exception()]
        return [future.result() for future in ready]

    def close(self) -> None:
        self._compilers.shutdown(wait=True, cancel_futures=True)

    def _compile(
        self,
        key: Hashable,
        name: str,
        shape: str,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        options: Options,
        donated: tuple[int, ...],
    ) -> Program:
        began = time.perf_counter()
        with jax.enable_x64(True):
            what = (key, str(jax.tree.structure(arguments)), str(jax.tree.leaves(arguments)))
            kept = self._store.load((what, options)) if self._store else None
            if kept is not None:
                return Program(name, shape, time.perf_counter() - began, kept)
            traced = jax.jit(function, donate_argnums=donated).lower(*arguments)
            call = traced.compile(options if jax.default_backend() == "cpu" else None)
        seconds = time.perf_counter() - began
        self._last_seconds[name] = seconds
        self.compile_count += 1
        if self._store:
            self._store.keep((what, options), call)
        return Program(name, shape, seconds, call)
