"""Why a call fails, as a gRPC status with google.rpc details. Each reason is documented here:

INVALID_ARGUMENT    INVALID_REQUEST, UNKNOWN_METHOD, DUPLICATE_METHOD_ID: BadRequest names the
                    fields, and the request can never run as it stands
RESOURCE_EXHAUSTED  BUSY: as many runs as this server takes; RetryInfo says when to come again
                    DEVICE_MEMORY: the device has no room for this run
UNAVAILABLE         SHUTTING_DOWN: the run can go on elsewhere, from its last checkpoint
                    TOKENS_UNREADABLE: nobody comes in while the file of tokens cannot be used
DEADLINE_EXCEEDED   IDLE: the client of an analysis neither sent nor read for too long
UNAUTHENTICATED     UNAUTHENTICATED: metadata `authorization: Bearer ...` with a token is missing
INTERNAL            UNEXPECTED: the server's log has the reference that the status names
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import grpc
import jax
import structlog
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]

from compute.checkpoint import UnusableCheckpoint
from learnda.access import InvalidAccess
from learnda.problems import (
    DuplicateMethodId,
    InvalidRequest,
    Problem,
    RequestError,
    UnknownMethod,
)
from learnda.wire import BrokenCheckpoint

DOMAIN = "learn-da"
DETAIL_BYTES = 3000
"""What the violations of one status may take: they travel in a header, and 8 kB is all it has."""
RETRY_SECONDS = 2

log = structlog.get_logger(__name__)


class BusyError(Exception):
    """As many runs as this server takes at a time."""


class ShuttingDownError(Exception):
    """The server ends before the run does."""


class IdleError(Exception):
    """The client has neither sent nor read for too long."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what} for {seconds:g} seconds")


class UnauthenticatedError(Exception):
    """The caller has no token, or a wrong one."""


def status_of(error: Exception) -> status_pb2.Status:
    """The status that tells a caller about ``error``; what is unexpected is logged."""
    match error:
        case RequestError():
            return _refused(error)
        case UnusableCheckpoint() | BrokenCheckpoint():
            return _refused(InvalidRequest([Problem("resume_from", f"is refused: {error}")]))
        case BusyError():
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromSeconds(RETRY_SECONDS)
            return _status(code_pb2.RESOURCE_EXHAUSTED, "BUSY", str(error), retry)
        case ShuttingDownError():
            return _status(code_pb2.UNAVAILABLE, "SHUTTING_DOWN", "the server is shutting down")
        case IdleError():
            return _status(code_pb2.DEADLINE_EXCEEDED, "IDLE", str(error))
        case UnauthenticatedError():
            return _status(
                code_pb2.UNAUTHENTICATED,
                "UNAUTHENTICATED",
                "a token is needed, as metadata `authorization: Bearer ...`",
            )
        case InvalidAccess():
            log.error("the tokens cannot be read: %s", error)
            return _status(code_pb2.UNAVAILABLE, "TOKENS_UNREADABLE", "the tokens cannot be read")
        case _ if out_of_memory(error):
            return _status(
                code_pb2.RESOURCE_EXHAUSTED,
                "DEVICE_MEMORY",
                "the device has not enough memory for this run: fewer members, replicates, sites "
                "or methods, or precision float32, need less",
            )
    reference = uuid.uuid4().hex[:12]
    log.error("unexpected failure", reference=reference, exc_info=error)
    return _status(
        code_pb2.INTERNAL, "UNEXPECTED", f"internal error; the server's log has it as {reference}"
    )


async def abort(context: grpc.aio.ServicerContext, error: Exception) -> None:  # type: ignore[type-arg]
    """End the call with the status of ``error``; does not return."""
    status = status_of(error)
    code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
    details = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(code, status.message, details)


def out_of_memory(error: Exception) -> bool:
    """True for what XLA raises when the device has no memory left, and Python when the host has."""
    exhausted = isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)
    return exhausted or isinstance(error, MemoryError)


def _refused(error: RequestError) -> status_pb2.Status:
    match error:
        case UnknownMethod():
            reason = "UNKNOWN_METHOD"
        case DuplicateMethodId():
            reason = "DUPLICATE_METHOD_ID"
        case _:
            reason = "INVALID_REQUEST"
    return _status(
        code_pb2.INVALID_ARGUMENT, reason, error.sentence[:500], _bad_request(error.problems)
    )


def _bad_request(problems: Sequence[Problem]) -> error_details_pb2.BadRequest:
    """All problems where they fit; else as many as do, the first ones."""
    bad = error_details_pb2.BadRequest()
    for problem in problems:
        bad.field_violations.add(field=problem.field, description=problem.message[:300])
        if bad.ByteSize() > DETAIL_BYTES:
            del bad.field_violations[-1]
            break
    return bad


def _status(code: int, reason: str, message: str, *details: Message) -> status_pb2.Status:
    packed = []
    for detail in (error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN), *details):
        packed.append(AnyMessage())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=code, message=message, details=packed)
