"""Requests of analyses, and their tensors, for the tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from compute.registry import METHODS
from learnda import tensors
from learnda.v1 import analysis_pb2 as pb


def setting(method: str, *, seed: int | None = 7, ring: bool = True, **params: Any) -> Any:
    """Of a method; on a ring of sites, if it localises."""
    message = pb.AnalysisSetting(method=method, seed=seed)
    message.params.update(params)
    declared = METHODS.get(method)
    if ring and declared is not None and declared.declaration.parameter("r") is not None:
        message.geometry.ring.SetInParent()
    return message


def observations(**arrays: Any) -> pb.Observations:
    """Each array under its field's name."""
    message = pb.Observations()
    for name, array in arrays.items():
        getattr(message, name).CopyFrom(tensors.write(np.asarray(array)))
    return message


class Case:
    """A random ensemble, and observations of some of its sites."""

    def __init__(
        self, rng: np.random.Generator, *, members: int = 7, n: int = 24, m: int = 9, batch: int = 0
    ) -> None:
        first = (batch,) if batch else ()
        self.ensemble = rng.normal(3, 1.5, (*first, members, n))
        self.sites = np.sort(rng.choice(n, m, replace=False)).astype(np.int32)
        self.values = rng.normal(3, 1.5, (*first, m))
        self.variances = rng.uniform(0.5, 2, m)

    def observations(self, **others: Any) -> pb.Observations:
        """Of the sites, unless ``others`` say otherwise (None: without)."""
        arrays = {
            "values": self.values,
            "sites": self.sites,
            "variances": self.variances,
            **others,
        }
        return observations(**{k: v for k, v in arrays.items() if v is not None})

    def request(self, what: pb.AnalysisSetting, **others: Any) -> pb.AnalyzeRequest:
        """Its analysis."""
        return pb.AnalyzeRequest(
            setting=what,
            ensemble=tensors.write(self.ensemble),
            observations=self.observations(**others),
        )


def array(tensor: Any) -> np.ndarray:
    """What a whole tensor holds."""
    return tensors.read(
        tensor, "x", axes=range(5), dtypes=("float64", "float32", "uint8"), most_bytes=10**9
    )
