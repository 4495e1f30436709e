"""What nobody should send, and the fields by which it is refused."""

from __future__ import annotations

import math
from typing import Any, Final

ONE: Final = [{"id": "a", "name": "etkf"}]
PRODUCT: Final = {"replicates", "ensemble_size", "lorenz96_n", "m", "methods"}

SIZES: Final[list[tuple[dict[str, Any], set[str]]]] = [
    ({"lorenz96_n": 10**9}, PRODUCT),
    ({"ensemble_size": 2**31 - 1, "lorenz96_n": 2**31 - 1}, PRODUCT),
    ({"ensemble_size": 2**20, "lorenz96_n": 2**20, "replicates": 10_000}, PRODUCT),
    ({"ensemble_size": 2**62}, {"ensemble_size"}),
    ({"lorenz96_n": 2**62}, {"lorenz96_n"}),
    ({"end_time": 1e8}, {"end_time", "obs_freq", "methods", "replicates"}),  # 10⁹ cycles
    ({"end_time": 1e12, "obs_freq": 1}, {"end_time", "obs_freq"}),
    ({"end_time": 1e11}, {"end_time", "obs_freq"}),
    ({"end_time": 1e308, "obs_freq": 5e-324}, {"end_time", "obs_freq"}),
    ({"obs_freq": 1e9, "dt": 1e-3, "end_time": 1e12}, {"obs_freq", "dt"}),
    ({"methods": [{"id": str(i), "name": "etkf"} for i in range(1000)]}, {"methods"}),
]
"""Fields of a run, and fields that are named, among others perhaps."""


def _local(**params: Any) -> dict[str, Any]:
    return {"methods": [{"id": "a", "name": "letkf", "params": params}]}


ACCEPTED_BY_LEARN_DA: Final[list[tuple[dict[str, Any], str]]] = [
    *[({"ensemble_size": bad}, "ensemble_size") for bad in (0, 1, -5)],
    *[({"m": bad}, "m") for bad in (0, -1, 41)],
    ({"lorenz96_n": 10, "m": 11}, "m"),
    *[({"std_obs": bad}, "std_obs") for bad in (0, -0.1)],
    *[({"obs_freq": bad}, "obs_freq") for bad in (0, -0.1)],
    ({"end_time": -1}, "end_time"),
    ({"inf_fact": -1}, "inf_fact"),
    *[({"lorenz96_n": bad}, "lorenz96_n") for bad in (0, 2)],
    *[(_local(r=bad), "methods.0.params.r") for bad in ("a", -1, 1.5)],
    (_local(r=20), "methods.0.params.r"),  # 2r + 1 > n
    (_local(r=41, taper="gaspari-cohn"), "methods.0.params.r"),
    (_local(r=2, taper="none"), "methods.0.params.r"),
    ({"lorenz96_n": 6, "m": 6, **_local(r=3)}, "methods.0.params.r"),
    ({"methods": []}, "methods"),
    (_local(radius=2), "methods.0.params.radius"),
]
"""Case 28: fields of a run, and the field that is named."""

JUNK: Final[list[str]] = [
    "NaN",
    "Infinity",
    "-Infinity",
    '"nan"',
    "1e400",
    "-1e400",
    "9" * 5000,
    "null",
    "true",
    '""',
    '"\\u0000"',
    '"lorenz96\\u0000"',
    '"\\ud800"',
    "{}",
    '{"$ne": null}',
    "[]",
    "[[[[{}]]]]",
    "[" * 500 + "]" * 500,
    '{"a": ' * 200 + "1" + "}" * 200,
]
"""JSON, or what some take for it: no field of a run takes any of them."""

NOT_FINITE: Final = [math.nan, math.inf, -math.inf]
