"""The keyword arguments of a run: the fields of the contract, typed for editors and checkers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

Methods = str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]
"""One method or several: a name, or a mapping with ``name`` and perhaps ``params``, ``label`` and
``id``."""


class RunFields(TypedDict, total=False):
    """What `learnda.fields` declares; meanings, ranges and defaults are there and in the page."""

    model: Literal["lorenz96"]
    ensemble_size: int
    m: int
    std_obs: float
    obs_freq: float
    end_time: float
    inf_fact: float
    lorenz96_n: int
    lorenz96_F: float
    seed: int
    replicates: int
    dt: float
    obs_network: Literal["random", "fixed", "regular"]
    initial: Literal["climatology", "perturbed-truth"]
    initial_std: float
    burn_in: float
    precision: Literal["float64", "float32"]
    obs_operator: Literal["identity", "square", "absolute", "log", "saturating"]
    obs_error: Literal["gaussian", "laplace", "student"]
    obs_error_dof: float
    obs_error_correlation: float
    forecast_F: float
    truth_noise: float
    forecast_noise: float
    forecast_leads: int
    record_states: bool
    obs_sites: Sequence[int]
    std_obs_sites: Sequence[float]
