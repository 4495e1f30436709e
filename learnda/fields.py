"""Every field of ``POST /api/runs``, declared once: validation, API documents and forms follow.

A new field is one entry here, one in `learnda.experiment.Experiment`, one in the proto and one in
`learnda.client.fields`. Rules that tie fields to each other are in `learnda.validation`.
"""

from __future__ import annotations

from dataclasses import dataclass

from learnda.declarations import OnlyWith, Parameter

MAX_SEED = 2**53 - 1
"""The largest integer below which JavaScript has every integer."""
MAX_COUNT = 2**31 - 1
"""What an index of compute can count."""
MAX_STEP = 0.05
"""The largest Runge-Kutta step that is chosen by default, in model time."""
DEFAULT_M = 32
"""Observed sites by default, where the ring has as many."""

RUN_FIELDS: tuple[Parameter, ...] = (
    Parameter(
        "model", "str", "lorenz96", "Model", "The model that is followed.", choices=("lorenz96",)
    ),
    Parameter(
        "ensemble_size",
        "int",
        20,
        "Ensemble size",
        "Members of the ensemble.",
        unit="members",
        min=2,
        max=MAX_COUNT,
        step=1,
    ),
    Parameter(
        "m",
        "int",
        None,
        "Observed sites",
        "Sites observed in each cycle, at most n. Not sent: the smaller of 32 and n.",
        unit="sites",
        min=1,
        max=MAX_COUNT,
        step=1,
    ),
    Parameter(
        "std_obs",
        "float",
        0.01,
        "Observation error",
        "Standard deviation of the observation error.",
        min=0,
        exclusive_min=True,
        step=0.01,
    ),
    Parameter(
        "obs_freq",
        "float",
        0.1,
        "Time between analyses",
        "Model time between two analyses.",
        unit="model time",
        min=0,
        exclusive_min=True,
        step=0.05,
    ),
    Parameter(
        "end_time",
        "float",
        10.0,
        "End time",
        "Model time of the experiment: floor(end_time / obs_freq + 1e-9) + 1 steps, the first at "
        "t = 0.",
        unit="model time",
        min=0,
        exclusive_min=True,
        step=1,
    ),
    Parameter(
        "inf_fact",
        "float",
        1.04,
        "Inflation",
        "Factor on the analysis anomalies, for methods that do not set their own; the inflated "
        "ensemble is the one that is forecast.",
        min=0,
        exclusive_min=True,
        step=0.01,
    ),
    Parameter(
        "lorenz96_n",
        "int",
        40,
        "State size n",
        "Sites on the ring.",
        unit="sites",
        min=4,
        max=MAX_COUNT,
        step=1,
    ),
    Parameter(
        "lorenz96_F",
        "float",
        8.0,
        "Forcing F",
        "Forcing of the model; chaotic from about 5 on.",
        min=-1000,
        max=1000,
        step=0.5,
    ),
    Parameter(
        "seed",
        "int",
        None,
        "Seed",
        "The same request with the same seed gives the same numbers. Not sent: drawn, and reported "
        "in `request`.",
        min=0,
        max=MAX_SEED,
        step=1,
    ),
    Parameter(
        "replicates",
        "int",
        1,
        "Replicates",
        "Independent repetitions, each with its own truth, observations and ensemble.",
        min=1,
        max=10_000,  # one step of all replicates is one message, under 1 MB
        step=1,
    ),
    Parameter(
        "dt",
        "float",
        None,
        "Runge-Kutta step",
        "Step of the model; it divides obs_freq. Not sent: the largest such step up to 0.05.",
        unit="model time",
        min=0,
        exclusive_min=True,
        step=0.01,
    ),
    Parameter(
        "obs_network",
        "str",
        "random",
        "Observation network",
        "random: m sites redrawn each cycle; fixed: drawn once; regular: evenly spaced.",
        choices=("random", "fixed", "regular"),
    ),
    Parameter(
        "initial",
        "str",
        "climatology",
        "First ensemble",
        "climatology: members spun up from small noise, independent of the truth; "
        "perturbed-truth: the truth plus N(0, initial_std^2).",
        choices=("climatology", "perturbed-truth"),
    ),
    Parameter(
        "initial_std",
        "float",
        0.2,
        "Initial spread",
        "Standard deviation of the first ensemble around the truth, for perturbed-truth.",
        min=0,
        exclusive_min=True,
        step=0.1,
        only_with=OnlyWith("initial", ("perturbed-truth",)),
    ),
    Parameter(
        "burn_in",
        "float",
        0.0,
        "Burn-in",
        "Model time before which cycles are not scored in the metrics; to within the rounding of "
        "t, which is a multiple of obs_freq.",
        unit="model time",
        min=0,
        step=1,
    ),
    Parameter(
        "precision",
        "str",
        "float64",
        "Precision",
        "Arithmetic of the whole experiment.",
        choices=("float64", "float32"),
    ),
    Parameter(
        "obs_operator",
        "str",
        "identity",
        "Observed quantity",
        "What is observed of the state x at a site: x itself, its square, |x|, log(1 + |x|), or "
        "10 tanh(x / 10), which saturates.",
        choices=("identity", "square", "absolute", "log", "saturating"),
    ),
    Parameter(
        "obs_error",
        "str",
        "gaussian",
        "Error distribution",
        "Distribution of the observation error; its standard deviation is that of the site. Kalman "
        "filters assume gaussian whatever it is; particle filters use the density itself.",
        choices=("gaussian", "laplace", "student"),
    ),
    Parameter(
        "obs_error_dof",
        "float",
        5.0,
        "Degrees of freedom",
        "Of the Student error; below about 5 its tails are heavy.",
        min=2,
        exclusive_min=True,
        step=1,
        only_with=OnlyWith("obs_error", ("student",)),
    ),
    Parameter(
        "obs_error_correlation",
        "float",
        0.0,
        "Error correlation length",
        "L in the correlation exp(-d / L) of two sites' Gaussian errors at distance d on the ring; "
        "0: independent. Filters are told the full covariance; those that take observations one "
        "by one near their sites refuse it.",
        unit="sites",
        min=0,
        max=1000,  # beyond, float32 cannot tell the errors apart
        step=0.5,
        only_with=OnlyWith("obs_error", ("gaussian",)),
    ),
    Parameter(
        "forecast_F",
        "float",
        None,
        "Forcing of the forecast",
        "Forcing of the model that the methods forecast with; another than lorenz96_F is a model "
        "error. Not sent: lorenz96_F.",
        min=-1000,
        max=1000,
        step=0.5,
    ),
    Parameter(
        "truth_noise",
        "float",
        0.0,
        "Stochastic forcing of the truth",
        "The truth follows dx = f(x) dt + truth_noise dW: white noise, the same at every site, "
        "added after each Runge-Kutta step.",
        unit="per root model time",
        min=0,
        step=0.1,
    ),
    Parameter(
        "forecast_noise",
        "float",
        0.0,
        "Stochastic forcing of the forecast",
        "The same for each member of a forecast; methods without members know it only if they "
        "carry a covariance.",
        unit="per root model time",
        min=0,
        step=0.1,
    ),
    Parameter(
        "forecast_leads",
        "int",
        0,
        "Forecast leads",
        "Cycles ahead for which the error of a forecast from the analysis mean is measured; "
        "0: none.",
        unit="cycles",
        min=0,
        max=100,
        step=1,
    ),
    Parameter(
        "record_states",
        "bool",
        False,
        "Keep states",
        "Keep truth, analysis, spread and members of the first replicate to look at, thinned. It "
        "changes no number.",
    ),
)
"""The fields that hold one value."""


@dataclass(frozen=True, slots=True)
class ListField:
    """A field that holds an array; not sent: the experiment has none."""

    item: Parameter
    """What each item must be; its name is the field's."""
    distinct: bool = False

    @property
    def name(self) -> str:
        return self.item.name


LIST_FIELDS: tuple[ListField, ...] = (
    ListField(
        Parameter(
            "obs_sites",
            "int",
            None,
            "Observed sites, listed",
            "The sites that every cycle observes, from 0 to n - 1; excludes m and obs_network.",
            unit="sites",
            min=0,
            max=MAX_COUNT,
        ),
        distinct=True,
    ),
    ListField(
        Parameter(
            "std_obs_sites",
            "float",
            None,
            "Observation error per site",
            "Standard deviation of the observation error at each site, n values; excludes std_obs.",
            min=0,
            exclusive_min=True,
        ),
    ),
)
"""The fields that hold an array, of at most n items."""
