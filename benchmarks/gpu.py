"""On a GPU, where there is one: a grid of ETKF settings in one program, one large LETKF cycle.

Each is set against its floor: the time that its bytes take at the measured copy bandwidth, or its
operations at the measured matrix rate, whichever is longer. Operations are counted for the smaller
side of each matrix; an eigen-decomposition is counted with 9 k^3.

The grid is padded to the largest ensemble. A slot without a member carries no anomaly, so it adds
nothing to any sum; what is left is N - 1, which a factor on the anomalies puts right.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from benchmarks.analyses import Analysis, compile_analysis
from benchmarks.figures import Row, Spread, Target
from compute import lorenz96
from compute.filters import REGISTRY
from compute.localization import RingLocalization
from compute.observing import ObservationError

REPEATS = 5
MEMBERS = range(13, 41)
INFLATIONS = tuple(1 + 0.01 * i for i in range(21))
CYCLES = 40_000
CHUNK = 500
"""Cycles in one call; the whole grid is run if that takes no longer than MOST_SECONDS."""
MOST_SECONDS = 150.0
SITES = 40
DT, FORCING = 0.05, 8.0
LETKF = Analysis("letkf", 1_000_000, 100, 500_000, "float32", {"taper": "box", "r": 15})
"""15 or 16 observations within 15 sites."""
EIGH = 9.0
RUNGE_KUTTA = 40.0
"""Operations per site and step."""


@dataclass(frozen=True)
class Device:
    """What the device was seen to do."""

    bandwidth: float
    """Bytes per second, read and written."""
    rate: float
    """Operations per second of a float32 matrix product."""

    def floor(self, bytes_moved: float, operations: float) -> float:
        """Seconds below which it cannot be done."""
        return max(bytes_moved / self.bandwidth, operations / self.rate)


def measure() -> list[Row]:
    if jax.default_backend() != "gpu":
        return [Row("GPU", note="no GPU here: not measured")]
    kind = jax.devices()[0].device_kind
    device = Device(copy_bandwidth(1 << 30), matrix_rate(8192))
    return [
        Row(f"{kind}: copy bandwidth", Spread.of([device.bandwidth / 1e9]), "GB/s"),
        Row(f"{kind}: matrix product, float32", Spread.of([device.rate / 1e12]), "Tflop/s"),
        *etkf_grid(device, MEMBERS, INFLATIONS, CYCLES),
        *letkf_cycle(device, LETKF),
    ]


def copy_bandwidth(size: int) -> float:
    """Bytes per second, of an array of ``size`` bytes read and written."""
    x = jnp.zeros(size // 4, jnp.float32)
    return 2 * size / _seconds(jax.jit(lambda a: a + 1), x)


def matrix_rate(side: int) -> float:
    """Operations per second of a product of two square matrices."""
    x = jnp.ones((side, side), jnp.float32)
    product = jax.jit(partial(jnp.matmul, precision="highest"))
    return 2 * side**3 / _seconds(product, x, x)


def etkf_grid(
    device: Device, members: Sequence[int], inflations: Sequence[float], cycles: int
) -> list[Row]:
    """All settings in one program, chunk by chunk; what is not run is extrapolated."""
    grid = [(count, factor) for count in members for factor in inflations]
    counts = jnp.array([count for count, _ in grid])
    factors = jnp.array([factor for _, factor in grid], jnp.float32)
    largest = max(members)
    chunk = min(CHUNK, cycles)
    run = jax.jit(jax.vmap(partial(grid_cycles, chunk), in_axes=(0, 0, 0, 0, None)))
    keys = jax.random.split(jax.random.key(1), len(grid))
    truths, ensembles = jax.vmap(partial(start, largest))(keys, counts)
    jax.block_until_ready(run(truths, ensembles, counts, factors, 0))  # compiles

    done, errors = 0, []
    began = time.perf_counter()
    while done < cycles and time.perf_counter() - began < MOST_SECONDS:
        truths, ensembles, error = run(truths, ensembles, counts, factors, done)
        errors.append(np.asarray(error))
        done += chunk
    measured = time.perf_counter() - began
    seconds = measured * cycles / done

    side = min(largest, SITES)
    per_cycle = largest * SITES * (RUNGE_KUTTA + 4 * side) + EIGH * side**3
    moved = 2 * 4 * largest * SITES  # the ensemble, read and written once a cycle
    floor = device.floor(len(grid) * cycles * moved, len(grid) * cycles * per_cycle)
    note = "" if done >= cycles else f"extrapolated from {done:,} cycles"
    rmse = np.nanmean(np.sqrt(np.mean(errors, axis=0)))
    note = "; ".join(filter(None, [note, f"floor {floor:.3g} s, mean RMSE {rmse:.2f}"]))
    name = f"ETKF, {len(grid)} settings × {cycles:,} cycles in one program"
    figure = Spread.of([seconds])
    rows = [Row(name, figure, "s", target=Target(180, at_most=True, aim=60), note=note)]
    return [*rows, Row("  over its floor", ratio=Spread.of([seconds / floor]), to="floor")]


def start(largest: int, key: Array, count: Array) -> tuple[Array, Array]:
    """A truth, and its ensemble padded to ``largest`` slots."""
    truth_key, key = jax.random.split(key)
    truth = lorenz96.spin_up(truth_key, 1, SITES, jnp.dtype("float32"), jnp.float32(FORCING))[0]
    return truth, pad(truth + 0.2 * jax.random.normal(key, (largest, SITES), jnp.float32), count)


def pad(ensemble: Array, count: Array) -> Array:
    """The slots from ``count`` on at the mean of those before."""
    held = jnp.arange(len(ensemble))[:, None] < count
    mean = jnp.where(held, ensemble, 0).sum(axis=0) / count
    return jnp.where(held, ensemble, mean)


def padded_analysis(key: Array, ensemble: Array, count: Array, y: Array) -> Array:
    """The ETKF of the first ``count`` of the slots [M, n], all observed with unit error."""
    freedom = jnp.sqrt((len(ensemble) - 1) / (count - 1)).astype(ensemble.dtype)
    mean = ensemble.mean(axis=0)
    scaled = mean + freedom * (ensemble - mean)
    n = ensemble.shape[1]
    error = ObservationError(jnp.ones_like(y))
    ring = RingLocalization("none", jnp.ones((), y.dtype), 0, n, jnp.arange(n, dtype=jnp.int32))
    analysed = REGISTRY["etkf"].analyse(key, scaled, scaled, y, error, ring, {})[0]
    mean = analysed.mean(axis=0)
    return mean + (analysed - mean) / freedom


def grid_cycles(
    cycles: int, truth: Array, ensemble: Array, count: Array, factor: Array, first: Array
) -> tuple[Array, Array, Array]:
    """So many cycles of one setting: truth, ensemble, mean squared error of the analysis."""

    def cycle(k: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        truth, ensemble, error = carry
        key = jax.random.fold_in(jax.random.key(2), first + k)
        truth = lorenz96.step(truth, FORCING, DT)
        ensemble = pad(lorenz96.step(ensemble, FORCING, DT), count)
        y = truth + jax.random.normal(key, truth.shape, truth.dtype)
        ensemble = padded_analysis(key, ensemble, count, y)
        mean = ensemble.mean(axis=0)
        error = error + ((mean - truth) ** 2).mean()
        return truth, mean + factor * (ensemble - mean), error

    zero = jnp.zeros((), truth.dtype)
    truth, ensemble, error = lax.fori_loop(0, cycles, cycle, (truth, ensemble, zero))
    return truth, ensemble, error / cycles


def letkf_cycle(device: Device, asked: Analysis) -> list[Row]:
    """One forecast step and one analysis of a large ensemble."""
    forecast = jax.jit(lambda x: lorenz96.integrate(x, FORCING, DT, 1))
    seconds = _seconds(forecast, jnp.zeros((asked.members, asked.n), asked.dtype))
    compiled = compile_analysis(asked)
    compiled.seconds()
    totals = [seconds + compiled.seconds(seed) for seed in range(REPEATS)]

    local = asked.params["r"] * 2 * asked.m // asked.n + 1
    side = min(local, asked.members)
    per_site = 2 * asked.members * local * (side + 2) + EIGH * side**3
    operations = asked.n * (per_site + asked.members * RUNGE_KUTTA)
    floor = device.floor(4 * asked.ensemble_bytes, operations)
    peak = compiled.peak_bytes / asked.ensemble_bytes
    name = f"LETKF cycle, n {asked.n:,}, {asked.members} members, {asked.dtype}"
    note = f"floor {floor:.3g} s; peak memory {peak:.1f} × ensemble"
    figure = Spread.of(totals)
    target = Target(0.25, at_most=True)
    ratio = Spread.of(total / floor for total in totals)
    return [
        Row(name, figure, "s", target=target, note=note),
        Row("  over its floor", ratio=ratio, to="floor"),
    ]


def _seconds(call: Callable[..., Any], *arguments: Any) -> float:
    """The least of a few calls, after one that compiles."""
    call(*arguments).block_until_ready()
    found = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        call(*arguments).block_until_ready()
        found.append(time.perf_counter() - began)
    return min(found)
