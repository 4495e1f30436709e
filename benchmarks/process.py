"""A part of the benchmarks in a process of its own.

So no part meets the threads, the memory or the JAX platform of another, and one that crashes does
not take the others with it.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context

from benchmarks.figures import Row


def run(part: str) -> tuple[str, list[Row]]:
    """What ``benchmarks.<part>`` is about, and what it measures."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_run, part).result()


def _run(part: str) -> tuple[str, list[Row]]:
    os.environ.pop("DATABASE_URL", None)  # the stack brings a database of its own
    if part != "gpu":
        os.environ["JAX_PLATFORMS"] = "cpu"
    from learnda.threads import limit_threads

    limit_threads()
    module = import_module(f"benchmarks.{part}")
    title = (module.__doc__ or part).strip().splitlines()[0]
    return title, module.measure()
