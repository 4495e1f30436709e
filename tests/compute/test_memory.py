"""What admission expects a run to take, against what XLA allocates for its programs."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from compute import integration_request
from compute.integration_job import Integration, backward_recipe, forward_recipe
from compute.plan import Plan
from compute.programs import Programs
from compute.registry import declarations
from learnda.cost import Limits, estimate
from learnda.validation import resolve

LOCAL = {"r": 4, "taper": "gaspari-cohn"}
VAST = Limits(max_bytes=1 << 50, max_operations=1e30)


@pytest.mark.parametrize(
    ("name", "params", "n", "members", "m"),
    [
        ("letkf", LOCAL, 60_000, 20, 30_000),
        ("letkf", LOCAL, 40, 20, 20),
        ("etkf", {}, 30_000, 40, 1000),
        ("enkf", {}, 2000, 400, 1000),
        ("eakf", LOCAL, 30_000, 20, 1000),
        ("3dvar", {}, 2000, 10, 400),
    ],
)
def test_the_estimate_covers_what_the_programs_take(name, params, n, members, m):
    body = {
        "methods": [{"id": "m", "name": name, "params": params}],
        "lorenz96_n": n,
        "ensemble_size": members,
        "m": m,
        "end_time": 1,
    }
    asked = resolve(body, declarations(), limits=VAST, draw_seed=lambda: 1)
    programs = Programs(10, hasty=True)
    try:
        with jax.enable_x64(True):
            requested = Plan(asked, 1).request(programs, wanted=lambda: True)
            peak = max(_bytes(future.result().call) for _, future in requested.named)
    finally:
        programs.close()
    expected = estimate(asked).bytes
    assert peak < expected < 6 * peak


def _bytes(call):
    """Arguments, results and all between, of one compiled program."""
    found = call.memory_analysis()
    sizes = (
        found.argument_size_in_bytes,
        found.output_size_in_bytes,
        found.temp_size_in_bytes,
        -found.alias_size_in_bytes,
    )
    return sum(sizes)


@pytest.mark.parametrize(
    ("states", "n", "lyapunov_count", "with_gradients"),
    [(10_000, 40, 0, False), (10_000, 40, 0, True), (1000, 40, 40, False), (1, 1000, 1000, False)],
)
def test_the_estimate_covers_what_an_integration_takes(states, n, lyapunov_count, with_gradients):
    given = np.zeros((states, n))
    asked = Integration(
        states=given,
        forcing=8.0,
        dt=0.05,
        step_count=1000,
        every=1000,
        gradients=given if with_gradients else None,
        lyapunov_count=lyapunov_count,
        lyapunov_every=10,
    )
    recipes = [forward_recipe(asked.layout), backward_recipe(asked.layout)][: 1 + with_gradients]
    programs = Programs(10, hasty=True)
    try:
        peak = max(_bytes(programs.request(recipe).result().call) for recipe in recipes)
    finally:
        programs.close()
    expected = integration_request.estimate(asked).bytes
    assert peak < expected < 6 * peak
