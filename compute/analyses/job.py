"""From a checked request to its analysis, on a device."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

from compute.analyses.arrays import Neighbours, arrange
from compute.analyses.program import DIAGNOSTICS, Analysed, Given, Values, analyse
from compute.analyses.task import Task
from compute.device import Device, wait
from compute.programs import Program, Recipe
from compute.randomness import seed_words
from learnda.cost import Limits

AT_ONCE_BYTES = 64 << 20
"""At the peak: with so few, a tenth of a millisecond prepares it."""
SMALL_ENSEMBLE = 1 << 16
"""Numbers; operations on fewer are not worth sharing out over threads."""


class Answer(NamedTuple):
    """An analysis, on the host."""

    ensemble: NDArray[Any]
    """[B, N, n]"""
    inflation: NDArray[Any]
    """[B, n]"""
    diagnostics: tuple[Mapping[str, float], ...]
    """Of each ensemble: those that are finite."""
    seconds: float
    """That the device took, without what was compiled."""


def analysis(
    task: Task,
    arrays: dict[str, NDArray[Any]],
    limits: Limits,
    *,
    cycle: int = 0,
    inflation: NDArray[Any] | None = None,
    neighbours: Neighbours | None = None,
) -> Callable[[Device], Iterator[Answer | Future[Any]]]:
    """A job with one result. ``arrays`` by path are emptied: they may be large. ``inflation`` [n]
    is the adaptive one that comes with the ensemble; None: none yet. ``neighbours`` remembers, for
    the next analysis with the same setting.
    """

    def steps(device: Device) -> Iterator[Answer | Future[Any]]:
        arguments = (task, arrays, inflation, limits, cycle, neighbours)
        begun = yield from wait(device.submit(_begin, device, *arguments))
        if isinstance(begun, _Waiting):
            program = yield from wait(begun.program)
            begun = yield from wait(device.submit(_compute, program, begun.arguments))
        yield begun

    return steps


def at_once(
    device: Device,
    task: Task,
    arrays: dict[str, NDArray[Any]],
    limits: Limits,
    *,
    cycle: int,
    inflation: NDArray[Any] | None = None,
    neighbours: Neighbours | None = None,
) -> Future[Answer] | None:
    """The answer of a small analysis whose program is held: prepared here and now, it changes
    threads but once. None of any other, whose ``arrays`` are left as they were.
    """
    form = task.form
    decomposed = "observations.covariance" in arrays
    if task.bytes > AT_ONCE_BYTES or form.where not in ("nowhere", "grid") or decomposed:
        return None
    arguments = _prepare(task, dict(arrays), inflation, limits, cycle, neighbours)
    program = device.program(_recipe(task, arguments))
    if not program.done():
        return None
    arrays.clear()
    return device.submit(_compute, program.result(), arguments)


@dataclass
class _Waiting:
    """All is ready but the program."""

    program: Future[Program]
    arguments: list[Any]


def _begin(device: Device, task: Task, *rest: Any) -> Answer | _Waiting:
    """The answer, where the program is held: so a small analysis changes threads but once."""
    arguments = _prepare(task, *rest)
    program = device.program(_recipe(task, arguments))
    if not program.done():
        return _Waiting(program, arguments)
    return _compute(program.result(), arguments)


def _prepare(
    task: Task,
    arrays: dict[str, NDArray[Any]],
    inflation: NDArray[Any] | None,
    limits: Limits,
    cycle: int,
    neighbours: Neighbours | None,
) -> list[Any]:
    """What the program is called with, on the host."""
    if inflation is None:
        inflation = np.ones(1)
    each, shared = arrange(task, arrays, inflation, limits, neighbours or Neighbours())
    arrays.clear()
    setting, dtype = task.setting, np.dtype(task.form.dtype)
    words: Any = seed_words(setting.seed)
    number: Any = np.uint32(cycle)
    values = Values(
        words=words,
        cycle=number,
        dof=dtype.type(setting.obs_error_dof),
        size=dtype.type(setting.place.size),
        parameters={name: dtype.type(value) for name, value in setting.numbers.items()},
    )
    return [values, each, shared]


def _recipe(task: Task, arguments: list[Any]) -> Recipe:
    setting, form = task.setting, task.form
    _, each, shared = arguments
    present = tuple(
        (name, None if array is None else array.shape)
        for given in (each, shared)
        for name, array in zip(Given._fields, given, strict=True)
    )

    def like() -> tuple[Any, ...]:
        return tuple(jax.tree.map(lambda a: jax.ShapeDtypeStruct(np.shape(a), a.dtype), arguments))

    return Recipe(
        name=f"analysis {setting.name}",
        key=(form, tuple(sorted(setting.choices.items())), *sorted(setting.numbers), *present),
        shape=str(form),
        function=partial(analyse, form, setting.entry, setting.choices),
        arguments=like,
        small=form.members * form.n <= SMALL_ENSEMBLE,
    )


def _compute(program: Program, arguments: list[Any]) -> Answer:
    began = time.perf_counter()
    found: Analysed = jax.block_until_ready(program.call(*arguments))
    seconds = time.perf_counter() - began
    arguments.clear()
    ensemble, inflation, columns = (np.asarray(part) for part in found)
    return Answer(ensemble, inflation, tuple(_finite(row) for row in columns), seconds)


def _finite(row: NDArray[Any]) -> dict[str, float]:
    pairs = zip(DIAGNOSTICS, row.tolist(), strict=True)
    return {name: value for name, value in pairs if np.isfinite(value)}
