"""What compute says of a method as a whole -> the JSON of the contract. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from learnda.v1 import assimilation_pb2 as pb

METRICS = tuple(field.name for field in pb.Metrics.DESCRIPTOR.fields)
"""Their names, in the order of the contract."""


def metrics(message: pb.Metrics) -> dict[str, float | int | None]:
    """Every field of the message; None where there is no finite value."""
    values: dict[str, float | int | None] = {}
    for declared in pb.Metrics.DESCRIPTOR.fields:
        value = getattr(message, declared.name)
        absent = declared.has_presence and not message.HasField(declared.name)
        values[declared.name] = None if absent or not math.isfinite(value) else value
    return values


def diagnostics(message: pb.Diagnostics) -> dict[str, Any] | None:
    """The counts and means; None while nothing has been gathered.

    What is not finite is None: NaN in an empty bin, the last edge.
    """
    if not message.ListFields():
        return None
    return {
        "rank_histogram": list(message.rank_histogram),
        "spread_skill": {
            "edges": _finite(message.spread_edges),
            "counts": list(message.spread_counts),
            "spread": _finite(message.spread_rms),
            "error": _finite(message.error_rms),
        },
        "lead_rmse": _finite(message.lead_rmse),
    }


def _finite(values: Iterable[float]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values]
