"""One integration from its first step to its last, as a job of the engine.

States go forward once, cut into chunks that the clock sizes; no number depends on it. Gradients go
back over the same trajectory to the bit: it is kept every so many steps and computed again between
them, by the same program, so that some sqrt(steps) states are in memory at a time. No state knows
of the others: where there are many, every worker takes a part of them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

from compute import integration
from compute.device import Device, Waiting, wait
from compute.integration import Carry, Cuts, Layout, Model
from compute.pace import next_count
from compute.plan import SMALL_ENSEMBLE
from compute.programs import Program, Recipe

FIRST_STEPS = 16
"""Of the first chunk."""
MOST_STEPS = 1 << 24
"""Of a chunk: far below what an int32 counts."""
READ_AHEAD = 4
"""Chunks that wait for the reader."""
LEAST_STATES, LEAST_NUMBERS = 64, 1 << 16
"""A part for a worker of its own has so many states at least, or so many numbers."""

Floats = NDArray[Any]


@dataclass(frozen=True)
class Integration:
    """What is to be integrated, found possible."""

    states: Floats
    """[B, n]; all arithmetic is in its type."""
    forcing: float
    dt: float
    step_count: int
    every: int
    """Divides ``step_count``."""
    perturbations: Floats | None = None
    """[B, n]"""
    gradients: Floats | None = None
    """[B, n]"""
    lyapunov_count: int = 0
    lyapunov_every: int = 1
    """Divides ``step_count``."""

    @property
    def layout(self) -> Layout:
        states, n = self.states.shape
        return Layout(
            states, n, str(self.states.dtype), self.perturbations is not None, self.lyapunov_count
        )

    @property
    def stride(self) -> int:
        """Steps between two states that are kept for the way back: a multiple of a segment."""
        segment = self.layout.segment
        return segment * max(1, math.isqrt(self.step_count // segment))


class Computed(NamedTuple):
    """Numbers of one of the tensors of an integration, the next ones."""

    field: str
    """Its name in `IntegrationStarted`."""
    numbers: Floats
    """"trajectory": [T, B, n], of as many T as are there; "perturbations", "gradients": [B, n];
    "lyapunov_exponents": [B, p], largest first."""


@dataclass(frozen=True)
class Parts:
    """How B states are shared out over the workers: in equal parts, the last one filled up with
    repetitions of its last state.
    """

    total: int
    """B"""
    count: int
    size: int

    @classmethod
    def of(cls, shape: tuple[int, ...], workers: int) -> Parts:
        """Of states [B, n]."""
        total, n = shape
        worthwhile = max(total // LEAST_STATES, total * n // LEAST_NUMBERS)
        size = -(-total // max(1, min(workers, total, worthwhile)))
        return cls(total, -(-total // size), size)

    def split(self, array: Floats) -> list[Floats]:
        """The parts of [B, n]."""
        excess = self.count * self.size - self.total
        if excess:
            array = np.concatenate([array, np.repeat(array[-1:], excess, axis=0)])
        return np.split(array, self.count)

    def join(self, parts: list[Floats], axis: int = 0) -> Floats:
        """The inverse, of arrays whose states lie along ``axis``."""
        if self.count == 1:
            return parts[0]
        excess = self.count * self.size - self.total
        last = parts[-1].swapaxes(0, axis)[: self.size - excess].swapaxes(0, axis)
        return np.concatenate([*parts[:-1], last], axis)


class _Call(NamedTuple):
    """What one call of `forward` did with a part of the states."""

    carry: Carry
    recorded: Floats
    """[K, size, n]"""
    seconds: float


class _Chunk(NamedTuple):
    """What one call for each part did."""

    carries: list[Carry]
    stops: NDArray[np.int64]
    """The steps after which a state was recorded."""
    recorded: Floats
    """[len(stops), B, n]"""


def job(asked: Integration, device: Device) -> Iterator[Computed | Future[Any]]:
    """The steps of the job, for `Engine.job`."""
    return _Job(asked, device).steps()


class _Job:
    def __init__(self, asked: Integration, device: Device) -> None:
        self._asked = asked
        self._device = device
        self._parts = Parts.of(asked.states.shape, device.workers.count)
        self._layout = replace(asked.layout, states=self._parts.size, parts=self._parts.count)
        self._model = Model(*(_scalar(x, asked.states.dtype) for x in (asked.forcing, asked.dt)))
        self._budget = FIRST_STEPS
        self._kept: list[Floats] = []
        """States [B, n] at steps 0, stride, 2 stride ..., for the way back."""

    def steps(self) -> Iterator[Computed | Future[Any]]:
        asked = self._asked
        self._forward = self._device.program(forward_recipe(self._layout))
        self._backward = None
        if asked.gradients is not None:
            self._backward = self._device.program(backward_recipe(self._layout))
        yield Computed("trajectory", asked.states[None])
        carries = yield from self._there()
        if asked.perturbations is not None:
            tangents = [np.asarray(carry.tangents[0]) for carry in carries]
            yield Computed("perturbations", self._parts.join(tangents))
        if self._backward is not None:
            yield Computed("gradients", (yield from self._back(self._backward)))
        if asked.lyapunov_count:
            growth = self._parts.join([np.asarray(carry.growth) for carry in carries])
            exponents = growth / self._model.dt / asked.step_count
            yield Computed("lyapunov_exponents", -np.sort(-exponents, axis=1))

    def _there(self) -> Generator[Computed | Future[Any], None, list[Carry]]:
        """The trajectory as it grows; returns what each part carries after the last step."""
        asked = self._asked
        marks = [asked.every]
        if asked.lyapunov_count:
            marks.append(asked.lyapunov_every)
        if asked.gradients is not None:
            marks.append(asked.stride)
            self._kept.append(asked.states)
        carries, step = self._first_carries(asked.states), 0
        while step < asked.step_count:
            chunk = yield from self._chunk(carries, step, asked.step_count, marks, orthonormal=True)
            carries, step = chunk.carries, int(chunk.stops[-1])
            if asked.gradients is not None:
                self._kept.extend(chunk.recorded[chunk.stops % asked.stride == 0].copy())
            told = chunk.stops % asked.every == 0
            if told.any():
                yield Computed("trajectory", chunk.recorded[told])
        return carries

    def _back(self, backward: Future[Program]) -> Waiting[Floats]:
        """The gradients at the first step."""
        asked, segment = self._asked, self._layout.segment
        program = yield from wait(backward)
        assert asked.gradients is not None
        gradients: list[Any] = self._parts.split(asked.gradients)
        last = asked.step_count
        while last > 0:
            first = (last - 1) // asked.stride * asked.stride
            states = self._kept[first // asked.stride]
            starts = yield from self._again(states, first, last)
            for number in reversed(range(len(starts))):
                begin = first + number * segment
                steps = np.int32(min(segment, last - begin))
                calls = [
                    self._device.run(program, self._model, start, gradient, steps)
                    for start, gradient in zip(
                        self._parts.split(starts[number]), gradients, strict=True
                    )
                ]
                for part, call in enumerate(calls):
                    gradients[part] = yield from wait(call)
            last = first
        return self._parts.join([np.asarray(gradient) for gradient in gradients])

    def _again(self, states: Floats, first: int, last: int) -> Waiting[list[Floats]]:
        """The states of steps ``first``, one segment later, ... before ``last``."""
        segment = self._layout.segment
        starts, step = [states], first
        end = first + (last - 1 - first) // segment * segment
        carries = self._first_carries(states)
        while step < end:
            chunk = yield from self._chunk(carries, step, end, [segment], orthonormal=False)
            carries, step = chunk.carries, int(chunk.stops[-1])
            starts.extend(chunk.recorded[chunk.stops % segment == 0].copy())
        return starts

    # ------------------------------------------------------------ one call

    def _chunk(
        self, carries: list[Carry], step: int, last: int, marks: list[int], *, orthonormal: bool
    ) -> Waiting[_Chunk]:
        """From ``step`` on, towards ``last``; a state is recorded at every multiple of ``marks``.

        ``orthonormal``: the Lyapunov vectors are kept so, which the states do not depend on.
        """
        program = yield from wait(self._forward)
        stops = _stops(step, last, marks, self._layout.records, self._budget)
        lengths = np.zeros(self._layout.records, np.int32)
        lengths[: len(stops)] = np.diff(stops, prepend=step)
        flags = np.zeros(self._layout.records, np.bool_)
        if orthonormal and self._layout.exponents:
            flags[: len(stops)] = stops % self._asked.lyapunov_every == 0
        cuts: Any = (lengths, flags, np.int32(len(stops)))
        calls = [
            self._device.submit(_call, program, self._model, carry, Cuts(*cuts))
            for carry in carries
        ]
        done = []
        for call in calls:
            done.append((yield from wait(call)))
        seconds = max(part.seconds for part in done)
        self._budget = min(MOST_STEPS, next_count(int(stops[-1]) - step, seconds))
        recorded = self._parts.join([part.recorded[: len(stops)] for part in done], axis=1)
        return _Chunk([part.carry for part in done], stops, recorded)

    def _first_carries(self, states: Floats) -> list[Carry]:
        asked, layout = self._asked, self._layout
        vectors = integration.first_lyapunov_vectors(layout)
        tangents = [vectors] * self._parts.count
        if asked.perturbations is not None:
            perturbations = self._parts.split(asked.perturbations)
            tangents = [np.concatenate([part[None], vectors]) for part in perturbations]
        growth: Any = np.zeros((layout.states, layout.exponents), layout.dtype)
        parts: Any = zip(self._parts.split(states), tangents, strict=True)
        return [Carry(part, tangent, growth) for part, tangent in parts]


def forward_recipe(layout: Layout) -> Recipe:
    """Of `integration.forward`."""

    def arguments() -> tuple[Any, ...]:
        K, B, q, p = layout.records, layout.states, layout.tangents, layout.exponents
        carry = Carry(
            _abstract((B, layout.n), layout.dtype),
            _abstract((q, B, layout.n), layout.dtype),
            _abstract((B, p), layout.dtype),
        )
        cuts = Cuts(_abstract((K,), "int32"), _abstract((K,), "bool"), _abstract((), "int32"))
        return (_model_like(layout), carry, cuts)

    return _recipe("integration", layout, partial(integration.forward, layout), arguments)


def backward_recipe(layout: Layout) -> Recipe:
    """Of `integration.backward`, whatever goes forward with the states."""
    layout = replace(layout, perturbed=False, exponents=0)
    states = _abstract((layout.states, layout.n), layout.dtype)
    return _recipe(
        "adjoint",
        layout,
        partial(integration.backward, layout),
        lambda: (_model_like(layout), states, states, _abstract((), "int32")),
    )


def _recipe(name: str, layout: Layout, function: Any, arguments: Any) -> Recipe:
    small = layout.states * layout.n * (1 + layout.tangents) <= SMALL_ENSEMBLE
    return Recipe(name, layout, str(layout), function, arguments, small=small)


def _call(program: Program, model: Model, carry: Carry, cuts: Cuts) -> _Call:
    """One call of `forward`, to its end, in a worker's thread."""
    began = time.perf_counter()
    carry, recorded = jax.block_until_ready(program.call(model, carry, cuts))
    seconds = time.perf_counter() - began
    return _Call(carry, np.asarray(recorded), seconds)


def _stops(step: int, last: int, marks: list[int], most: int, budget: int) -> NDArray[np.int64]:
    """The next steps at which a piece ends: the multiples of ``marks``, at most ``most`` of them,
    and where the ``budget`` of steps is used up.
    """
    end = min(last, step + budget)
    stops: list[int] = []
    while len(stops) < most and step < end:
        step = min(end, *((step // mark + 1) * mark for mark in marks))
        stops.append(step)
    return np.array(stops, np.int64)


def _scalar(value: float, dtype: Any) -> Any:
    return np.asarray(value, dtype)


def _model_like(layout: Layout) -> Model:
    return Model(_abstract((), layout.dtype), _abstract((), layout.dtype))


def _abstract(shape: tuple[int, ...], dtype: str) -> Any:
    """An array of which only shape and type count."""
    return jax.ShapeDtypeStruct(shape, np.dtype(dtype))
