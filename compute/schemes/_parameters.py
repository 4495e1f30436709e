"""Declarations of the parameters that several schemes share."""

from __future__ import annotations

from learnda.declarations import Parameter

B_SCALE = Parameter(
    name="b_scale",
    type="float",
    default=0.02,
    label="Background scale",
    help="The static background covariance is so many times the climatological one. Smaller where "
    "observations are many and frequent.",
    min=0,
    exclusive_min=True,
    step=0.01,
)
