"""The compute server: AssimilationService, health and reflection on one port, until SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from compute import metrics, provenance
from compute.access import Guard
from compute.engine import Engine
from compute.lenient import LenientReading
from compute.memory import keep_what_is_freed
from compute.ready_bytes import ReadyBytes
from compute.registry import declarations
from compute.service import AssimilationService
from compute.settings import ServerSettings, settings_from_environment
from compute.tracing import Traced
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import add_AssimilationServiceServicer_to_server

__all__ = ["RunningServer", "ServerSettings", "running", "serve", "settings_from_environment"]

SERVICE = pb.DESCRIPTOR.services_by_name["AssimilationService"].full_name
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
WATCH_SECONDS = 1.0
SWITCH_SECONDS = 0.001
"""After so long the interpreter passes on: from who traces a program to who answers."""
STANDS_BACK = 5
"""Niceness of the threads that compute, over that of those that answer."""

log = structlog.get_logger(__name__)


class CannotListenError(Exception):
    """The address is taken, or is none of this machine's."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers."""

    address: str
    """host:port, with the port that was found."""
    engine: Engine
    service: AssimilationService


async def serve(settings: ServerSettings) -> None:
    """Serve until SIGTERM or SIGINT, then let go of everything within the grace period."""
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    sys.setswitchinterval(SWITCH_SECONDS)
    keep_what_is_freed()
    engine = Engine(cache_dir=settings.cache_dir)
    await asyncio.to_thread(_start_behind_us, engine)
    if settings.warm_up:
        engine.warm_up()
    try:
        async with running(settings, engine) as server:
            _serve_metrics(settings, server.service)
            log.info("listening", address=server.address)
            await asked_to_stop.wait()
            log.info("stopping")
    except CannotListenError as error:
        raise SystemExit(f"Error: {error}") from None
    finally:
        _close(engine, settings.grace_seconds / 4)


def _serve_metrics(settings: ServerSettings, service: AssimilationService) -> None:
    if settings.metrics_port is None:
        return
    host, port = settings.metrics_host, settings.metrics_port
    try:
        metrics.serve_metrics(host, port, service.activity)
    except OSError:
        raise CannotListenError(f"cannot listen at {host}:{port} for metrics") from None


def _start_behind_us(engine: Engine) -> None:
    """Threads inherit how far their maker stands back: who asks for health or cancels comes before
    what computes and compiles. To be called in a thread that may stand back as well.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.nice(0) + STANDS_BACK)
    engine.start()


def _close(engine: Engine, patience: float) -> None:
    """Close the engine, or leave without it: XLA cannot be interrupted while it compiles."""
    closing = threading.Thread(target=engine.close, daemon=True)
    closing.start()
    closing.join(patience)
    if closing.is_alive():
        log.info("leaving while a program is compiled")
        os._exit(0 if sys.exception() is None else 1)


@asynccontextmanager
async def running(settings: ServerSettings, engine: Engine) -> AsyncIterator[RunningServer]:
    """A server over a started engine, while the context lasts; then its runs end gracefully."""
    devices = await asyncio.to_thread(provenance.server)
    service = AssimilationService(engine, declarations(), devices, settings)
    state = health.aio.HealthServicer()
    server = grpc.aio.server(
        interceptors=[Traced(), Guard(settings.access), LenientReading(SERVICE), ReadyBytes()],
        options=channel_options(settings),
    )
    add_AssimilationServiceServicer_to_server(service, server)  # type: ignore[no-untyped-call]
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    reflection.enable_server_reflection(
        (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server
    )
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    try:
        port = _listen(server, f"{host}:{settings.port}", settings.tls)
    except RuntimeError:
        raise CannotListenError(f"cannot listen at {host}:{settings.port}") from None
    service.identity = f"{socket.gethostname()}:{port}"
    await _tell(state, SERVING)
    await server.start()
    watching = asyncio.create_task(_watch(engine, state, settings.stuck_seconds))
    try:
        yield RunningServer(f"{host}:{port}", engine, service)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await state.enter_graceful_shutdown()
        await service.end_runs(settings.grace_seconds / 2)
        await server.stop(settings.grace_seconds / 4)


def _listen(server: grpc.aio.Server, address: str, tls: tuple[bytes, bytes] | None) -> int:
    if tls is None:
        return server.add_insecure_port(address)
    return server.add_secure_port(address, grpc.ssl_server_credentials([tls]))


def channel_options(settings: ServerSettings) -> Sequence[tuple[str, int]]:
    """Large checkpoints may come in; clients may ping while all is silent; vanished ones go."""
    return (
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.so_reuseport", 0),
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", 500),
    )


async def _watch(engine: Engine, state: health.aio.HealthServicer, stuck_seconds: float) -> None:
    """Health follows the device thread: one step that never ends makes the server unhealthy."""
    stuck = False
    while True:
        await asyncio.sleep(min(WATCH_SECONDS, stuck_seconds / 2))
        now_stuck = engine.seconds_stuck() > stuck_seconds
        if now_stuck != stuck:
            stuck = now_stuck
            log.warning("the device is stuck" if stuck else "the device goes on")
            await _tell(state, NOT_SERVING if stuck else SERVING)


async def _tell(state: health.aio.HealthServicer, status: int) -> None:
    for service in (health.OVERALL_HEALTH, SERVICE):
        await state.set(service, status)
