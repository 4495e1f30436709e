"""Everything on this machine: what ``learn-da up`` runs."""

from __future__ import annotations

import os
from collections.abc import Callable

from learnda import access
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
from learnda.local.state_key import VARIABLE, state_key
from learnda.local.supervisor import Supervisor

COMPUTE_HOST, COMPUTE_PORT = "127.0.0.1", 50051


async def run_machine(host: str, port: int, say: Callable[[str], None]) -> None:
    """Run Postgres (unless DATABASE_URL is set), compute and the gateway until asked to stop."""
    port = port or free_port(host)
    check_port(host, port, "--port or LEARNDA_PORT")
    data = data_dir()
    given = os.environ.get("DATABASE_URL", "")
    postgres = PostgresService(data)
    for_compute, for_gateway = _service_token()
    compute = ComputeService(
        *_compute_listens_at(),
        cache_dir(data),
        grace=_seconds("LEARNDA_GRACE_SECONDS", 1.5) + 0.5,
        settings={VARIABLE: state_key(data), **for_compute},
    )
    gateway = GatewayService(
        host,
        port,
        compute.address,
        lambda: given or postgres.server.url,
        grace=_seconds("LEARNDA_SHUTDOWN_SECONDS", 2.0) + 2.0,
        settings=for_gateway,
    )
    # compute takes longest to be of use, and needs no database
    services: list[Service] = [compute, gateway] if given else [compute, postgres, gateway]

    def on_ready() -> None:
        say(f"LEARN-DA is ready at {gateway.url} (Ctrl-C stops it)")
        say(f"  API   {gateway.url}/docs, gRPC at {compute.address}")
        say(f"  data  {'in the database of DATABASE_URL' if given else data}")

    say("Starting " + ", ".join(service.name for service in services))
    await Supervisor(services, say).run(on_ready)


def _service_token() -> tuple[dict[str, str], dict[str, str]]:
    """Where tokens are needed, compute and the gateway share one of their own, made at each start.

    It is handed on by the environment: other users of the machine can read command lines.
    """
    if not os.environ.get(access.FILE_VARIABLE):
        return {}, {}
    secret = os.environ.get(access.SERVICE_VARIABLE) or access.new_secret()
    hashed = {f"{access.SERVICE_VARIABLE}_SHA256": access.sha256_of(secret)}
    return hashed, {access.SERVICE_VARIABLE: secret}


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


def _seconds(setting: str, default: float) -> float:
    """How long a service takes to stop; what is no number the service itself refuses."""
    try:
        return float(os.environ.get(setting) or default)
    except ValueError:
        return default
