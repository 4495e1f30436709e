"""Lets in who has a token: before any call, of whatever service, health excepted; and a call that
goes on ends when its token is revoked.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

import grpc

from compute.failures import UnauthenticatedError, abort
from learnda.access import Access, InvalidAccess, bearer

HEALTH: Final = "/grpc.health.v1.Health/"
LOOK_SECONDS: Final = 1.0
"""Between two looks at whether the token of a call is still known."""


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
            handler = await continuation(handler_call_details)
            if handler is None or not self._asks(handler_call_details):
                return handler
            return _wrapped(handler, lambda: self._is_revoked(handler_call_details))

        async def refuse(_: AsyncIterator[bytes], context: Any) -> None:
            await abort(context, refusal)

        return grpc.stream_stream_rpc_method_handler(refuse)  # it waits for no message

    def _asks(self, call: grpc.HandlerCallDetails) -> bool:
        return self._access.needed and not call.method.startswith(HEALTH)

    def _is_revoked(self, call: grpc.HandlerCallDetails) -> bool:
        """Known for sure: while the file cannot be read, who is in stays in."""
        return isinstance(self._refusal(call), UnauthenticatedError)

    def _refusal(self, call: grpc.HandlerCallDetails) -> Exception | None:
        if not self._asks(call):
            return None
        sent = dict(call.invocation_metadata or ()).get("authorization")
        secret = bearer(sent) if isinstance(sent, str) else None
        try:
            known = secret is not None and self._access.find(secret) is not None
        except InvalidAccess as error:
            return error
        return None if known else UnauthenticatedError()


def _wrapped(handler: Any, is_revoked: Callable[[], bool]) -> Any:
    """The handler, whose calls end as UNAUTHENTICATED soon after ``is_revoked``."""
    kind = "_".join(
        "stream" if streams else "unary"
        for streams in (handler.request_streaming, handler.response_streaming)
    )
    method = getattr(handler, kind)

    async def call(request: Any, context: Any) -> Any:
        async with _until(is_revoked, context):
            return await method(request, context)

    async def stream(request: Any, context: Any) -> AsyncGenerator[Any]:
        async with _until(is_revoked, context), aclosing(method(request, context)) as answers:
            async for answer in answers:
                yield answer

    yields = inspect.isasyncgenfunction(method)
    return handler._replace(**{kind: stream if yields else call})


@asynccontextmanager
async def _until(is_revoked: Callable[[], bool], context: Any) -> AsyncIterator[None]:
    """Cut off what the call does, wherever it waits, once ``is_revoked``."""
    task = asyncio.current_task()
    assert task is not None

    async def watch() -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if is_revoked():
                task.cancel()
                return

    watching = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if not watching.done():
            raise
        task.uncancel()
        await abort(context, UnauthenticatedError())
    finally:
        watching.cancel()
