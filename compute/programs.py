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
SMALL: Options = {
    **USUAL,
    "xla_cpu_multi_thread_eigen": False,
    "xla_cpu_experimental_ynn_fusion_type": "",
}
"""For small arrays: no operation is shared out over threads, for the workers are the parallelism;
and products are not handed to a library that takes longer to hand them over than to multiply."""
HASTY: Options = {
    "xla_backend_optimization_level": "1",
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": "2",
}
"""A third less time to compile, and a quarter more to run."""
THROWAWAY: Options = {
    **HASTY,
    "xla_backend_optimization_level": "0",
    "xla_cpu_parallel_codegen_split_count": "1",
}
"""Again half as much to compile, for what runs once or twice: the tests' programs."""


@dataclass(frozen=True)
class Program:
    """A compiled program; call it with arrays of the shapes it was compiled for."""

    name: str
    shape: str
    compile_seconds: float
    call: Callable[..., Any]


@dataclass(frozen=True)
class Recipe:
    """How a program is made."""

    name: str
    key: Hashable
    """All that selects it, besides its name."""
    shape: str
    """For people to read."""
    function: Callable[..., Any]
    arguments: Callable[[], tuple[Any, ...]]
    """Gives shapes and types; called only where the program has to be made."""
    hasty: bool = False
    """It runs little: it is compiled in less time."""
    small: bool = False
    """Its arrays are."""
    donated: tuple[int, ...] = ()
    """Arguments whose memory is reused for the results: they must not be read again."""


class UnwantedError(Exception):
    """A program was not made, for nobody waited for it any more."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A program, or one on its way, and who waits for it."""

    future: Future[Program]
    wanted: list[Callable[[], bool]]


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
        self._held: OrderedDict[Hashable, _Held] = OrderedDict()
        self._last_seconds: dict[str, float] = {}
        self.compile_count = 0
        """Programs compiled since the start, the dropped ones included; what was loaded is not."""
        self.compile_seconds = 0.0
        """What compiling them took."""

    def request(self, recipe: Recipe, wanted: Callable[[], bool] = lambda: True) -> Future[Program]:
        """The program of ``recipe``: held, or on its way.

        A program that none of those who requested it finds ``wanted`` when its turn comes is not
        made: a run that was cancelled is not to keep others waiting.
        """
        key = (recipe.name, recipe.key)
        with self._lock:
            held = self._held.get(key)
            if held is None or (held.future.done() and held.future.exception() is not None):
                waiting: list[Callable[[], bool]] = []
                future = self._compilers.submit(self._make_if_wanted, recipe, waiting)
                held = self._held[key] = _Held(future, waiting)
                while len(self._held) > self._limit:
                    self._held.popitem(last=False)
            if not held.future.done():
                held.wanted.append(wanted)
            self._held.move_to_end(key)
            return held.future

    def estimated_seconds(self, name: str) -> float | None:
        """What compiling a program of this name took last time."""
        return self._last_seconds.get(name)

    def held(self) -> list[Program]:
        """The programs that are ready, most recently used first."""
        with self._lock:
            futures = [held.future for held in reversed(self._held.values())]
        ready = [future for future in futures if future.done() and not future.exception()]
        return [future.result() for future in ready]

    def close(self) -> None:
        self._compilers.shutdown(wait=True, cancel_futures=True)

    def _make_if_wanted(self, recipe: Recipe, waiting: list[Callable[[], bool]]) -> Program:
        key = (recipe.name, recipe.key)
        with self._lock:
            wanted = any(is_wanted() for is_wanted in waiting)
            waiting.clear()
            if not wanted:
                held = self._held.get(key)
                if held is not None and held.wanted is waiting:
                    del self._held[key]
                raise UnwantedError(recipe.name)
        return self._make(recipe)

    def _options(self, recipe: Recipe) -> Options:
        if self._hasty:
            return THROWAWAY
        return HASTY if recipe.hasty else SMALL if recipe.small else USUAL

    def _make(self, recipe: Recipe) -> Program:
        """Load the program, or else compile it."""
        began = time.perf_counter()
        options = self._options(recipe)
        with jax.enable_x64(True):
            arguments = recipe.arguments()
            like = str(jax.tree.structure(arguments)), str(jax.tree.leaves(arguments))
            what = (recipe.name, recipe.key, like, options)
            kept = self._store.load(what) if self._store else None
            if kept is not None:
                return Program(recipe.name, recipe.shape, time.perf_counter() - began, kept)
            traced = jax.jit(recipe.function, donate_argnums=recipe.donated).lower(*arguments)
            call = traced.compile(options if jax.default_backend() == "cpu" else None)
        seconds = time.perf_counter() - began
        with self._lock:
            self._last_seconds[recipe.name] = seconds
            self.compile_count += 1
            self.compile_seconds += seconds
        if self._store:
            self._store.keep(what, call)
        return Program(recipe.name, recipe.shape, seconds, call)
