"""The one map from what went wrong to an HTTP answer: RFC 9457, with LEARN-DA's ``error``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from gateway import request_id
from gateway.methods import MethodsUnknown
from gateway.store.admission import TooManyRuns
from gateway.store.runs import KeyOfDeletedRun, KeyReused
from learnda.problems import DuplicateMethodId, InvalidRequest, RequestError, UnknownMethod

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


class Refusal(Exception):
    """A request that cannot be answered; the sentence is for its sender."""

    status = HTTPStatus.BAD_REQUEST
    sentence = ""

    def __init__(self, sentence: str | None = None) -> None:
        self.sentence = sentence or self.sentence
        super().__init__(self.sentence)


class RunNotFound(Refusal):
    """No run, or no UUID."""

    status = HTTPStatus.NOT_FOUND
    sentence = "run not found"


class SweepNotFound(Refusal):
    """No sweep, or no cell of it."""

    status = HTTPStatus.NOT_FOUND
    sentence = "sweep not found"


class NoPoints(Refusal):
    """A run that has computed nothing yet."""

    sentence = "no point data yet"


class NoDiagnostics(Refusal):
    """A run of which nothing has been gathered yet."""

    sentence = "no diagnostics or metrics yet"


class TooLargeForFile(Refusal):
    """A run that comes as a stream of CSV, but not as one file."""


class NoStates(Refusal):
    """A run without `record_states`, or none after the step that was asked for."""

    sentence = "no states are kept of these steps"


class NotJson(Refusal):
    """A body that cannot be read."""

    sentence = "the body is not JSON"


class BodyTooLarge(Refusal):
    """More bytes than any request needs."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class BadParameter(Refusal):
    """A parameter of the address."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.errors = [{"field": field, "message": message}]


def problem(
    status: int,
    sentence: str,
    errors: Sequence[Mapping[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    reference: str | None = None,
) -> Response:
    """An answer that says what is wrong."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": sentence,
        "error": sentence,
    }
    if errors:
        body["errors"] = list(errors)
    if reference:
        body["reference"] = reference
    return JSONResponse(body, status, headers=headers and dict(headers), media_type=MEDIA_TYPE)


def answer(failure: Exception) -> Response:
    """The map itself."""
    match failure:
        case UnknownMethod() | DuplicateMethodId():
            return problem(HTTPStatus.BAD_REQUEST, failure.sentence, fields_of(failure))
        case InvalidRequest():
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, failure.sentence, fields_of(failure))
        case Refusal():
            return problem(failure.status, failure.sentence, getattr(failure, "errors", None))
        case RequestValidationError():
            errors = [
                {"field": str((error["loc"] or ("body",))[-1]), "message": _said(error)}
                for error in failure.errors()
            ]
            sentence = "; ".join(f"{e['field']}: {e['message']}" for e in errors)
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentence, errors)
        case HTTPException():
            return problem(failure.status_code, str(failure.detail), headers=failure.headers)
        case TooManyRuns():
            headers = {"Retry-After": str(failure.retry_after)}
            return problem(HTTPStatus.TOO_MANY_REQUESTS, str(failure), headers=headers)
        case KeyReused():
            sentence = "Idempotency-Key: came with another request before"
            errors = [{"field": "Idempotency-Key", "message": "came with another request before"}]
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentence, errors)
        case KeyOfDeletedRun():
            sentence = "the run that was posted with this Idempotency-Key has been deleted"
            return problem(HTTPStatus.CONFLICT, sentence)
        case MethodsUnknown():
            return _later("no compute server has been reached yet", seconds=2)
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return _later("the database cannot be reached", seconds=2)
        case _:
            return _unexpected(request_id.current())


def install(app: FastAPI) -> None:
    """Let every route answer through the map."""

    async def handle(request: Request, failure: Exception) -> Response:
        response = answer(failure)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (methods := _allowed(request)):
            response.headers["Allow"] = ", ".join(methods)
        return response

    for kind in (
        RequestError,
        Refusal,
        RequestValidationError,
        HTTPException,
        MethodsUnknown,
        TooManyRuns,
        KeyReused,
        KeyOfDeletedRun,
        psycopg.OperationalError,
        psycopg.InterfaceError,
        Exception,
    ):
        app.add_exception_handler(kind, handle)


def _allowed(request: Request) -> list[str]:
    """The methods of all routes with this address; a route by itself knows its own only."""
    return [
        method
        for method in METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] == Match.FULL
            for route in request.app.routes
        )
    ]


def _said(error: Mapping[str, Any]) -> str:
    """What a model says against a value, in the words of our own validation where it has some."""
    if error["type"] == "extra_forbidden":
        return "is not a field here"
    return str(error["msg"]).removeprefix("Value error, ")


def fields_of(refusal: RequestError) -> list[dict[str, str]]:
    """The ``errors`` of a problem."""
    return [{"field": p.field, "message": p.message} for p in refusal.problems]


def _unexpected(reference: str) -> Response:
    """The server that runs the application logs the failure itself, under the same reference."""
    sentence = f"an error of the server; its log has it as {reference}"
    status, headers = HTTPStatus.INTERNAL_SERVER_ERROR, {request_id.HEADER: reference}
    return problem(status, sentence, headers=headers, reference=reference)


def _later(sentence: str, *, seconds: int) -> Response:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, sentence, headers={"Retry-After": str(seconds)})
