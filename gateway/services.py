"""What routes work with: made once by the application's lifespan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from gateway.compute_client import ComputeClient
from gateway.database import Pool
from gateway.methods import MethodBook
from gateway.metrics import Metrics
from gateway.runner import Runner
from gateway.settings import Settings
from gateway.tail import Hub


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a running gateway."""

    settings: Settings
    pool: Pool
    compute: ComputeClient
    methods: MethodBook
    runner: Runner
    hub: Hub
    metrics: Metrics


def of_request(request: Request) -> Services:
    """The services of the application that answers."""
    services: Services = request.app.state.services
    return services


Use = Annotated[Services, Depends(of_request)]
