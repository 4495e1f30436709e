"""Binds the trace of each call, so that every line logged for it carries the trace and the run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from structlog.contextvars import bind_contextvars

from learnda import tracing


class Traced(grpc.aio.ServerInterceptor):
    """Honours ``traceparent``; a call without one begins a trace of its own."""

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Each call has a task of its own, and with it a context of its own."""
        metadata = dict(handler_call_details.invocation_metadata or ())
        sent = metadata.get(tracing.HEADER)
        trace = tracing.read(sent if isinstance(sent, str) else None) or tracing.fresh()
        bind_contextvars(trace_id=trace.trace_id, span_id=trace.span_id)
        if str(handler_call_details.method).endswith("/RunExperiment"):
            bind_contextvars(run_id=trace.run_id)
        return await continuation(handler_call_details)
