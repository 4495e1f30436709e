"""What a job computes with: an engine's programs and workers.

A job is a generator that yields its results, and futures where it has to wait for them:

    found = yield from device.call(recipe, *arguments)    # compile, compute, wait
    future = device.run(program, *arguments)              # compute meanwhile ...
    found = yield from wait(future)                       # ... and wait
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import jax

from compute.programs import Program, Programs, Recipe
from compute.workers import Workers

T = TypeVar("T")
Waiting = Generator[Future[Any], None, T]
"""Steps of a job that end with a T."""


@dataclass(frozen=True)
class Device:
    """The programs and workers of one engine."""

    programs: Programs
    workers: Workers

    def program(self, recipe: Recipe) -> Future[Program]:
        """The program of ``recipe``: held, or compiled now."""
        return self.programs.request(recipe)

    def run(self, program: Program, *arguments: Any) -> Future[Any]:
        """The results of ``program``, computed to the end in a worker's thread."""
        return self.workers.submit(_to_the_end, program, arguments)

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """What ``function`` returns, called in a worker's thread."""
        return self.workers.submit(function, *arguments)

    def call(self, recipe: Recipe, *arguments: Any) -> Waiting[Any]:
        """`program` and `run`, each waited for."""
        program = yield from wait(self.program(recipe))
        return (yield from wait(self.run(program, *arguments)))


def wait(future: Future[T]) -> Waiting[T]:
    """The result of ``future``, which may be its exception."""
    if not future.done():
        yield future
    return future.result()


def _to_the_end(program: Program, arguments: tuple[Any, ...]) -> Any:
    return jax.block_until_ready(program.call(*arguments))
