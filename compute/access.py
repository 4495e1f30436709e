"""Lets in who has a token: before any call, of whatever service, health excepted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import grpc

from compute.failures import UnauthenticatedError, abort
from learnda.access import Access, InvalidAccess, bearer

HEALTH: Final = "/grpc.health.v1.Health/"


class Guard(grpc.aio.ServerInterceptor):
    """Refuses calls without a token, those of methods that do not exist included."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Go on to the method, or to a refusal in its place."""
        refusal = self._refusal(handler_call_details)
        if refusal is None:
            return await continuation(handler_call_details)

        async def refuse(_: AsyncIterator[bytes], context: Any) -> None:
            await abort(context, refusal)

        return grpc.stream_stream_rpc_method_handler(refuse)  # it waits for no message

    def _refusal(self, call: grpc.HandlerCallDetails) -> Exception | None:
        if not self._access.needed or call.method.startswith(HEALTH):
            return None
        sent = dict(call.invocation_metadata or ()).get("authorization")
        secret = bearer(sent) if isinstance(sent, str) else None
        try:
            known = secret is not None and self._access.find(secret) is not None
        except InvalidAccess as error:
            return error
        return None if known else UnauthenticatedError()
