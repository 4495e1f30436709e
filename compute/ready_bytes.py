"""Answers that are bytes already go out as they are: see `learnda.tensors`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc


class ReadyBytes(grpc.aio.ServerInterceptor):
    """A servicer may answer with a message, or with the bytes of one."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The handler, with another way to write answers."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.response_serializer is None:
            return handler
        return handler._replace(response_serializer=_as_it_is(handler.response_serializer))


def _as_it_is(write: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    return lambda answer: answer if isinstance(answer, bytes) else write(answer)
