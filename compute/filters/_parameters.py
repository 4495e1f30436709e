"""Declarations of the parameters that several methods share."""

from __future__ import annotations

from learnda.declarations import Parameter

INFLATION = Parameter(
    name="inf_fact",
    type="float",
    default=None,
    label="Inflation",
    help="Factor on the analysis anomalies; the inflated ensemble is the one that is forecast. "
    "Not sent: the run's.",
    min=0,
    exclusive_min=True,
    step=0.01,
)

ROTATE = Parameter(
    name="rotate",
    type="bool",
    default=False,
    label="Rotate",
    help="Rotate the anomalies at random each cycle, keeping mean and covariance "
    "(Sakov & Oke 2008b). It keeps the members Gaussian.",
)

RADIUS = Parameter(
    name="r",
    type="float",
    default=2,
    label="Localisation radius",
    unit="sites",
    help="box, step: observations within r sites count fully (an integer for box, 2r + 1 <= n). "
    "gaspari-cohn: the taper is about 0.63 at r and zero from 3.64 r. "
    "gaussian: exp(-d^2 / 2r^2). exponential: exp(-d / r). Not used with taper none.",
    min=0,
    exclusive_min=True,
    step=1,
)


def taper(default: str, *choices: str) -> Parameter:
    """The localisation taper, of the choices that the method can take."""
    return Parameter(
        name="taper",
        type="str",
        default=default,
        label="Taper",
        help="How the weight of an observation falls with its distance min(d, n - d) on the ring; "
        "none switches localisation off, and r is then refused.",
        choices=choices,
    )
