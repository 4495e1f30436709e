"""``learn-da up``, and the services that it runs as its children."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from learnda.threads import limit_threads

Host = Annotated[str, typer.Option(envvar="LEARNDA_HOST", help="Address to listen at.")]
Port = Annotated[int, typer.Option(envvar="LEARNDA_PORT", help="Port; 0: any that is free.")]
DEFAULT_COMPUTE_PORT = 50051


def up(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data_dir: Annotated[
        Path | None,
        typer.Option(envvar="LEARNDA_DATA_DIR", help="Where runs and programs are kept."),
    ] = None,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", hidden=True, help="End when the parent ends.")
    ] = False,
) -> None:
    """Start PostgreSQL, the compute server and the gateway, and keep them up until Ctrl-C.

    With DATABASE_URL set that server is used, and no PostgreSQL is started.
    """
    from learnda.local.binaries import PostgresUnavailableError
    from learnda.local.machine import run_machine
    from learnda.local.processes import end_with_parent
    from learnda.local.services import PortInUseError
    from learnda.local.supervisor import ServiceDownError

    if with_parent:
        end_with_parent(signal.SIGTERM)
    if data_dir is not None:
        os.environ["LEARNDA_DATA_DIR"] = str(data_dir)
    try:
        asyncio.run(run_machine(host, port, say))
    except (PostgresUnavailableError, PortInUseError, ServiceDownError, PermissionError) as error:
        say(f"Error: {error}")
        raise typer.Exit(1) from None


def compute(
    host: Annotated[
        str, typer.Option(envvar="LEARNDA_COMPUTE_HOST", help="Address to listen at.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="LEARNDA_COMPUTE_PORT", help="Port of the gRPC service.")
    ] = DEFAULT_COMPUTE_PORT,
) -> None:
    """Start the compute server (gRPC) alone."""
    limit_threads()
    from compute.server import serve, settings_from_environment
    from learnda import logs

    try:
        logs.configure("compute")
        settings = settings_from_environment(host=host, port=port)
    except ValueError as error:
        say(f"Error: {error}")
        raise typer.Exit(2) from None
    asyncio.run(serve(settings))


def gateway(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Start the gateway (HTTP) alone; it needs DATABASE_URL and a compute server."""
    from gateway.server import serve
    from gateway.settings import from_environment
    from learnda import logs

    os.environ |= {"LEARNDA_HOST": host, "LEARNDA_PORT": str(port)}
    try:
        logs.configure("gateway")
        settings = from_environment()
    except ValueError as error:
        say(f"Error: {error}")
        raise typer.Exit(2) from None
    asyncio.run(serve(settings))


def probe(
    address: Annotated[str, typer.Argument(help="host:port of compute, or the gateway's URL.")],
) -> None:
    """Exit with 0 when the service at ADDRESS is ready, else with 1 (for health checks)."""
    from learnda.local.probes import is_ready

    if not is_ready(address):
        raise typer.Exit(1)


def say(text: str) -> None:
    """Tell the user at once, also through a pipe."""
    typer.echo(text)
