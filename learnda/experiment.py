"""A twin experiment with every default filled in: what validation yields and compute runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from learnda.declarations import Value, Work


@dataclass(frozen=True, slots=True)
class MethodInstance:
    """One method of an experiment; ``params`` holds every declared parameter."""

    id: str
    name: str
    label: str
    params: Mapping[str, Value]
    work: Work = "transform"
    """What its analysis spends its time on, for estimates of cost."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """The fields of ``POST /api/runs``, resolved. Times are in model time, sites count from 0."""

    methods: tuple[MethodInstance, ...]
    seed: int
    m: int
    dt: float
    model: str = "lorenz96"
    ensemble_size: int = 20
    std_obs: float | None = 0.01
    obs_freq: float = 0.1
    end_time: float = 10.0
    inf_fact: float = 1.04
    lorenz96_n: int = 40
    lorenz96_F: float = 8.0
    replicates: int = 1
    obs_network: Literal["random", "fixed", "regular"] | None = "random"
    """None when ``obs_sites`` is given."""
    obs_sites: tuple[int, ...] | None = None
    initial: Literal["climatology", "perturbed-truth"] = "climatology"
    initial_std: float = 0.2
    burn_in: float = 0.0
    precision: Literal["float64", "float32"] = "float64"
    obs_operator: Literal["identity", "square", "absolute", "log", "saturating"] = "identity"
    obs_error: Literal["gaussian", "laplace", "student"] = "gaussian"
    obs_error_dof: float = 5.0
    obs_error_correlation: float = 0.0
    """Sites; 0: independent errors."""
    std_obs_sites: tuple[float, ...] | None = None
    """One for each site; ``std_obs`` is then None."""
    forecast_F: float | None = None
    """None: that of the truth."""
    truth_noise: float = 0.0
    forecast_noise: float = 0.0
    forecast_leads: int = 0
    record_states: bool = False

    @property
    def step_count(self) -> int:
        """Analyses per method; step 0 assimilates at t = 0."""
        return math.floor(self.end_time / self.obs_freq + 1e-9) + 1

    @property
    def substeps(self) -> int:
        """Runge-Kutta steps between two analyses."""
        return round(self.obs_freq / self.dt)

    def request(self) -> dict[str, Any]:
        """The experiment as JSON in the names of the contract; sending it again repeats the run."""
        body: dict[str, Any] = {
            f.name: getattr(self, f.name) for f in fields(self) if f.name != "methods"
        }
        if self.obs_sites is None:
            del body["obs_sites"]
        else:
            body["obs_sites"] = list(self.obs_sites)
            del body["m"], body["obs_network"]
        if self.std_obs_sites is None:
            del body["std_obs_sites"]
        else:
            body["std_obs_sites"] = list(self.std_obs_sites)
            del body["std_obs"]
        body["methods"] = [
            {"id": i.id, "name": i.name, "label": i.label, "params": dict(i.params)}
            for i in self.methods
        ]
        return body
