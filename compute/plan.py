"""How an experiment is laid out on a device: which programs, for which batches, of which shapes.

Method instances that share a program are one batch: one more axis. So that a processor's cores all
have work, replicates are shared out over as many groups as there are workers, and where there is
one replicate only, the instances of a batch are. A group or a batch that does not come out even is
filled up with more of the same, and what they give is dropped. All of it follows from the request
and the device, nothing from the clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from compute import diagnosis, experiment, localization, reliability
from compute.climatology import Climatology, climatology
from compute.diagnosis import SERIES
from compute.experiment import MethodState
from compute.programs import Program, Programs, Recipe
from compute.randomness import seed_words
from compute.registry import METHODS
from compute.reliability import Gathered
from compute.schemes import Scheme
from compute.shape import Observed, Setting, Shape
from learnda.experiment import Experiment

MAX_CHUNK = 128
"""Cycles of one call at most."""
BUFFER_BYTES = 32 << 20
"""What nature hands to the methods in one round, or a method to its diagnosis, at most (but always
one cycle)."""
WORTH_A_BUFFER = 8
"""Cycles; where fewer fit, each call does one, and copies none of its ensembles into a buffer."""
SMALL_ENSEMBLE = 1 << 16
"""Numbers; operations on fewer are not worth sharing out over threads."""

Values = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Batch:
    """Instances of one method that share a program, as one call computes them."""

    scheme: Scheme
    choices: Mapping[str, Any]
    """The parameters that select code."""
    window: int
    size: int
    """Instances of the call."""
    positions: tuple[int, ...]
    """Of the instances among those of the run; the call's last ones are repeated if they are fewer
    than ``size``."""
    values: Values
    """The parameters that are numbers: each [size]."""

    @property
    def name(self) -> str:
        return self.scheme.declaration.name

    @property
    def key(self) -> tuple[Any, ...]:
        return (tuple(sorted(self.choices.items())), self.window, self.size)


@dataclass(frozen=True)
class Requested:
    """The programs of an experiment, on their way."""

    start: Future[Program]
    nature: Future[Program]
    climatology: Future[Program]
    methods: tuple[Future[Program], ...]
    """Of each batch."""
    diagnoses: tuple[Future[Program], ...]
    """Of each batch."""
    named: tuple[tuple[str, Future[Program]], ...]
    """All of them, each once."""


class Plan:
    """The layout of ``experiment`` on so many ``workers``, each with its lanes ``side_by_side``.

    Of an experiment without methods it is the nature alone, as one method would be given it.
    """

    def __init__(self, experiment: Experiment, workers: int, side_by_side: bool = False) -> None:
        e = self.experiment = experiment
        self.dtype = np.dtype(e.precision)
        groups = min(e.replicates, workers)
        size = -(-e.replicates // groups)
        self.groups = -(-e.replicates // size)
        """Over which the replicates are shared out, ``shape.replicates`` to each."""
        self.batches = tuple(self._batches(-(-workers // self.groups)))
        largest = max((batch.size for batch in self.batches), default=1)
        self.shape = Shape(
            n=e.lorenz96_n,
            members=e.ensemble_size,
            m=e.m,
            replicates=size,
            buffer=_buffer(e, size, largest, self.dtype.itemsize),
            dtype=e.precision,
            network="explicit" if e.obs_sites is not None else e.obs_network or "random",
            initial=e.initial,
            operator=e.obs_operator,
            distribution=e.obs_error,
            correlated=e.obs_error_correlation > 0,
            truth_noise=e.truth_noise > 0,
            forecast_noise=e.forecast_noise > 0,
            leads=e.forecast_leads,
            side_by_side=side_by_side,
        )
        self.sites = np.array(e.obs_sites if e.obs_sites is not None else [0] * e.m, np.int32)

    @property
    def first_scored(self) -> int:
        """The first step that is scored."""
        return math.ceil(self.experiment.burn_in / self.experiment.obs_freq - 1e-9)

    def setting(self, group: int) -> Setting:
        """The values of the experiment for one group of its replicates."""
        first = group * self.shape.replicates
        numbers: Any = np.arange(first, first + self.shape.replicates, dtype=np.uint32)
        return self._setting._replace(replicates=numbers)

    @cached_property
    def _setting(self) -> Setting:
        e = self.experiment
        deviations = e.std_obs if e.std_obs_sites is None else e.std_obs_sites
        return Setting(
            words=_host(seed_words(e.seed)),
            replicates=_host(np.zeros(self.shape.replicates, np.uint32)),
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
            first_scored=_host(np.int32(min(self.first_scored, e.step_count))),
        )

    # ------------------------------------------------------------ programs

    def request(self, programs: Programs, wanted: Callable[[], bool]) -> Requested:
        """Have every program made that is not held, if it is still ``wanted`` at its turn."""
        shape = self.shape
        named: list[tuple[str, Future[Program]]] = []

        def request(recipe: Recipe) -> Future[Program]:
            future = programs.request(recipe, wanted)
            if all(future is not other for _, other in named):
                named.append((recipe.name, future))
            return future

        def ask(*arguments: Any, **options: Any) -> Future[Program]:
            return request(self._recipe(*arguments, **options))

        start, nature = request(self.start()), request(self.nature())
        moments = ask(
            "moments",
            (shape.n, shape.dtype),
            partial(climatology, shape.n, self.dtype),
            lambda: (_like(self._setting.forcing),),
            hasty=True,
        )
        methods, diagnoses = [], []
        for batch in self.batches:
            methods.append(
                ask(
                    batch.name,
                    (shape, batch.key),
                    partial(experiment.method, shape, batch.scheme, batch.choices, batch.window),
                    partial(self._for_method, batch),
                    donated=(3,),
                )
            )
            diagnoses.append(
                ask(
                    "diagnostics",
                    (shape, batch.size, batch.scheme.declaration.has_members),
                    partial(diagnosis.diagnose, shape),
                    partial(self._for_diagnosis, batch),
                    donated=(2,),
                    hasty=self._is_small,  # of a run it is little, of the first wait a quarter
                )
            )
        return Requested(start, nature, moments, tuple(methods), tuple(diagnoses), tuple(named))

    def start(self) -> Recipe:
        """Of `experiment.start`; it runs little, like `nature`."""
        function = partial(experiment.start, self.shape)
        return self._recipe("start", self.shape, function, self._for_start, hasty=True)

    def nature(self) -> Recipe:
        """Of `experiment.nature`."""
        function = partial(experiment.nature, self.shape)
        return self._recipe("nature", self.shape, function, self._for_nature, hasty=True)

    def _recipe(self, name: str, key: Any, function: Any, arguments: Any, **options: Any) -> Recipe:
        small = self._is_small
        return Recipe(name, key, str(self.shape), function, arguments, small=small, **options)

    @property
    def _is_small(self) -> bool:
        return self.shape.members * self.shape.n <= SMALL_ENSEMBLE

    # ------------------------------------------------------------ what programs are made for

    def _for_start(self) -> tuple[Any, ...]:
        return (_like(self._setting),)

    def _for_nature(self) -> tuple[Any, ...]:
        shape = self.shape
        truth = _abstract((shape.replicates, shape.n), self.dtype)
        return (_like(self._setting), _like(self.sites), truth, _STEP, _STEP)

    def _for_method(self, batch: Batch) -> tuple[Any, ...]:
        shape, normal = self.shape, self._normal_like()
        ensemble = _abstract((shape.replicates, shape.members, shape.n), self.dtype)
        alive = _abstract((shape.replicates,), np.bool_)
        one = jax.eval_shape(partial(self._first_state, batch), normal, ensemble, alive)
        state = jax.tree.map(lambda a: _abstract((batch.size, *a.shape), a.dtype), one)
        setting, values = _like(self._setting), _like(batch.values)
        return (setting, normal, values, state, self._observed_like(), _STEP, _STEP)

    def _for_diagnosis(self, batch: Batch) -> tuple[Any, ...]:
        gathered = _like(self.nothing_gathered(batch))
        has_members = batch.scheme.declaration.has_members
        record = diagnosis.record_like(self.shape, batch.size, has_members)
        common = (_like(self._setting), self._normal_like())
        return (*common, gathered, record, self._observed_like(), _STEP, _STEP)

    def _normal_like(self) -> Climatology:
        return Climatology(_abstract((), self.dtype), _abstract((self.shape.n,), self.dtype))

    def _observed_like(self) -> Observed:
        shape = self.shape
        chunk = (shape.buffer, shape.replicates)
        return Observed(
            _abstract((*chunk, shape.n), self.dtype),
            _abstract((*chunk, shape.m), np.int32),
            _abstract((*chunk, shape.m), self.dtype),
        )

    # ------------------------------------------------------------ what they are called with

    def first_state(
        self, batch: Batch, normal: Climatology, ensemble: Any, alive: Any
    ) -> MethodState:
        """The state [I, R, ...] of a batch from what one group's start drew, on the host."""
        state = self._first_state(batch, normal, ensemble, alive)
        return jax.tree.map(lambda a: np.broadcast_to(a, (batch.size, *np.shape(a))), state)

    def nothing_gathered(self, batch: Batch) -> Gathered:
        """What a batch has gathered before its first cycle: [I, R, ...]."""
        shape = self.shape
        members = shape.members if batch.scheme.declaration.has_members else 0
        return reliability.nothing(members, shape.leads, (batch.size, shape.replicates))

    def _first_state(
        self, batch: Batch, normal: Climatology, ensemble: Any, alive: Any
    ) -> MethodState:
        world = experiment.make_world(self.shape, self._setting, normal)
        return experiment.first_state(self.shape, batch.scheme, world, ensemble, alive)

    # ------------------------------------------------------------ batches

    def _batches(self, parts: int) -> list[Batch]:
        """Instances by the program they need, in at most ``parts`` batches of one size each."""
        alike: dict[Any, list[int]] = {}
        chosen = [self._choices(i) for i in range(len(self.experiment.methods))]
        for position, (choices, window) in enumerate(chosen):
            name = self.experiment.methods[position].name
            key = (name, tuple(sorted(choices.items())), window)
            alike.setdefault(key, []).append(position)
        batches = []
        for (name, _, window), positions in alike.items():
            size = -(-len(positions) // parts)
            for first in range(0, len(positions), size):
                mine = tuple(positions[first : first + size])
                filled = mine + mine[-1:] * (size - len(mine))
                values = [self._values(position) for position in filled]
                batches.append(
                    Batch(
                        METHODS[name],
                        chosen[mine[0]][0],
                        window,
                        size,
                        mine,
                        {k: np.stack([v[k] for v in values]) for k in values[0]},
                    )
                )
        return batches

    def _choices(self, position: int) -> tuple[dict[str, Any], int]:
        """The parameters of an instance that select code, and its localisation window."""
        params = self.experiment.methods[position].params
        choices = {k: v for k, v in params.items() if isinstance(v, bool | str)}
        window = 0
        if "r" in params:
            taper = str(choices.get("taper", "box"))
            window = localization.window(taper, float(params["r"]), self.experiment.lorenz96_n)
        return choices, window

    def _values(self, position: int) -> dict[str, NDArray[Any]]:
        params = self.experiment.methods[position].params
        return {k: self._array(v) for k, v in params.items() if not isinstance(v, bool | str)}

    def _array(self, value: Any) -> Any:
        return np.asarray(value, self.dtype)


def _buffer(e: Experiment, replicates: int, instances: int, itemsize: int) -> int:
    """Cycles of one round at most, a power of two: a function of the shape alone."""
    nature = replicates * ((e.lorenz96_n + e.m) * itemsize + 4 * e.m)
    told = 2 * e.ensemble_size * e.lorenz96_n + e.forecast_leads + len(SERIES)
    record = replicates * instances * told * itemsize
    fitting = min(MAX_CHUNK, BUFFER_BYTES // max(nature, record))
    return 1 << (fitting.bit_length() - 1) if fitting >= WORTH_A_BUFFER else 1


def _host(value: Any) -> Any:
    """A host array where a device array is expected: the compiled program takes both."""
    return value


def _abstract(shape: tuple[int, ...], dtype: Any) -> Any:
    """An array of which only shape and type count."""
    return jax.ShapeDtypeStruct(shape, dtype)


def _like(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: _abstract(np.shape(leaf), leaf.dtype), tree)


_STEP = _abstract((), np.int32)
