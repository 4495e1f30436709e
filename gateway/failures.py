"""Why an attempt at a run ended, and whether another one makes sense."""

from __future__ import annotations

from typing import Final

import grpc
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status


class RunFailed(Exception):
    """It will not succeed at another time either; the sentence is for the user."""


class TryAgain(Exception):
    """Something else than the run may be at fault."""


class Busy(TryAgain):
    """Compute has no room at this moment: no fault of the run."""


class CheckpointRefused(TryAgain):
    """Compute cannot go on from there: the next attempt begins at step 0."""


WORTH_RETRYING: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.CANCELLED,  # by a compute server that stops
    grpc.StatusCode.UNKNOWN,  # a connection that broke within a message
}
REFUSALS: Final = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION}


def explain(failure: Exception | None, *, resumed: bool) -> Exception:
    """What the end of a stream without ``completed`` means; ``failure``: what ended it, if known.

    ``resumed``: the stream went on from a checkpoint.
    """
    if failure is None:
        return TryAgain("compute's stream ended early")
    if not isinstance(failure, grpc.aio.AioRpcError):
        return failure
    code = failure.code()
    sentence = f"{code.name}: {failure.details() or 'no details'}"
    if resumed and code in REFUSALS:
        return CheckpointRefused(sentence)
    if code in WORTH_RETRYING:
        return TryAgain(sentence)
    if code is grpc.StatusCode.UNAUTHENTICATED:
        return Busy(
            f"{sentence} (see LEARNDA_COMPUTE_TOKEN)"
        )  # the run waits until it is put right
    if _says_when_to_retry(failure):
        return Busy(sentence)
    return RunFailed(sentence)


def _says_when_to_retry(failure: grpc.aio.AioRpcError) -> bool:
    status = rpc_status.from_call(failure)  # type: ignore[arg-type]
    return status is not None and any(
        detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in status.details
    )
