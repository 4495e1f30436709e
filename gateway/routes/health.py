"""Alive, ready, measured."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from http import HTTPStatus
from typing import get_args

import psycopg
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, Metric
from prometheus_client.core import GaugeMetricFamily
from starlette.responses import Response

from gateway.database import Pool
from gateway.routes.answers import Json
from gateway.schemas import Readiness, RunStatus
from gateway.services import Services, Use
from gateway.store import runs
from learnda.compute_metrics import families

router = APIRouter(tags=["operations"])

DATABASE_SECONDS = 2.0


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
async def ready(use: Use) -> Response:
    """The database and compute can be reached, and what compute offers is known."""
    database, serving = await asyncio.gather(_reached(use.pool), use.compute.is_serving())
    compute = serving and use.methods.known
    both = database and compute
    return Json(
        {"status": "ready" if both else "not ready", "database": database, "compute": compute},
        HTTPStatus.OK if both else HTTPStatus.SERVICE_UNAVAILABLE,
    )


@router.get("/metrics", response_class=Response)
async def metrics(use: Use) -> Response:
    """Prometheus' text format."""
    return Response(use.metrics.render(await _now(use)), media_type=CONTENT_TYPE_LATEST)


async def _reached(pool: Pool) -> bool:
    try:
        async with asyncio.timeout(DATABASE_SECONDS), pool.connection() as connection:
            await connection.execute("SELECT 1")
    except (psycopg.Error, TimeoutError):
        return False
    return True


async def _now(use: Services) -> list[Metric]:
    """What is so at this moment; what the database or compute would tell is left out without it."""
    found, activity = await asyncio.gather(_queue(use.pool), use.compute.activity())
    if activity is not None:
        found += families(activity)
    return [*_own(use), *found]


def _own(use: Services) -> Iterator[Metric]:
    pool = use.pool.get_stats()
    connected = float(use.compute.connected)
    yield _gauge("learnda_runs_carried", "Runs that this gateway carries.", use.runner.carried)
    yield _gauge("learnda_viewers", "Open event streams, per watched run.", use.hub.viewers)
    yield _gauge("learnda_compute_connected", "1 when compute can be reached.", connected)
    yield _gauge("learnda_pool_connections", "Database connections.", pool.get("pool_size", 0))
    yield _gauge("learnda_pool_available", "Of these, idle.", pool.get("pool_available", 0))
    yield _gauge("learnda_pool_waiting", "Requests for one.", pool.get("requests_waiting", 0))


async def _queue(pool: Pool) -> list[Metric]:
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            counts, oldest = await runs.counts(pool), await runs.longest_wait(pool)
    except (psycopg.Error, TimeoutError):
        return []
    family = GaugeMetricFamily("learnda_runs", "Runs in the database.", labels=["status"])
    for status in get_args(RunStatus):
        family.add_metric([status], counts.get(status, 0))
    return [
        family,
        _gauge("learnda_queue_length", "Runs that wait.", counts.get("queued", 0)),
        _gauge("learnda_queue_oldest_seconds", "Age of the oldest of them.", oldest),
    ]


def _gauge(name: str, help_: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_, value=value)
