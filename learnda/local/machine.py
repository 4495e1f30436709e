"""Everything on this machine: what ``learn-da up`` runs."""

from __future__ import annotations

import os
from collections.abc import Callable

from learnda.local.folders import cache_dir, data_dir
from learnda.local.services import (
    ComputeService,
    GatewayService,
    PortInUseError,
    PostgresService,
    Service,
    check_port,
    free_port,
)
from learnda.local.supervisor import Supervisor

COMPUTE_HOST, COMPUTE_PORT = "127.0.0.1", 50051


async def run_machine(host: str, port: int, say: Callable[[str], None]) -> None:
    """Run Postgres (unless DATABASE_URL is set), compute and the gateway until asked to stop."""
    port = port or free_port(host)
    check_port(host, port, "--port or LEARNDA_PORT")
    data = data_dir()
    given = os.environ.get("DATABASE_URL", "")
    postgres = PostgresService(data)
    compute = ComputeService(*_compute_listens_at(), cache_dir(data))
    gateway = GatewayService(host, port, compute.address, lambda: given or postgres.server.url)
    # compute takes longest to be of use, and needs no database
    services: list[Service] = [compute, gateway] if given else [compute, postgres, gateway]

    def on_ready() -> None:
        say(f"LEARN-DA is ready at {gateway.url} (Ctrl-C stops it)")
        say(f"  API   {gateway.url}/docs, gRPC at {compute.address}")
        say(f"  data  {'in the database of DATABASE_URL' if given else data}")

    say("Starting " + ", ".join(service.name for service in services))
    await Supervisor(services, say).run(on_ready)


def _compute_listens_at() -> tuple[str, int]:
    """The port asked for, or the usual one, or if that is taken any other."""
    host = os.environ.get("LEARNDA_COMPUTE_HOST") or COMPUTE_HOST
    chosen = os.environ.get("LEARNDA_COMPUTE_PORT")
    if chosen and chosen != "0":
        check_port(host, int(chosen), "LEARNDA_COMPUTE_PORT")
        return host, int(chosen)
    try:
        check_port(host, COMPUTE_PORT, "LEARNDA_COMPUTE_PORT")
    except PortInUseError:
        return host, free_port(host)
    return host, COMPUTE_PORT
