"""The requests that are timed, as they are sent to LEARN-DA and as pyteda is given them."""

from __future__ import annotations

from typing import Any

LOCAL = {"r": 2}
SEED_METHODS: dict[str, dict[str, Any]] = {"enkf": {}, "letkf": LOCAL}
"""Of the example in the README of the original LEARN-DA."""
TEN_METHODS: dict[str, dict[str, Any]] = {
    **SEED_METHODS,
    "enkf-naive": {},
    "enkf-cholesky": {},
    "etkf": {},
    "ensrf": {},
    "lenkf": LOCAL,
    "enkf-b-loc": LOCAL,
    "enkf-modified-cholesky": LOCAL,
    "enkf-shrinkage-precision": {},
}
"""All that the original offers."""


def request(methods: dict[str, dict[str, Any]], seed: int = 1, **fields: Any) -> dict[str, Any]:
    """A body of POST /api/runs: the defaults of the contract but for ``fields``."""
    return {
        "seed": seed,
        **fields,
        "methods": [
            {"id": f"m{i}", "name": name, "label": name, "params": params}
            for i, (name, params) in enumerate(methods.items(), 1)
        ],
    }
