"""One analysis of a filter as a compiled program: its seconds, and the bytes that it needs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from compute.filters import REGISTRY
from compute.localization import RingLocalization, window
from compute.observing import ObservationError


@dataclass(frozen=True)
class Analysis:
    """A filter and the size of its problem: m of n sites observed, evenly spaced."""

    name: str
    n: int
    members: int
    m: int
    dtype: str = "float64"
    params: dict[str, Any] = field(default_factory=dict)
    """Those that differ from the declared ones."""

    @property
    def ensemble_bytes(self) -> int:
        return self.members * self.n * np.dtype(self.dtype).itemsize

    @property
    def parameters(self) -> dict[str, Any]:
        """All of them."""
        declared = REGISTRY[self.name].declaration.parameters
        return {p.name: p.default for p in declared} | self.params


@dataclass(frozen=True)
class Compiled:
    """An analysis that is ready to run; the ensemble that it is given is used up."""

    analysis: Analysis
    call: Callable[..., jax.Array]
    peak_bytes: int
    """Arguments, result and temporaries, what they share counted once."""

    def seconds(self, seed: int = 0) -> float:
        """Of one call, on an ensemble of its own."""
        arguments = draw(self.analysis, seed)
        jax.block_until_ready(arguments)
        began = time.perf_counter()
        self.call(*arguments).block_until_ready()
        return time.perf_counter() - began


def compile_analysis(asked: Analysis) -> Compiled:
    """Compile the filter's analysis; nothing is allocated for it yet."""
    taper, parameters = _taper(asked), asked.parameters
    radius = parameters.get("r", 1)
    reach = window(taper, float(radius), asked.n) if taper != "none" else 0

    def program(key: Any, ensemble: Any, y: Any, sites: Any) -> jax.Array:
        error = ObservationError(jnp.ones_like(y))
        ring = RingLocalization(taper, jnp.asarray(radius, y.dtype), reach, asked.n, sites)
        observed = ensemble[:, sites]
        analyse = REGISTRY[asked.name].analyse
        return analyse(key, ensemble, observed, y, error, ring, parameters)[0]

    shapes = jax.eval_shape(lambda: draw(asked, 0))
    call = jax.jit(program, donate_argnums=1).lower(*shapes).compile()
    used: Any = call.memory_analysis()
    peak = (
        used.argument_size_in_bytes
        + used.output_size_in_bytes
        + used.temp_size_in_bytes
        - used.alias_size_in_bytes
    )
    return Compiled(asked, call, peak)


def draw(asked: Analysis, seed: int) -> tuple[jax.Array, ...]:
    """Key, ensemble, observations, and the sites they are of."""
    key = jax.random.key(seed)
    dtype = jnp.dtype(asked.dtype)
    ensemble = jax.random.normal(key, (asked.members, asked.n), dtype)
    sites = (jnp.arange(asked.m) * (asked.n / asked.m)).astype(jnp.int32)
    return key, ensemble, jax.random.normal(jax.random.fold_in(key, 1), (asked.m,), dtype), sites


def _taper(asked: Analysis) -> str:
    """The localisation that the filter declares; none where it has no radius."""
    parameters = asked.parameters
    default = "box" if "r" in parameters else "none"
    taper: str = parameters.get("taper", default)
    return taper
