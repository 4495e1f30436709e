"""Numerics under test: 64-bit on, one engine for all."""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from collections.abc import Iterator

import jax
import numpy as np
import pytest

from compute.engine import Engine


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


@pytest.fixture
def random(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random inputs, fresh for each test and the same at each run."""
    return np.random.default_rng(list(request.node.nodeid.encode()))


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """One for all tests, so that a program is compiled once."""
    with Engine(program_limit=200) as engine:
        yield engine
