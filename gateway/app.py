"""The application and its lifespan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware

from gateway import openapi, problems
from gateway.access import OPEN_PATHS, Door, Guard
from gateway.background import keep_going
from gateway.compute_client import ComputeClient
from gateway.database import make_pool, migrate
from gateway.headers import SecureHeaders
from gateway.hosts import Hosts
from gateway.listener import Listener
from gateway.memory import give_back
from gateway.methods import MethodBook
from gateway.metrics import Measured, Metrics
from gateway.page import Page, PageRoute
from gateway.parameters import only_known
from gateway.request_id import Identified
from gateway.routes import (
    csv,
    estimate,
    health,
    methods,
    netcdf,
    runs,
    session,
    states,
    streams,
    sweeps,
)
from gateway.runner import Runner
from gateway.services import Services
from gateway.settings import Settings
from gateway.store import sweeps as sweep_store
from gateway.store.notify import Written
from gateway.store.runs import remove_old
from gateway.tail import Hub
from learnda.access import Access

ROUTERS = (
    methods.router,
    runs.router,
    estimate.router,
    csv.router,
    netcdf.router,
    states.router,
    streams.router,
    sweeps.router,
    session.router,
)


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
    page = Page(settings.web_dist)
    _guard(app, settings, page)
    app.add_middleware(Measured, metrics=metrics)
    app.add_middleware(Identified)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router, dependencies=[Depends(only_known)])
    app.include_router(health.router)  # monitors add what they like
    app.router.routes.append(PageRoute(page))
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


def _guard(app: FastAPI, settings: Settings, page: Page) -> None:
    """Stand before all routes; a request comes to the one that is added last first."""
    door = app.state.door = Door(Access(settings.access_file), settings.session)
    origins = settings.cors_origins
    app.add_middleware(Guard, door=door, page=page, foreign_origins=origins)
    if origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"]
        )
    app.add_middleware(Hosts, names=(settings.host, *settings.hosts))
    build = app.build_middleware_stack  # outside of Starlette's own, which answers with status 500
    app.build_middleware_stack = lambda: SecureHeaders(build())  # type: ignore[method-assign]


@asynccontextmanager
async def running(settings: Settings, metrics: Metrics) -> AsyncIterator[Services]:
    """Everything that works behind the routes, until the gateway stops."""
    pool = make_pool(settings.database_url, settings.pool_size, metrics.database_seconds.observe)
    compute = ComputeClient(
        settings.compute_address,
        token=settings.compute_token,
        authorities=settings.compute_authorities,
    )
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
        await sweep_store.remove_old(pool, ttl=settings.event_ttl, grace=settings.deleted_grace)
        await asyncio.to_thread(give_back)
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
        openapi.describe_access(document, OPEN_PATHS)
        app.openapi_schema = document
    return app.openapi_schema
