"""The guard of the compute server, and settings of access that it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from calls import details_of

from compute.access import Guard
from compute.server import settings_from_environment
from learnda import access

HOST = "127.0.0.1"


async def test_a_new_service_is_guarded_too() -> None:
    """Of whatever kind its methods are, and before they have read anything."""
    secret = access.new_secret()
    known = access.Access(None, access.Token("ada", access.sha256_of(secret)))

    async def one(request: Any, context: Any) -> bytes:
        return b"told"

    async def many(request: Any, context: Any) -> AsyncIterator[bytes]:
        yield b"told"

    handlers = {
        "OneToOne": grpc.unary_unary_rpc_method_handler(one),
        "OneToMany": grpc.unary_stream_rpc_method_handler(many),
        "ManyToOne": grpc.stream_unary_rpc_method_handler(one),
        "ManyToMany": grpc.stream_stream_rpc_method_handler(many),
    }
    server = grpc.aio.server(interceptors=[Guard(known)])
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("new.New", handlers)])
    port = server.add_insecure_port(f"{HOST}:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"{HOST}:{port}") as channel:
        for name in handlers:
            method = channel.stream_stream(f"/new.New/{name}")
            for sent in ([], [("authorization", "Bearer x")], [("authorization", secret)]):
                call = method(timeout=10, metadata=sent)
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await call.read()
                assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
                assert details_of(caught.value)["ErrorInfo"].reason == "UNAUTHENTICATED"
            call = method(iter([b""]), timeout=10, metadata=[("authorization", f"Bearer {secret}")])
            assert await call.read() == b"told"
            call.cancel()
    await server.stop(0)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"LEARNDA_COMPUTE_TLS_CERT": "cert.pem"}, "set both, or neither"),
        ({"LEARNDA_COMPUTE_TLS_KEY": "key.pem"}, "set both, or neither"),
        (
            {"LEARNDA_COMPUTE_TLS_KEY": "/none", "LEARNDA_COMPUTE_TLS_CERT": "/none"},
            "LEARNDA_COMPUTE_TLS_KEY=/none: cannot be read",
        ),
        ({"LEARNDA_ACCESS_FILE": "/none"}, "/none: no such file"),
    ],
)
def test_settings_that_cannot_be_used_are_named(settings: dict[str, str], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        settings_from_environment(host=HOST, port=0, environment=settings)
