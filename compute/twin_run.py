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
from compute.climatology import Climatology, climatology
from compute.events import (
    Checkpoint,
    Compiling,
    Diagnostics,
    Event,
    MethodCompleted,
    MethodStarted,
    Progress,
    RunCompleted,
    RunStarted,
)
from compute.experiment import SERIES, MethodState, Setting, Shape
from compute.programs import Program, Programs
from compute.randomness import seed_words
from compute.registry import METHODS
from compute.schemes import Scheme
from compute.scoring import Scale, Scorer, diagnostics_of, mean_over_replicates, spread_skill
from learnda.experiment import Experiment, MethodInstance

Step = Event | Future[Program]
Climatologies = MutableMapping[tuple[int, str, float], Climatology]
"""By (n, precision, forcing); on the host."""
CLIMATOLOGIES = 32
"""How many are kept."""

FIRST_CHUNK = 4
"""Cycles of the first round: the first point is there at once."""
MAX_CHUNK = 128
ROUND_SECONDS = 0.1
"""What a round should take: some ten messages a second for each method."""
BUFFER_BYTES = 32 << 20
"""What nature hands to the methods in one round, at most (but always one cycle)."""
DIAGNOSTICS_SECONDS = 1.0
"""Between two snapshots of what is gathered, in the stream."""


@dataclass
class _Program:
    """The program of one method instance, and the numbers it is called with."""

    instance: MethodInstance
    scheme: Scheme
    future: Future[Program]
    values: dict[str, NDArray[Any]]


@dataclass
class _Method:
    """One method of the run: its program, what it carries, its scores."""

    program: _Program
    scorer: Scorer
    state: MethodState
    climatological_std: float
    seconds: float = 0.0
    told: float = field(default_factory=time.perf_counter)
    """When what it has gathered was last told."""

    def diagnostics(self) -> Diagnostics:
        self.told = time.perf_counter()
        return diagnostics_of(self.state.gathered, self.climatological_std)

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
            operator=e.obs_operator,
            distribution=e.obs_error,
            correlated=e.obs_error_correlation > 0,
            truth_noise=e.truth_noise > 0,
            forecast_noise=e.forecast_noise > 0,
            leads=e.forecast_leads,
        )
        deviations = e.std_obs if e.std_obs_sites is None else e.std_obs_sites
        self._setting = Setting(
            words=_host(seed_words(e.seed)),
            forcing=self._array(e.lorenz96_F),
            forecast_forcing=self._array(e.forecast_F),
            dt=self._array(e.dt),
            substeps=_host(np.int32(e.substeps)),
            std_obs=_host(np.broadcast_to(self._array(deviations), e.lorenz96_n)),
            dof=self._array(e.obs_error_dof),
            correlation=self._array(e.obs_error_correlation),
            truth_noise=self._array(e.truth_noise),
            forecast_noise=self._array(e.forecast_noise),
            initial_std=self._array(e.initial_std),
            first_scored=_host(np.int32(min(self._first_scored, e.step_count))),
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

        normal = self._climatology(moments)
        std = float(np.sqrt(normal.variance))
        truth, ensemble, alive = start.result().call(self._setting)
        methods = [
            _Method(
                program,
                Scorer(self._scale(program, self._lost_above(std))),
                self._first_state(program.scheme, normal, ensemble, alive),
                std,
            )
            for program in programs
        ]
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
                yield self._advance(method, normal, observed, step, count)
            step += count
            truth_held = truth_held and bool(np.isfinite(truth).all())
            seconds = time.perf_counter() - round_began
            count = self._next_count(count, seconds)
            interval = self.checkpoint_interval
            if interval and step < total and time.perf_counter() - last_checkpoint >= interval:
                yield Checkpoint(step, self._pack(step, truth, methods))
                last_checkpoint = time.perf_counter()

        for method in methods:
            yield self._completed(method)
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
        normal = Climatology(
            _abstract((), self._dtype),
            _abstract((shape.n,), self._dtype),
        )
        ensemble = _abstract((*lead, shape.members, shape.n), self._dtype)
        alive = _abstract(lead, np.bool_)
        chunk = (shape.buffer, shape.replicates)
        observed = experiment.Observed(
            _abstract((*chunk, shape.n), self._dtype),
            _abstract((*chunk, shape.m), np.int32),
            _abstract((*chunk, shape.m), self._dtype),
        )
        programs = []
        for instance in self.experiment.methods:
            scheme = METHODS[instance.name]
            choices = {k: v for k, v in instance.params.items() if isinstance(v, bool | str)}
            values = {
                k: self._array(v)
                for k, v in instance.params.items()
                if not isinstance(v, bool | str)
            }
            window = 0
            if "r" in values:
                taper = str(choices.get("taper", "box"))
                window = localization.window(taper, float(values["r"]), shape.n)
            with jax.enable_x64(True):  # a warm-up asks in a thread of its own
                state = jax.eval_shape(partial(self._first_state, scheme), normal, ensemble, alive)
            program = self._request(
                instance.name,
                (shape, tuple(sorted(choices.items())), window),
                partial(experiment.method, shape, scheme, choices, window),
                like(self._setting),
                normal,
                like(values),
                state,
                observed,
                step,
                step,
            )
            programs.append(_Program(instance, scheme, program, values))
        return start, nature, moments, programs

    def _first_state(
        self, scheme: Scheme, normal: Climatology, ensemble: Any, alive: Any
    ) -> MethodState:
        world = experiment.make_world(self._shape, self._setting, normal)
        return experiment.first_state(self._shape, scheme, world, ensemble, alive)

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

    def _array(self, value: Any) -> Any:
        return np.asarray(value, self._dtype)

    # ------------------------------------------------------------ rounds

    def _advance(
        self, method: _Method, normal: Climatology, observed: Any, step: int, count: int
    ) -> Progress:
        """One method over the chunk that nature has just made."""
        began = time.perf_counter()
        method.state, columns = method.program.future.result().call(
            self._setting,
            normal,
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
        due = time.perf_counter() - method.told >= DIAGNOSTICS_SECONDS
        return Progress(
            method_id=method.id,
            first_step=step,
            t=np.arange(step, step + count, dtype=np.float64) * self.experiment.obs_freq,
            replicates={name: host[:, i].T for i, name in enumerate(SERIES)},
            mean={name: mean[:, i] for i, name in enumerate(SERIES)},
            diagnostics=method.diagnostics() if due else None,
        )

    def _next_count(self, count: int, seconds: float) -> int:
        """Cycles of the next round: as many as take ROUND_SECONDS, growing at most fourfold."""
        fitting = int(count * ROUND_SECONDS / max(seconds, 1e-6))
        return max(1, min(fitting, 4 * count, self._shape.buffer))

    # ------------------------------------------------------------ scores

    @property
    def _first_scored(self) -> int:
        return math.ceil(self.experiment.burn_in / self.experiment.obs_freq - 1e-9)

    def _climatology(self, moments: Future[Program]) -> Climatology:
        e = self.experiment
        key = (e.lorenz96_n, e.precision, e.lorenz96_F)
        if key not in self.climatologies:
            while len(self.climatologies) >= CLIMATOLOGIES:
                self.climatologies.pop(next(iter(self.climatologies)))
            found = moments.result().call(self._setting.forcing)
            self.climatologies[key] = jax.tree.map(np.asarray, found)
        return self.climatologies[key]

    def _lost_above(self, std: float) -> float:
        """Half the climatological standard deviation; a model at rest cannot lose its truth."""
        at_rest = std <= 1e-6 * max(1.0, abs(self.experiment.lorenz96_F))
        return math.inf if at_rest or not math.isfinite(std) else std / 2

    def _scale(self, program: _Program, lost_above: float) -> Scale:
        """What a method is scored against; a baseline cannot lose what it does not follow."""
        e = self.experiment
        baseline = program.scheme.declaration.baseline
        return Scale(
            e.step_count, e.replicates, self._first_scored, math.inf if baseline else lost_above
        )

    def _completed(self, method: _Method) -> MethodCompleted:
        step = method.scorer.diverged_step()
        found = method.diagnostics()
        members = self.experiment.ensemble_size
        has_members = method.program.scheme.declaration.has_members
        metrics = method.scorer.metrics()
        metrics["spread_skill"] = spread_skill(found, members if has_members else 0)
        return MethodCompleted(
            method_id=method.id,
            status="completed" if step is None else "diverged",
            metrics=metrics,
            runtime_seconds=method.seconds,
            diverged_step=step,
            diagnostics=found,
        )

    # ------------------------------------------------------------ checkpoints

    def _pack(self, step: int, truth: Any, methods: list[_Method]) -> bytes:
        arrays: dict[str, Any] = {"step": np.int64(step), "truth": truth}
        for i, method in enumerate(methods):
            for j, leaf in enumerate(jax.tree.leaves(method.state)):
                arrays[f"{i}.state.{j}"] = leaf
            arrays[f"{i}.seconds"] = np.float64(method.seconds)
            for name, value in method.scorer.state().items():
                arrays[f"{i}.score.{name}"] = value
        return checkpoint.pack(arrays)

    def _restore(self, saved: dict[str, NDArray[Any]], truth: Any, methods: list[_Method]) -> Any:
        for i, method in enumerate(methods):
            leaves, structure = jax.tree.flatten(method.state)
            method.state = jax.tree.unflatten(
                structure,
                [
                    checkpoint.matching(saved, f"{i}.state.{j}", leaf)
                    for j, leaf in enumerate(leaves)
                ],
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


def _buffer(e: Experiment, itemsize: int) -> int:
    """Cycles of one round at most: a function of the shape alone."""
    numbers = 3 * e.lorenz96_n + e.m + len(SERIES)  # truth, variance and error; y; diagnostics
    per_cycle = e.replicates * (numbers * itemsize + 4 * e.m + 8 * e.lorenz96_n)
    return max(1, min(MAX_CHUNK, BUFFER_BYTES // per_cycle))


def _host(value: Any) -> Any:
    """A host array where a device array is expected: the compiled program takes both."""
    return value


def _abstract(shape: tuple[int, ...], dtype: Any) -> Any:
    """An array of which only shape and type count."""
    return jax.ShapeDtypeStruct(shape, dtype)


def _like(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: _abstract(np.shape(leaf), leaf.dtype), tree)
