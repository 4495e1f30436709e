"""Lorenz-96 trajectories with their tangents, adjoints and Lyapunov exponents, as pure programs.

    forward   carries states on, with tangent vectors along them, and records states on the way
    backward  carries gradients back over a few steps by the adjoint of the linearised model

The linear model is that of the Runge-Kutta scheme itself, not of the equation: a tangent is the
derivative of what is computed. Axes: B states, n sites, q tangent vectors of each state, of which
the last p belong to the Lyapunov exponents; K records of one call, S steps of one segment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from compute import lorenz96

RECORD_BYTES = 1 << 20
"""Of the states that one call of `forward` records, at most (but always one)."""
MAX_SEGMENT = 32
"""Steps of one call of `backward`, at most: about as long as rounding errors stay small."""
SEGMENT_BYTES = 32 << 20
"""Of the states it keeps (but always one)."""


@dataclass(frozen=True)
class Layout:
    """All that selects the programs."""

    states: int
    """B: of one call."""
    n: int
    dtype: str
    perturbed: bool = False
    """The first tangent vector is one that was sent."""
    exponents: int = 0
    """p: how many Lyapunov exponents are estimated."""
    parts: int = 1
    """Calls at a time, each with states of its own."""

    @property
    def tangents(self) -> int:
        """q"""
        return self.perturbed + self.exponents

    @property
    def state_bytes(self) -> int:
        """Of the states of all parts at one step."""
        return self.parts * self.states * self.n * np.dtype(self.dtype).itemsize

    @property
    def records(self) -> int:
        """K: a power of two."""
        return _power_of_two(RECORD_BYTES // self.state_bytes)

    @property
    def segment(self) -> int:
        """S: a power of two."""
        return _power_of_two(min(MAX_SEGMENT, SEGMENT_BYTES // self.state_bytes))

    def __str__(self) -> str:
        return f"states={self.states} n={self.n} tangents={self.tangents} {self.dtype}"


class Model(NamedTuple):
    """What may change without a new program."""

    forcing: Array
    dt: Array


class Carry(NamedTuple):
    """What goes on from step to step."""

    states: Array
    """[B, n]"""
    tangents: Array
    """[q, B, n]"""
    growth: Array
    """[B, p]: logarithms of what the Lyapunov vectors have grown by, summed."""


class Cuts(NamedTuple):
    """How the steps of one call are cut: a state is recorded at the end of every piece."""

    lengths: Array
    """[K] int32, steps of each piece."""
    orthonormal: Array
    """[K] bool: the Lyapunov vectors are orthonormalised at its end."""
    used: Array
    """int32: so many of the pieces."""


def forward(layout: Layout, model: Model, carry: Carry, cuts: Cuts) -> tuple[Carry, Array]:
    """All pieces in turn: what goes on, and the states [K, B, n] at their ends.

    No bit depends on how steps are cut, but for where vectors are orthonormalised.
    """

    def piece(k: Array, held: tuple[Carry, Array]) -> tuple[Carry, Array]:
        carry, record = held
        states, tangents = _advance(layout, model, carry, cuts.lengths[k])
        growth = carry.growth
        if layout.exponents:
            tangents, growth = lax.cond(
                cuts.orthonormal[k],
                lambda *given: _orthonormal(layout, *given),
                lambda *given: given,
                tangents,
                growth,
            )
        return Carry(states, tangents, growth), record.at[k].set(states)

    empty = jnp.zeros((layout.records, layout.states, layout.n), layout.dtype)
    return lax.fori_loop(0, cuts.used, piece, (carry, empty))


def backward(layout: Layout, model: Model, states: Array, gradients: Array, steps: Array) -> Array:
    """Gradients [B, n] after ``steps`` <= S steps, carried back to ``states`` [B, n] before them.

    The states in between are computed once more and kept.
    """

    def keep(k: Array, held: tuple[Array, Array]) -> tuple[Array, Array]:
        states, kept = held
        return lorenz96.step(states, *model), kept.at[k].set(states)

    def back(k: Array, gradients: Array) -> Array:
        _, pull = jax.vjp(lambda x: lorenz96.step(x, *model), kept[steps - 1 - k])
        return pull(gradients)[0]

    room = jnp.zeros((layout.segment, *states.shape), states.dtype)
    _, kept = lax.fori_loop(0, steps, keep, (states, room))
    return lax.fori_loop(0, steps, back, gradients)


def first_lyapunov_vectors(layout: Layout) -> np.ndarray:
    """[p, B, n]: the first p unit vectors, at every state."""
    unit = np.eye(layout.exponents, layout.n, dtype=layout.dtype)
    return np.repeat(unit[:, None], layout.states, axis=1)


def _advance(layout: Layout, model: Model, carry: Carry, steps: Array) -> tuple[Array, Array]:
    """States and tangents after ``steps`` steps."""
    if not layout.tangents:
        return lorenz96.integrate(carry.states, *model, steps), carry.tangents

    def one(_: Array, held: tuple[Array, Array]) -> tuple[Array, Array]:
        states, tangents = held
        states, push = jax.linearize(lambda x: lorenz96.step(x, *model), states)
        return states, jax.vmap(push)(tangents)

    return lax.fori_loop(0, steps, one, (carry.states, carry.tangents))


def _orthonormal(layout: Layout, tangents: Array, growth: Array) -> tuple[Array, Array]:
    """The Lyapunov vectors orthonormalised in their order, and their growth with what that took.

    Benettin, Galgani, Giorgilli & Strelcyn (1980), doi:10.1007/BF02128236, by QR.
    """
    vectors = jnp.moveaxis(tangents[layout.perturbed :], 0, -1)  # [B, n, p]
    Q, R = jnp.linalg.qr(vectors)
    growth = growth + jnp.log(jnp.abs(jnp.diagonal(R, axis1=-2, axis2=-1)))
    return tangents.at[layout.perturbed :].set(jnp.moveaxis(Q, -1, 0)), growth


def _power_of_two(at_most: int) -> int:
    """The largest one, and at least 1."""
    return 1 << (max(1, at_most).bit_length() - 1)
