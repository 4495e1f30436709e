"""One experiment from its first step to its last, as a generator of events.

It drives the programs of `compute.experiment` in rounds: nature goes on by a chunk of cycles, then
each method follows over the same chunk, so that all curves grow together and a checkpoint can be
taken between rounds. How long a chunk is follows what it takes; no number depends on it. Where it
has to wait, for a program that is compiled or a worker that computes, the generator yields the
future, for its driver to wait for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

from compute import checkpoint, states
from compute.climatology import Climatology
from compute.diagnosis import SERIES, Record
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
    States,
)
from compute.experiment import MethodState
from compute.pace import FIRST_CHUNK, Pace, next_count
from compute.plan import Batch, Plan, Requested
from compute.programs import Programs
from compute.reliability import Gathered
from compute.scoring import (
    BANDED,
    Scale,
    Scorer,
    bands_over_replicates,
    diagnostics_of,
    mean_over_replicates,
    spread_skill,
)
from compute.shape import Observed, Setting
from compute.workers import Workers
from learnda.experiment import Experiment, MethodInstance

Step = Event | Future[Any]
Climatologies = MutableMapping[tuple[int, str, float], Climatology]
"""By (n, precision, forcing); on the host."""
CLIMATOLOGIES = 32
"""How many are kept."""

DIAGNOSTICS_SECONDS = 1.0
"""Between two snapshots of what is gathered, in the stream."""


@dataclass
class _Group:
    """Some of the replicates, and where their truth is."""

    setting: Setting
    truth: Any


@dataclass
class _Part:
    """One batch over one group of replicates: what it carries from call to call."""

    batch: Batch
    group: _Group
    state: MethodState
    gathered: Gathered


class _Judged(NamedTuple):
    """What is told of one part's chunk."""

    columns: NDArray[np.float64]
    """[I, R, count, S]"""
    seconds: float
    states: states.Half | None
    """[I, K, C, S], of the first group of replicates, where they are kept."""


@dataclass
class _Untold:
    """A round that has been computed, or is on its way, and has not been told."""

    step: int = 0
    count: int = 0
    judged: list[list[Future[_Judged]]] = field(default_factory=list)
    """Of each batch, of each group."""
    nature: states.Half | None = None


@dataclass
class _Method:
    """One method instance of the run: where its numbers are, and its scores."""

    instance: MethodInstance
    has_members: bool
    parts: list[_Part]
    """Of its batch, one for each group of replicates."""
    at: int
    """Its place in the batch."""
    scorer: Scorer
    seconds: float = 0.0
    told: float = field(default_factory=time.perf_counter)
    """When what it has gathered was last told."""


@dataclass
class TwinRun:
    """An experiment on its way; iterate `events` once."""

    experiment: Experiment
    programs: Programs
    workers: Workers
    climatologies: Climatologies
    resume_from: bytes | None = None
    checkpoint_interval: float = 0.0

    def __post_init__(self) -> None:
        self._plan = Plan(self.experiment, self.workers.count, self.workers.side_by_side)
        self._pace = Pace(self.workers.count)
        self._over = False
        self._untold = _Untold()
        self._stride = states.stride(self.experiment.step_count)

    def request_programs(self) -> Requested:
        """Have every program of this experiment compiled, without running it."""
        return self._plan.request(self.programs, wanted=lambda: not self._over)

    def events(self) -> Iterator[Step]:
        """Every event of the run in order, and the futures to wait for."""
        try:
            yield from self._events()
        finally:  # early, too, where the run is cancelled
            self._over = True

    def _events(self) -> Iterator[Step]:
        began = time.perf_counter()
        total = self.experiment.step_count
        saved = checkpoint.unpack(self.resume_from) if self.resume_from else None
        step = int(saved["step"]) if saved else 0
        yield RunStarted(total, step)

        requested = self.request_programs()
        yield from self._compiling(requested)
        for _, waiting in requested.named:
            if not waiting.done():
                yield waiting
        self._requested = requested

        yield from self._find_climatology()
        self._std = float(np.sqrt(self._normal.variance))
        yield from self._start()
        truth_held = self._truth_is_finite()
        if saved:
            self._restore(saved)
        else:
            for method in self._methods:
                yield MethodStarted(method.instance.id)

        last_checkpoint = time.perf_counter()
        shape = self._plan.shape
        count = FIRST_CHUNK
        while step < total:
            count = min(count, total - step, shape.buffer - shape.slot(step))
            yield from self._round(step, count)
            step += count
            truth_held = truth_held and self._truth_is_finite()
            count = next_count(count, self._pace.round_seconds())
            interval = self.checkpoint_interval
            if interval and step < total and time.perf_counter() - last_checkpoint >= interval:
                yield from self._tell()
                yield Checkpoint(step, self._pack(step))
                last_checkpoint = time.perf_counter()
        yield from self._tell()

        for method in self._methods:
            yield self._completed(method)
        nothing_scored = self._plan.first_scored >= total
        warnings = [(_TRUTH_LOST, not truth_held), (_NOTHING_SCORED, nothing_scored)]
        seconds = time.perf_counter() - began
        yield RunCompleted(seconds, tuple(text for text, holds in warnings if holds))

    def _compiling(self, requested: Requested) -> Iterator[Compiling]:
        """What has to be waited for, each once: by the method's name, or what it is for."""
        missing: dict[str, list[float | None]] = {}
        for name, program in requested.named:
            if not program.done():
                said = "truth" if name in ("start", "nature", "moments") else name
                missing.setdefault(said, []).append(self.programs.estimated_seconds(name))
        for said, seconds in missing.items():
            known = [s for s in seconds if s is not None]
            yield Compiling(said, max(known, default=None))

    # ------------------------------------------------------------ start

    def _find_climatology(self) -> Iterator[Step]:
        e = self.experiment
        key = (e.lorenz96_n, e.precision, e.lorenz96_F)
        if key not in self.climatologies:
            call = self._requested.climatology.result().call
            found = self.workers.submit(call, self._plan.setting(0).forcing)
            yield found
            while len(self.climatologies) >= CLIMATOLOGIES:
                self.climatologies.pop(next(iter(self.climatologies)))
            self.climatologies[key] = jax.tree.map(np.asarray, found.result())
        self._normal = self.climatologies[key]

    def _start(self) -> Iterator[Step]:
        """Every group of replicates and every batch before the first cycle."""
        plan = self._plan
        call = self._requested.start.result().call
        settings = [plan.setting(g) for g in range(plan.groups)]
        drawn = [self.workers.submit(call, setting) for setting in settings]
        yield from drawn
        self._groups = []
        self._parts: list[list[_Part]] = [[] for _ in plan.batches]
        for setting, future in zip(settings, drawn, strict=True):
            truth, ensemble, alive = future.result()
            group = _Group(setting, truth)
            self._groups.append(group)
            for batch, parts in zip(plan.batches, self._parts, strict=True):
                state = plan.first_state(batch, self._normal, ensemble, alive)
                parts.append(_Part(batch, group, state, plan.nothing_gathered(batch)))
        places = {
            position: (parts, at)
            for batch, parts in zip(plan.batches, self._parts, strict=True)
            for at, position in enumerate(batch.positions)
        }
        self._methods = []
        for position, instance in enumerate(self.experiment.methods):
            parts, at = places[position]
            declaration = parts[0].batch.scheme.declaration
            scorer = Scorer(self._scale(declaration.baseline))
            self._methods.append(_Method(instance, declaration.has_members, parts, at, scorer))

    # ------------------------------------------------------------ rounds

    def _round(self, step: int, count: int) -> Iterator[Step]:
        """A chunk of nature, then every method over it; what the round before did is told while
        the methods of this one compute.
        """
        arguments = (np.int32(step), np.int32(count))
        call = self._requested.nature.result().call
        natures = [
            self._submit(call, group.setting, self._plan.sites, group.truth, *arguments)
            for group in self._groups
        ]
        yield from natures
        given = []
        for group, future in zip(self._groups, natures, strict=True):
            group.truth, observed = future.result()
            given.append(observed)
        del natures
        kept = self._kept(step, count)
        nature = states.of_nature(given[0], kept) if len(kept) else None
        if self._plan.shape.buffer == 1:  # a large ensemble: one record at a time
            yield from self._tell()
        running = [
            [
                self._submit(self._advance, number, part, observed, *arguments)
                for part, observed in zip(parts, given, strict=True)
            ]
            for number, parts in enumerate(self._parts)
        ]
        yield from self._tell()
        judged = []
        for number, (parts, futures) in enumerate(zip(self._parts, running, strict=True)):
            yield from futures
            judged.append(
                [
                    self._submit(self._judge, number, part, *future.result(), *arguments)
                    for part, future in zip(parts, futures, strict=True)
                ]
            )
            futures.clear()
        self._untold = _Untold(step, count, judged, nature)

    def _submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        return self.workers.submit(self._pace.timed, function, *arguments)

    def _advance(
        self, number: int, part: _Part, observed: Observed, step: Any, count: Any
    ) -> tuple[Observed, Record, float]:
        """One batch over the chunk that nature has just made, in a worker's thread: its record and
        the seconds it took.
        """
        began = time.perf_counter()
        call = self._requested.methods[number].result().call
        part.state, record = jax.block_until_ready(
            call(
                part.group.setting,
                self._normal,
                part.batch.values,
                part.state,
                observed,
                step,
                count,
            )
        )
        return observed, record, time.perf_counter() - began

    def _judge(
        self,
        number: int,
        part: _Part,
        observed: Observed,
        record: Record,
        seconds: float,
        step: Any,
        count: Any,
    ) -> _Judged:
        """What is told of a record, in a worker's thread, with the ``seconds`` it took."""
        kept = self._kept(int(step), int(count))
        shown = part.group is self._groups[0] and len(kept) > 0
        found = states.of_record(record, kept) if shown else None
        call = self._requested.diagnoses[number].result().call
        part.gathered, columns = call(
            part.group.setting, self._normal, part.gathered, record, observed, step, count
        )
        slot = self._plan.shape.slot(int(step))
        told = np.asarray(columns)[:, :, slot : slot + count].astype(np.float64)
        return _Judged(told, seconds, found)

    def _kept(self, step: int, count: int) -> NDArray[np.int64]:
        """Where in the buffers the steps of a chunk are whose states are kept."""
        if not self.experiment.record_states:
            return np.zeros(0, np.int64)
        first = step - self._plan.shape.slot(step)
        return states.kept(step, count, self._stride) - first

    def _tell(self) -> Iterator[Step]:
        """The progress of the last round, if it has not been told."""
        told, self._untold = self._untold, _Untold()
        steps = states.kept(told.step, told.count, self._stride)
        if told.nature is not None:
            yield States("", steps, told.nature)
        for parts, futures in zip(self._parts, told.judged, strict=False):
            yield from futures
            results = [future.result() for future in futures]
            futures.clear()
            columns = np.concatenate([found.columns for found in results], axis=1)
            seconds = sum(found.seconds for found in results) / len(results)
            batch = parts[0].batch
            for at, position in enumerate(batch.positions):
                method = self._methods[position]
                method.seconds += seconds / len(batch.positions)
                yield self._progress(method, told.step, told.count, columns[at])
                if (found := results[0].states) is not None:
                    yield States(method.instance.id, steps, found[at])

    def _progress(
        self, method: _Method, step: int, count: int, columns: NDArray[np.float64]
    ) -> Progress:
        columns = columns[: self.experiment.replicates].transpose(1, 2, 0)  # [K, S, R]
        mean = mean_over_replicates(columns)
        method.scorer.add(step, columns, mean)
        bands = {
            name: bands_over_replicates(columns[:, SERIES.index(name)])
            for name in BANDED
            if self.experiment.replicates > 1
        }
        due = time.perf_counter() - method.told >= DIAGNOSTICS_SECONDS
        return Progress(
            method_id=method.instance.id,
            first_step=step,
            t=np.arange(step, step + count, dtype=np.float64) * self.experiment.obs_freq,
            replicates={name: columns[:, i].T for i, name in enumerate(SERIES)},
            mean={name: mean[:, i] for i, name in enumerate(SERIES)},
            low={name: low for name, (low, _) in bands.items()},
            high={name: high for name, (_, high) in bands.items()},
            diagnostics=self._diagnostics(method) if due else None,
        )

    def _truth_is_finite(self) -> bool:
        return bool(np.isfinite(self._joined([group.truth for group in self._groups])).all())

    def _joined(self, groups: Iterable[Any], at: Any = ...) -> NDArray[Any]:
        """Arrays [R, ...] of the groups as one array of all replicates, on the host; of arrays
        [I, R, ...] those of the instance ``at``.
        """
        return np.concatenate([np.asarray(a)[at] for a in groups])[: self.experiment.replicates]

    # ------------------------------------------------------------ scores

    def _scale(self, baseline: bool) -> Scale:
        """What a method is scored against; a baseline cannot lose what it does not follow."""
        e = self.experiment
        lost_above = math.inf if baseline else self._lost_above()
        return Scale(e.step_count, e.replicates, self._plan.first_scored, lost_above)

    def _lost_above(self) -> float:
        """Half the climatological standard deviation; a model at rest cannot lose its truth."""
        std = self._std
        at_rest = std <= 1e-6 * max(1.0, abs(self.experiment.lorenz96_F))
        return math.inf if at_rest or not math.isfinite(std) else std / 2

    def _diagnostics(self, method: _Method) -> Diagnostics:
        method.told = time.perf_counter()
        gathered = jax.tree.map(
            lambda *groups: self._joined(groups, method.at),
            *(part.gathered for part in method.parts),
        )
        return diagnostics_of(gathered, self._std)

    def _completed(self, method: _Method) -> MethodCompleted:
        step = method.scorer.diverged_step()
        found = self._diagnostics(method)
        metrics = method.scorer.metrics()
        members = self.experiment.ensemble_size if method.has_members else 0
        metrics["spread_skill"] = spread_skill(found, members)
        return MethodCompleted(
            method_id=method.instance.id,
            status="completed" if step is None else "diverged",
            metrics=metrics,
            runtime_seconds=method.seconds,
            diverged_step=step,
            diagnostics=found,
        )

    # ------------------------------------------------------------ checkpoints

    def _pack(self, step: int) -> bytes:
        """Of all replicates of each instance, however they were shared out."""
        truth = self._joined([group.truth for group in self._groups])
        arrays: dict[str, Any] = {"step": np.int64(step), "truth": truth}
        for i, method in enumerate(self._methods):
            leaves = [jax.tree.leaves((part.state, part.gathered)) for part in method.parts]
            for j, groups in enumerate(zip(*leaves, strict=True)):
                arrays[f"{i}.state.{j}"] = self._joined(groups, method.at)
            arrays[f"{i}.seconds"] = np.float64(method.seconds)
            for name, value in method.scorer.state().items():
                arrays[f"{i}.score.{name}"] = value
        return checkpoint.pack(arrays)

    def _restore(self, saved: dict[str, NDArray[Any]]) -> None:
        for i, method in enumerate(self._methods):
            method.seconds = float(checkpoint.matching(saved, f"{i}.seconds", np.float64(0)))
            method.scorer.restore(
                {
                    name: checkpoint.matching(saved, f"{i}.score.{name}", value)
                    for name, value in method.scorer.state().items()
                }
            )
        truth = checkpoint.matching(
            saved, "truth", self._joined([group.truth for group in self._groups])
        )
        for group in self._groups:
            group.truth = self._of_group(truth, group)
        for parts in self._parts:
            for part in parts:
                self._restore_part(saved, part)

    def _restore_part(self, saved: dict[str, NDArray[Any]], part: _Part) -> None:
        positions = part.batch.positions
        rows = [*positions, *positions[-1:] * (part.batch.size - len(positions))]
        leaves, structure = jax.tree.flatten((part.state, part.gathered))
        restored = []
        for j, leaf in enumerate(leaves):
            like = np.broadcast_to(
                np.zeros((), leaf.dtype), (self.experiment.replicates, *leaf.shape[2:])
            )
            instances = [checkpoint.matching(saved, f"{i}.state.{j}", like) for i in rows]
            restored.append(np.stack([self._of_group(a, part.group) for a in instances]))
        part.state, part.gathered = jax.tree.unflatten(structure, restored)

    def _of_group(self, of_all: NDArray[Any], group: _Group) -> Any:
        """The rows of a group's replicates; the last one stands in for those that fill it up."""
        numbers = np.minimum(np.asarray(group.setting.replicates), len(of_all) - 1)
        return of_all[numbers]


_NOTHING_SCORED = (
    "Every cycle lies within the burn-in: nothing is scored. Choose a burn_in before end_time."
)
_TRUTH_LOST = (
    "The truth became non-finite: the model is not stable with this forcing (lorenz96_F) and "
    "Runge-Kutta step (dt). Choose a smaller dt."
)
