"""The application and its lifespan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline

from gateway import openapi, problems
from gateway.background import keep_going
from gateway.compute_client import ComputeClient
from gateway.database import make_pool, migrate
from gateway.listener import Listener
from gateway.methods import MethodBook
from gateway.metrics import Measured, Metrics
from gateway.page import Page
from gateway.routes import csv, health, methods, runs, streams
from gateway.runner import Runner
from gateway.services import Services
from gateway.settings import Settings
from gateway.store.notify import Written
from gateway.store.runs import remove_old
from gateway.tail import Hub


def create_app(settings: Settings) -> FastAPI:
    """The gateway; it opens nothing before its lifespan begins."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, metrics) as services:
            app.state.services = services
            yield

    app: FastAPI = FastAPIOffline(
        title="LEARN-DA",
        description=openapi.DESCRIPTION,
        version=version("learn-da"),
        lifespan=lifespan,
    )
    app.add_middleware(Measured, metrics=metrics)
    problems.install(app)
    for router in (methods.router, runs.router, csv.router, streams.router, health.router):
        app.include_router(router)
    app.mount("/", Page(settings.web_dist))
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def running(settings: Settings, metrics: Metrics) -> AsyncIterator[Services]:
    """Everything that works behind the routes, until the gateway stops."""
    pool = make_pool(settings.database_url, settings.pool_size)
    compute = ComputeClient(settings.compute_address)
    book = MethodBook(pool, compute)
    hub = Hub(
        pool,
        keepalive=settings.keepalive,
        poll_interval=settings.poll_interval,
        page=settings.events_fetch_limit,
    )
    runner = Runner(pool, compute, settings, hub.committed)

    def connected_to_compute() -> None:
        runner.wake()
        book.wake()

    def written(note: Written) -> None:
        hub.written(note)
        if note.cancelled:
            runner.drop(note.run_id)

    def connected_to_database() -> None:
        runner.wake()
        hub.look()

    listener = Listener(
        settings.database_url,
        on_queued=runner.wake,
        on_written=written,
        on_connected=connected_to_database,
    )

    async def clean_up() -> None:
        while await remove_old(pool, ttl=settings.event_ttl, grace=settings.deleted_grace):
            pass
        await asyncio.sleep(settings.cleanup_interval)

    work = {
        "watch compute": lambda: compute.watch(connected_to_compute),
        "refresh methods": book.refresh,
        "listen": listener.listen,
        "read events": hub.read,
        "claim runs": runner.claim,
        "renew leases": runner.renew,
        "clean up": clean_up,
    }
    try:
        await pool.open(wait=True)
        await migrate(pool)
        await book.load()
        pause = settings.poll_interval
        tasks = [asyncio.create_task(keep_going(name, job, pause)) for name, job in work.items()]
        try:
            yield Services(settings, pool, compute, book, runner, hub, metrics)
        finally:
            hub.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await runner.stop()
    finally:
        await compute.close()
        await pool.close()


def _document(app: FastAPI) -> dict[str, Any]:
    """The API's document, made once, with the shape of its problems."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        openapi.describe_problems(document)
        app.openapi_schema = document
    return app.openapi_schema
