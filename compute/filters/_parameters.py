"""Declarations of the parameters that several methods share."""

from __future__ import annotations

from dataclasses import replace

from learnda.declarations import OnlyWith, Parameter

_INFLATION = Parameter(
    name="inflation",
    type="str",
    default="analysis",
    label="Inflation scheme",
    help="What keeps the spread up. analysis: inf_fact multiplies the anomalies after the "
    "analysis, and the inflated ensemble is the one that is forecast. background: inf_fact "
    "multiplies them before the analysis. rtps, rtpp: relaxation to the background's spread "
    "(Whitaker & Hamill 2012) or perturbations (Zhang et al. 2004). adaptive: the background's "
    "variance is inflated by what past innovations ask for, at each site where the method is "
    "local (Miyoshi 2011).",
    choices=("analysis", "background", "rtps", "rtpp", "adaptive"),
)
INF_FACT = Parameter(
    name="inf_fact",
    type="float",
    default=None,
    label="Inflation",
    help="Factor on the anomalies: standard deviations, not variances. LEARN-DA's library inflated "
    "what was then not forecast. Not sent: the run's.",
    min=0,
    exclusive_min=True,
    step=0.01,
)
_RELAXATION = Parameter(
    name="relaxation",
    type="float",
    default=0.5,
    label="Relaxation",
    help="0: the analysis is left as it is. 1: it gets the background's spread (rtps) or "
    "perturbations (rtpp) back.",
    min=0,
    max=1,
    step=0.05,
    only_with=OnlyWith("inflation", ("rtps", "rtpp")),
)
_ADAPTATION_STD = Parameter(
    name="adaptation_std",
    type="float",
    default=0.04,
    label="Adaptation",
    help="How far the variance inflation may be wrong, as a standard deviation, before the "
    "innovations of a cycle have spoken: larger adapts faster, and noisier.",
    min=0,
    exclusive_min=True,
    step=0.01,
    only_with=OnlyWith("inflation", ("adaptive",)),
)
ROTATE = Parameter(
    name="rotate",
    type="bool",
    default=False,
    label="Rotate",
    help="Rotate the anomalies at random each cycle, keeping mean and covariance "
    "(Sakov & Oke 2008b). It keeps the members Gaussian.",
)


def spreading(inf_fact: float | None = None) -> tuple[Parameter, ...]:
    """What every ensemble filter takes; ``inf_fact`` is its default, None for the run's."""
    factor = replace(
        INF_FACT, default=inf_fact, only_with=OnlyWith("inflation", ("analysis", "background"))
    )
    return (_INFLATION, factor, _RELAXATION, _ADAPTATION_STD, ROTATE)


def spreading_after() -> tuple[Parameter, ...]:
    """The part of it that needs no more than background and analysis."""
    scheme = replace(
        _INFLATION,
        choices=("analysis", "rtps", "rtpp"),
        help="What keeps the spread up. analysis: inf_fact multiplies the anomalies after the "
        "analysis, and the inflated ensemble is the one that is forecast. rtps, rtpp: relaxation "
        "to the background's spread (Whitaker & Hamill 2012) or perturbations (Zhang et al. 2004).",
    )
    factor = replace(INF_FACT, only_with=OnlyWith("inflation", ("analysis",)))
    return (scheme, factor, _RELAXATION, ROTATE)


def localization(default: str, *choices: str, radius: float = 2) -> tuple[Parameter, Parameter]:
    """Radius and taper, of the choices that the method can take."""
    tapers = Parameter(
        name="taper",
        type="str",
        default=default,
        label="Taper",
        help="How the weight of an observation falls with its distance min(d, n - d) on the ring"
        + (
            "; none switches localisation off, and r is then refused." if "none" in choices else "."
        ),
        choices=choices,
    )
    used = tuple(choice for choice in choices if choice != "none")
    return replace(RADIUS, default=radius, only_with=OnlyWith("taper", used)), tapers


RADIUS = Parameter(
    name="r",
    type="float",
    default=2,
    label="Localisation radius",
    unit="sites",
    help="box, step: observations within r sites count fully (an integer for box, 2r + 1 <= n). "
    "gaspari-cohn: half-width 1.82 r, so the taper is about 0.63 at r and zero from 3.64 r. "
    "gaussian: exp(-d^2 / 2r^2). exponential: exp(-d / r).",
    min=0,
    exclusive_min=True,
    step=1,
)
ALL_TAPERS = ("box", "gaspari-cohn", "gaussian", "step", "exponential", "none")
PREDECESSORS = Parameter(
    name="r",
    type="int",
    default=2,
    label="Localisation radius",
    unit="sites",
    help="A site is regressed on the sites before it within r on the ring; 2r + 1 <= n.",
    min=1,
    step=1,
)
