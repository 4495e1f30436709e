"""A failed call -> an exception: the refusals that the server's checks raise, or ServerError."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn, cast

import grpc
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from learnda.problems import InvalidRequest, Problem, RequestError


class ServerError(Exception):
    """The server cannot be reached, has no room, or could not carry the request out."""

    def __init__(self, message: str, reason: str, retry_seconds: float | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        """A documented word: BUSY, DEVICE_MEMORY, SHUTTING_DOWN, UNAUTHENTICATED, UNEXPECTED; or
        gRPC's own, UNAVAILABLE say, where no LEARN-DA answered."""
        self.retry_seconds = retry_seconds
        """After how long it may be tried again; None: the server did not say."""


def failure_of(error: grpc.RpcError, address: str) -> Exception:
    """What to raise for a call that gRPC failed."""
    trailers = dict(cast(Iterable[tuple[str, Any]], error.trailing_metadata() or ()))
    packed = trailers.get("grpc-status-details-bin")
    if isinstance(packed, bytes):
        return failure_from_status(status_pb2.Status.FromString(packed))
    code = error.code()
    if code is grpc.StatusCode.UNAVAILABLE:
        return ServerError(f"{address} cannot be reached: {error.details()}", code.name)
    return ServerError(str(error.details()), code.name)


def failure_from_status(status: status_pb2.Status) -> Exception:
    """A refusal of fields as RequestError, with its fields; anything else as ServerError."""
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry, delay = error_details_pb2.RetryInfo(), None
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
        if detail.Unpack(retry):
            delay = retry.retry_delay.ToTimedelta().total_seconds()
    problems = [Problem(v.field, v.description) for v in bad.field_violations]
    if not problems:
        return ServerError(status.message, info.reason or "UNEXPECTED", delay)
    if info.reason in ("UNKNOWN_METHOD", "DUPLICATE_METHOD_ID"):
        return RequestError(status.message, problems)
    return InvalidRequest(problems)


def refuse(field: str, message: str) -> NoReturn:
    """InvalidRequest of one field that cannot even be sent."""
    raise InvalidRequest([Problem(field, message)])
