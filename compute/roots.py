"""The inverse square root of I + C, for a symmetric C without negative eigenvalues.

By matrix products alone: a coupled iteration of Newton-Schulz type, of seventh order. On small
matrices products are several times faster than an eigen-decomposition, on a processor as on a GPU,
and they batch. The spectrum of I + C starts at 1, so that a bound on C bounds the condition; the
number of iterations follows the matrix: one and a last series where the analysis is not far less
spread than the background. Always in float64: only there does the 1 survive beside a C of precise
observations.
Higham (2008), Functions of Matrices, doi:10.1137/1.9780898717778, ch. 6-7.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array, lax

SERIES = (1 / 2, 3 / 8, 5 / 16, 35 / 128, 63 / 256, 231 / 1024)
"""(1 - e)^(-1/2) = 1 + e/2 + 3/8 e^2 + ...: what is left of a residual e is about 0.4 e^7."""
NEARLY = 6e-3
"""A residual from which the series is exact to rounding."""
MOST = 40
"""Iterations at most; each makes small eigenvalues eight times larger, until they are near 1."""
ROUNDING = 2e-15
"""Eigenvalues of C below this part of its largest are lost in rounding: beyond a condition of 5e14
the 1 is raised to that, so that I + C stays positive."""
NARROW = 8
"""Smaller matrices are padded: XLA multiplies batches of them several times more slowly."""

Carry = tuple[Array, Array, Array, Array]


def inverse_root(C: Array) -> Array:
    """(I + C)^(-1/2), symmetric to rounding, of C [k, k] in float64."""
    k = len(C)
    if 1 < k < NARROW:
        return inverse_root(jnp.pad(C, (0, NARROW - k)))[:k, :k]
    eye = jnp.eye(k, dtype=C.dtype)
    bound = jnp.minimum(jnp.abs(C).sum(axis=0).max(), jnp.sqrt((C**2).sum()))
    one = jnp.maximum(1, ROUNDING * bound)
    scale = one + bound / 2  # the middle of the spectrum
    A = (one * eye + C) / scale

    def far(carry: Carry) -> Array:
        count, _, _, residual = carry
        return ((residual**2).sum() > NEARLY**2) & (count < MOST)

    def closer(carry: Carry) -> Carry:
        """Y -> A^(1/2), Z -> A^(-1/2), residual = I - Z Y."""
        count, Y, Z, residual = carry
        factor = _series(residual, eye)
        Y, Z = Y @ factor, factor @ Z
        return count + 1, Y, Z, eye - Z @ Y

    begin = (jnp.zeros((), jnp.int32), A, eye, eye - A)
    _, _, Z, residual = lax.while_loop(far, closer, begin)
    return _series(residual, eye) @ Z / jnp.sqrt(scale)


def shrinkage(root: Array) -> Array:
    """(A + A^(1/2))^-1 of ``root`` = A^(-1/2) [k, k], where A has no eigenvalue below 1.

    It is root (I + root)^-1 root; the inverse is that of a matrix between I and 2 I, by the product
    of I + e^1, I + e^2, I + e^4 ... with an e between -1/3 and 1/3.
    """
    k = len(root)
    if 1 < k < NARROW:
        return shrinkage(jnp.pad(root, (0, NARROW - k)))[:k, :k]
    eye = jnp.eye(k, dtype=root.dtype)
    e = (eye - 2 * root) / 3

    def closer(_: int, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        inverse, e = carry
        e = e @ e
        return inverse + inverse @ e, e

    inverse, _ = lax.fori_loop(0, 4, closer, ((eye + e) * (2 / 3), e))
    return root @ inverse @ root


def _series(e: Array, eye: Array) -> Array:
    """The series of (I - e)^(-1/2), to the sixth power, in three products."""
    a, b, c, d, f, g = SERIES
    square = e @ e
    cube = square @ e
    return eye + a * e + b * square + cube @ (c * eye + d * e + f * square + g * cube)
