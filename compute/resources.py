"""What the calls of one server share."""

from __future__ import annotations

from dataclasses import dataclass

from compute.admission import Admission
from compute.engine import Engine
from learnda.cost import Limits
from learnda.v1 import common_pb2 as common


@dataclass(frozen=True, slots=True)
class Resources:
    """Where a call computes, and within which limits."""

    engine: Engine
    admission: Admission
    server: common.Server
    """What it runs on, for answers to tell."""
    limits: Limits
