"""What a request that is no message becomes.

grpc.aio ends such a call as UNKNOWN, with a traceback in the log: callers would take it for a fault
of the server, and try again. Here the servicer gets None instead of a request, and refuses it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError


class LenientReading(grpc.aio.ServerInterceptor):
    """For the methods of ``service``, whose requests are one message each."""

    def __init__(self, service: str) -> None:
        self._prefix = f"/{service}/"

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The handler, with another way to read requests."""
        handler = await continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(self._prefix):
            return handler
        return handler._replace(request_deserializer=_lenient(handler.request_deserializer))


def _lenient(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def or_none(data: bytes) -> Any:
        try:
            return read(data)
        except DecodeError:
            return None

    return or_none
