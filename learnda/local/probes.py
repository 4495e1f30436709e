"""Is a service ready? Asked from outside, for health checks and tests; it needs no token."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

SECONDS = 5.0


def is_ready(address: str) -> bool:
    """Ask the gateway (``http://host:port``) or compute (``host:port``)."""
    if address.startswith(("http://", "https://")):
        return gateway_is_ready(address)
    return compute_is_ready(address)


def gateway_is_ready(url: str) -> bool:
    """True when ``/readyz`` says that the database and compute can be reached."""
    try:
        with urlopen(f"{url.rstrip('/')}/readyz", timeout=SECONDS) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def compute_is_ready(address: str) -> bool:
    """True when the standard gRPC health service says SERVING."""
    try:
        channel = _channel(address)
    except OSError:
        return False
    with channel:
        return _is_serving(channel)


def _channel(address: str) -> Any:
    """Over TLS where LEARNDA_COMPUTE_TLS_CA names who vouches for compute."""
    import grpc

    authorities = os.environ.get("LEARNDA_COMPUTE_TLS_CA", "").strip()
    if not authorities:
        return grpc.insecure_channel(address)
    credentials = grpc.ssl_channel_credentials(Path(authorities).read_bytes())
    return grpc.secure_channel(address, credentials)


def _is_serving(channel: Any) -> bool:
    import grpc
    from grpc_health.v1 import health_pb2

    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    try:
        answer = check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
    except grpc.RpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
