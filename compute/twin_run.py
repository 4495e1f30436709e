"""One experiment from its first step to its last, as a generator of events.

It drives the programs of `compute.experiment` in rounds: nature goes on by a chunk of cycles, then
each method follows over the same chunk, so that all curves grow together and a checkpoint can be
taken between rounds. How long a chunk is follows the clock; no number depends on it. Where a
program has still to be compiled the generator yields the future, for its driver to wait for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, MutableMapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from compute import checkpoint, experiment, localization
from compute.climatology import climatology
from compute.events import (
    Checkpoint,
    Compiling,
    Event,
    MethodCompleted,
    MethodStarted,
    Progress,
    RunCompleted,
    RunStarted,
)
from compute.experiment import SERIES, MethodState, Setting, Shape
from compute.filters import REGISTRY
from compute.programs import Program, Programs
from compute.randomness import seed_words
from compute.scoring import Scale, Scorer, mean_over_replicates
from learnda.experiment import Experiment, MethodInstance

Step = Event | Future[Program]
Climatologies = MutableMapping[tuple[int, str, float], float]
"""Climatological standard deviation by (n, precision, forcing)."""

FIRST_CHUNK = 4
"""Cycles of the first round: the first point is there at once."""
MAX_CHUNK = 128
ROUND_SECONDS = 0.1
"""What a round should take: some ten messages a second for each method."""
BUFFER_BYTES = 32 << 20
"""What nature hands to the methods in one round, at most (but always one cycle)."""

_STREAMED = SERIES[:6]


@dataclass
class _Program:
    """The program of one method instance, and the numbers it is called with."""

    instance: MethodInstance
    future: Future[Program]
    values: dict[str, NDArray[Any]]


@dataclass
class _Method:
    """One method of the run: its program, what it carries, its scores."""

    program: _Program
    scorer: Scorer
    state: MethodState
    seconds: float = 0.0

    @property
    def id(self) -> str:
        return self.program.instance.id


@dataclass
class TwinRun:
    """An experiment on its way; iterate `events` once."""

    experiment: Experiment
    programs: Programs
    climatologies: Climatologies
    resume_from: bytes | None = None
    checkpoint_interval: float = 0.0
    _requested: list[tuple[str, Future[Program]]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        e = self.experiment
        self._dtype = np.dtype(e.precision)
        explicit = e.obs_sites is not None
        self._shape = Shape(
            n=e.lorenz96_n,
            members=e.ensemble_size,
            m=e.m,
            replicates=e.replicates,
            buffer=_buffer(e, self._dtype.itemsize),
            dtype=e.precision,
            network="explicit" if explicit else e.obs_network or "random",
            initial=e.initial,
        )
        self._setting = Setting(
            words=_host(seed_words(e.seed)),
            forcing=self._scalar(e.lorenz96_F),
            dt=self._scalar(e.dt),
            substeps=_host(np.int32(e.substeps)),
            std_obs=self._scalar(e.std_obs),
            initial_std=self._scalar(e.initial_std),
        )
        self._sites = np.array(e.obs_sites if e.obs_sites is not None else [0] * e.m, np.int32)

    def events(self) -> Iterator[Step]:
        """Every event of the run in order, and the compilations to wait for."""
        began = time.perf_counter()
        total = self.experiment.step_count
        saved = checkpoint.unpack(self.resume_from) if self.resume_from else None
        step = int(saved["step"]) if saved else 0
        yield RunStarted(total, step)

        start, nature, moments, programs = self._request_programs()
        for name, waiting in self._requested:
            if not waiting.done():
                yield Compiling(name, self.programs.estimated_seconds(name))
        for _, waiting in self._requested:
            if not waiting.done():
                yield waiting

        lost_above = self._lost_above(moments)
        truth, ensemble = start.result().call(self._setting)
        first = experiment.first_state(ensemble)
        methods = [_Method(p, Scorer(self._scale(p, lost_above)), first) for p in programs]
        truth_held = bool(np.isfinite(truth).all())
        if saved:
            truth = self._restore(saved, truth, methods)
        else:
            for method in methods:
                yield MethodStarted(method.id)

        last_checkpoint = time.perf_counter()
        count = min(FIRST_CHUNK, self._shape.buffer)
        while step < total:
            count = min(count, total - step)
            round_began = time.perf_counter()
            truth, observed = nature.result().call(
                self._setting, self._sites, truth, np.int32(step), np.int32(count)
            )
            for method in methods:
                yield self._advance(method, observed, step, count)
            step += count
            truth_held = truth_held and bool(np.isfinite(truth).all())
            seconds = time.perf_counter() - round_began
            count = self._next_count(count, seconds)
            interval = self.checkpoint_interval
            if interval and step < total and time.perf_counter() - last_checkpoint >= interval:
                yield Checkpoint(step, self._pack(step, truth, methods))
                last_checkpoint = time.perf_counter()

        for method in methods:
            yield _completed(method)
        yield RunCompleted(time.perf_counter() - began, () if truth_held else (_TRUTH_LOST,))

    def request_programs(self) -> None:
        """Have every program of this experiment compiled, without running it."""
        self._request_programs()

    # ------------------------------------------------------------ programs

    def _request_programs(
        self,
    ) -> tuple[Future[Program], Future[Program], Future[Program], list[_Program]]:
        shape, like = self._shape, _like
        start = self._request("start", shape, partial(experiment.start, shape), like(self._setting))
        step = _abstract((), np.int32)
        lead = (shape.replicates,)
        truth = _abstract((*lead, shape.n), self._dtype)
        nature = self._request(
            "nature",
            shape,
            partial(experiment.nature, shape),
            like(self._setting),
            like(self._sites),
            truth,
            step,
            step,
        )
        moments = self._request(
            "climatology",
            (shape.n, shape.dtype),
            partial(climatology, shape.n, self._dtype),
            like(self._setting.forcing),
        )
        state = MethodState(
            _abstract((*lead, shape.members, shape.n), self._dtype),
            _abstract(lead, np.bool_),
        )
        chunk = (shape.buffer, shape.replicates)
        observed = experiment.Observed(
            _abstract((*chunk, shape.n), self._dtype),
            _abstract((*chunk, shape.m), np.int32),
            _abstract((*chunk, shape.m), self._dtype),
        )
        programs = []
        for instance in self.experiment.methods:
            entry = REGISTRY[instance.name]
            choices = {k: v for k, v in instance.params.items() if isinstance(v, bool | str)}
            values = {
                k: self._scalar(v)
                for k, v in instance.params.items()
                if not isinstance(v, bool | str)
            }
            window = None
            if "taper" in choices and choices["taper"] != "none":
                window = localization.window(
                    str(choices["taper"]), float(instance.params["r"]), shape.n
                )
            program = self._request(
                instance.name,
                (shape, tuple(sorted(choices.items())), window),
                partial(experiment.method, shape, entry, choices, window),
                like(self._setting),
                like(values),
                state,
                observed,
                step,
                step,
            )
            programs.append(_Program(instance, program, values))
        return start, nature, moments, programs

    def _request(self, name: str, key: Any, function: Any, *arguments: Any) -> Future[Program]:
        future = self.programs.request(
            (name, key),
            name,
            str(self._shape),
            function,
            *arguments,
            hasty=name in ("start", "climatology"),  # they run once
        )
        self._requested.append((name, future))
        return future

    def _scalar(self, value: float) -> Any:
        return np.asarray(value, self._dtype)

    # ------------------------------------------------------------ rounds

    def _advance(self, method: _Method, observed: Any, step: int, count: int) -> Progress:
        """One method over the chunk that nature has just made."""
        began = time.perf_counter()
        method.state, columns = method.program.future.result().call(
            self._setting,
            method.program.values,
            method.state,
            observed,
            np.int32(step),
            np.int32(count),
        )
        host = np.asarray(columns)[:count].astype(np.float64)
        method.seconds += time.perf_counter() - began
        mean = mean_over_replicates(host)
        method.scorer.add(step, host, mean)
        return Progress(
            method_id=method.id,
            first_step=step,
            t=np.arange(step, step + count, dtype=np.float64) * self.experiment.obs_freq,
            replicates={name: host[:, i].T for i, name in enumerate(_STREAMED)},
            mean={name: mean[:, i] for i, name in enumerate(_STREAMED)},
        )

    def _next_count(self, count: int, seconds: float) -> int:
        """Cycles of the next round: as many as take ROUND_SECONDS, growing at most fourfold."""
        fitting = int(count * ROUND_SECONDS / max(seconds, 1e-6))
        return max(1, min(fitting, 4 * count, self._shape.buffer))

    # ------------------------------------------------------------ scores

    def _lost_above(self, moments: Future[Program]) -> float:
        """Half the climatological standard deviation; a model at rest cannot lose its truth."""
        e = self.experiment
        key = (e.lorenz96_n, e.precision, e.lorenz96_F)
        if key not in self.climatologies:
            self.climatologies[key] = float(moments.result().call(self._setting.forcing).std)
        std = self.climatologies[key]
        at_rest = std <= 1e-6 * max(1.0, abs(e.lorenz96_F))
        return math.inf if at_rest or not math.isfinite(std) else std / 2

    def _scale(self, program: _Program, lost_above: float) -> Scale:
        """What a method is scored against; a baseline cannot lose what it does not follow."""
        e = self.experiment
        first_scored = math.ceil(e.burn_in / e.obs_freq - 1e-9)
        baseline = REGISTRY[program.instance.name].declaration.baseline
        return Scale(e.step_count, e.replicates, first_scored, math.inf if baseline else lost_above)

    # ------------------------------------------------------------ checkpoints

    def _pack(self, step: int, truth: Any, methods: list[_Method]) -> bytes:
        arrays: dict[str, Any] = {"step": np.int64(step), "truth": truth}
        for i, method in enumerate(methods):
            arrays[f"{i}.ensemble"] = method.state.ensemble
            arrays[f"{i}.alive"] = method.state.alive
            arrays[f"{i}.seconds"] = np.float64(method.seconds)
            for name, value in method.scorer.state().items():
                arrays[f"{i}.score.{name}"] = value
        return checkpoint.pack(arrays)

    def _restore(self, saved: dict[str, NDArray[Any]], truth: Any, methods: list[_Method]) -> Any:
        for i, method in enumerate(methods):
            method.state = MethodState(
                checkpoint.matching(saved, f"{i}.ensemble", method.state.ensemble),
                checkpoint.matching(saved, f"{i}.alive", method.state.alive),
            )
            method.seconds = float(checkpoint.matching(saved, f"{i}.seconds", np.float64(0)))
            method.scorer.restore(
                {
                    name: checkpoint.matching(saved, f"{i}.score.{name}", value)
                    for name, value in method.scorer.state().items()
                }
            )
        return checkpoint.matching(saved, "truth", truth)


_TRUTH_LOST = (
    "The truth became non-finite: the model is not stable with this forcing (lorenz96_F) and "
    "Runge-Kutta step (dt). Choose a smaller dt."
)


def _completed(method: _Method) -> MethodCompleted:
    assert method.scorer is not None
    step = method.scorer.diverged_step()
    return MethodCompleted(
        method_id=method.id,
        status="completed" if step is None else "diverged",
        metrics=method.scorer.metrics(),
        runtime_seconds=method.seconds,
        diverged_step=step,
    )


def _buffer(e: Experiment, itemsize: int) -> int:
    """Cycles of one round at most: a function of the shape alone."""
    per_cycle = e.replicates * ((e.lorenz96_n + e.m + len(SERIES)) * itemsize + 4 * e.m)
    return max(1, min(MAX_CHUNK, BUFFER_BYTES // per_cycle))


def _host(value: Any) -> Any:
    """A host array where a device array is expected: the compiled program takes both."""
    return value


def _abstract(shape: tuple[int, ...], dtype: Any) -> Any:
    """An array of which only shape and type count."""
    return jax.ShapeDtypeStruct(shape, dtype)


def _like(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: _abstract(np.shape(leaf), leaf.dtype), tree)
