"""From an `IntegrateRequest` to an integration with every default filled in, or to what is wrong.

What it will take is known before anything is allocated: estimates like those of `learnda.cost`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from compute import integration_job
from compute.integration import RECORD_BYTES
from compute.integration_job import Integration
from learnda import tensors
from learnda.cost import RUNGE_KUTTA, Cost, Limits, refuse_beyond
from learnda.problems import Collector, InvalidRequest
from learnda.v1 import integration_pb2 as pb

FORCING, DT = 8.0, 0.05
"""Where none is sent."""
MOST_FORCING, MOST_DT, LEAST_N = 1000, 1, 4
LYAPUNOV_EVERY = 10
"""Steps between two re-orthonormalisations at most, where none are sent."""
TANGENT = 3.0
"""What a step of one tangent vector costs, in steps of a state ..."""
ADJOINT = 6.0
"""... and a step back of a gradient, with the states that it needs again."""
QR = 6.0
"""Operations of one orthonormalisation, over n p^2."""
COPIES = 6
"""Of states and of each tangent vector that are alive at once."""

T = TypeVar("T")


def read(request: pb.IntegrateRequest, limits: Limits) -> Integration:
    """What ``request`` asks for; InvalidRequest lists all that is wrong with it."""
    found = Collector()
    states = _states(request, found, limits)
    dtype = np.dtype("float64") if states is None else states.dtype
    forcing, dt = _model(request, dtype, found)
    step_count, every = _steps(request, found)
    count, lyapunov_every = _lyapunov(request, step_count, states, found)
    vectors = {
        name: _like(request, name, states, found, limits)
        for name in ("perturbations", "gradients")
        if request.HasField(name)
    }
    found.raise_if_any()
    assert states is not None
    asked = Integration(
        states=np.atleast_2d(states),
        forcing=forcing,
        dt=dt,
        step_count=step_count,
        every=every,
        lyapunov_count=count,
        lyapunov_every=lyapunov_every,
        **{name: np.atleast_2d(array) for name, array in vectors.items()},
    )
    admit(asked, limits)
    return asked


def estimate(asked: Integration) -> Cost:
    """What an integration will take; its rows are no rows of results, and not counted."""
    layout = asked.layout
    p, steps, state = layout.exponents, asked.step_count, layout.state_bytes
    told = max(RECORD_BYTES, state) * (integration_job.READ_AHEAD + 3)
    peak = told + COPIES * (1 + layout.tangents) * state + layout.states * p**2 * 8
    operations = RUNGE_KUTTA * steps * (1 + TANGENT * layout.tangents)
    if asked.gradients is not None:
        kept = 2 * asked.stride // layout.segment + steps // asked.stride
        peak += (layout.segment + kept + COPIES) * state
        operations += RUNGE_KUTTA * steps * (1 + TANGENT * layout.tangents + ADJOINT)
    if p:
        operations += steps / asked.lyapunov_every * QR * p**2
    return Cost(peak, operations * layout.states * layout.n, 0)


def admit(asked: Integration, limits: Limits) -> None:
    """InvalidRequest names every field of a too large product."""
    cost = estimate(asked)
    vectors = [
        name
        for name, present in (
            ("perturbations", asked.perturbations is not None),
            ("gradients", asked.gradients is not None),
            ("lyapunov_count", asked.lyapunov_count > 0),
        )
        if present
    ]
    products = (
        ("bytes of memory", cost.bytes, limits.max_bytes, ("states", *vectors)),
        ("operations", cost.operations, limits.max_operations, ("states", "step_count", *vectors)),
    )
    refuse_beyond("call", products)


# ---------------------------------------------------------------- fields


def _states(request: pb.IntegrateRequest, found: Collector, limits: Limits) -> Any:
    """[n] or [B, n]; None where they are refused."""
    if not request.HasField("states"):
        found.add("states", "is required")
        return None
    states = _collected(found, lambda: _read(request, "states", limits))
    if states is None:
        return None
    if states.shape[-1] < LEAST_N:
        found.add("states.shape", f"must have at least {LEAST_N} sites, on its last axis")
        return None
    if states.size == 0:
        found.add("states.shape", "must have at least one state")
        return None
    return states


def _like(
    request: pb.IntegrateRequest, name: str, states: Any, found: Collector, limits: Limits
) -> Any:
    """Vectors of the type and shape of ``states``; None where they are refused."""
    array = _collected(found, lambda: _read(request, name, limits))
    if array is None or states is None:
        return None
    if array.dtype != states.dtype:
        found.add(f"{name}.dtype", f"must be that of states, {states.dtype}")
    if array.shape != states.shape:
        found.add(f"{name}.shape", f"must be that of states, {list(states.shape)}")
    return array


def _model(request: pb.IntegrateRequest, dtype: Any, found: Collector) -> tuple[float, float]:
    """Forcing and Runge-Kutta step."""
    forcing = request.lorenz96_f if request.HasField("lorenz96_f") else FORCING
    if not abs(forcing) <= MOST_FORCING:
        found.add("lorenz96_F", f"must be a number from {-MOST_FORCING} to {MOST_FORCING}")
    dt = request.dt if request.HasField("dt") else DT
    if not 0 < dt <= MOST_DT:
        found.add("dt", f"must be greater than 0, and at most {MOST_DT}")
    elif dt < np.finfo(dtype).tiny:
        found.add("dt", f"is too small for {dtype}")
    return forcing, dt


def _steps(request: pb.IntegrateRequest, found: Collector) -> tuple[int, int]:
    """How many steps, and how many of them from a state that is sent to the next."""
    step_count = request.step_count if request.HasField("step_count") else 1
    if step_count < 0:
        found.add("step_count", "must be at least 0")
        step_count = 0
    every = request.every if request.HasField("every") else max(1, step_count)
    return step_count, _divisor("every", every, step_count, found)


def _lyapunov(
    request: pb.IntegrateRequest, step_count: int, states: Any, found: Collector
) -> tuple[int, int]:
    """How many exponents, and the steps between two orthonormalisations."""
    count = request.lyapunov_count
    n = math.inf if states is None else states.shape[-1]
    if not 0 <= count <= n:
        found.add("lyapunov_count", "must be from 0 to the number of sites")
    elif count and not step_count:
        found.add("lyapunov_count", "needs a step_count of at least 1")
    if not request.HasField("lyapunov_every"):
        fitting = range(min(LYAPUNOV_EVERY, max(1, step_count)), 0, -1)
        return count, next(every for every in fitting if step_count % every == 0)
    if not count:
        found.add("lyapunov_every", "is used only with lyapunov_count")
    return count, _divisor("lyapunov_every", request.lyapunov_every, step_count, found)


def _divisor(field: str, every: int, step_count: int, found: Collector) -> int:
    if every < 1:
        found.add(field, "must be at least 1")
    elif step_count % every:
        found.add(field, f"must divide step_count = {step_count}")
    return max(1, every)


def _read(request: pb.IntegrateRequest, field: str, limits: Limits) -> Any:
    tensor = getattr(request, field)
    return tensors.read(tensor, field, axes=(1, 2), most_bytes=limits.max_bytes)


def _collected(found: Collector, read: Callable[[], T]) -> T | None:
    """What ``read`` returns; its problems are added to those ``found``."""
    try:
        return read()
    except InvalidRequest as refusal:
        for problem in refusal.problems:
            found.add(problem.field, problem.message)
        return None
