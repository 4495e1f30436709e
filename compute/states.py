"""What is kept of the states for people to look at: of the first replicate, and thinned.

It is read from what methods record anyway for their diagnostics: keeping it changes no number. In
half precision, three digits: enough for the eye, and for nothing else.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from compute.diagnosis import Record
from compute.shape import Observed

STEPS = 400
"""Of a method at most: every k-th."""
SITES = 120
"""The first ones: neighbours, for a wave is some eight sites long."""
MEMBERS = 12
"""The first ones."""

Half = NDArray[np.float16]


def stride(step_count: int) -> int:
    """From a step that is kept to the next."""
    return math.ceil(step_count / STEPS)


def kept(first_step: int, count: int, stride: int) -> NDArray[np.int64]:
    """The steps of a chunk that are kept: [K]."""
    first = -(-first_step // stride) * stride
    return np.arange(first, first_step + count, stride)


def of_nature(observed: Observed, slots: NDArray[np.int64]) -> Half:
    """Truth and observations [K, 2, S] of the cycles in ``slots`` [K] of their buffer; NaN at sites
    that were not observed. What is observed has the units of the operator.
    """
    truth, sites, y = (np.asarray(a)[slots, 0] for a in observed)
    seen = np.full(truth.shape, np.nan)
    np.put_along_axis(seen, sites, y, axis=1)
    return _half(np.stack([truth, seen], axis=1))


def of_record(record: Record, slots: NDArray[np.int64]) -> Half:
    """Analysis mean, its standard deviation, and members [I, K, 2 + M, S] of each instance; NaN
    from where the replicate is not finite.
    """
    told = record.analysis
    if told.members is not None:
        members = np.asarray(told.members)[:, 0, slots]  # [I, K, N, n]
        with np.errstate(over="ignore", invalid="ignore"):  # of a method that is about to diverge
            mean, variance = members.mean(axis=2), members.var(axis=2, ddof=1)
        parts = [mean[:, :, None], np.sqrt(variance)[:, :, None], members[:, :, :MEMBERS]]
    else:
        mean, variance = (np.asarray(a)[:, 0, slots] for a in (told.mean, told.variance))
        parts = [mean[:, :, None], np.sqrt(variance)[:, :, None]]
    alive = np.asarray(record.alive)[:, 0, slots]
    states = np.concatenate([part[..., :SITES] for part in parts], axis=2)
    return _half(np.where(alive[..., None, None], states, np.nan))


def _half(states: NDArray[np.floating]) -> Half:
    """What is beyond half precision is infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return states[..., :SITES].astype(np.float16)
