"""The page's session: a token is traded, once, for a cookie that no script can read."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway import openapi, session
from gateway.access import SESSION, Asked, Door, unauthorized
from gateway.body import read_json
from gateway.problems import BadParameter
from gateway.routes.answers import Json
from gateway.schemas import Session
from learnda.access import Token

router = APIRouter(prefix=SESSION, tags=["access"])


@router.get("", response_model=Session)
async def read_session(request: Request, door: Asked) -> Response:
    """Whether a token is needed, and whose session this is."""
    return _answer(door, door.of_cookie(request) if door.access.needed else None)


@router.post(
    "",
    response_model=Session,
    openapi_extra=openapi.session_request(),
    responses=openapi.problems(400, 401, 403, 413, 422),
)
async def sign_in(request: Request, door: Asked) -> Response:
    """Trade a token for a session: the cookie of the answer."""
    body = await read_json(request)
    secret = body.get("token") if isinstance(body, dict) else None
    if not isinstance(secret, str) or not secret.strip():
        raise BadParameter("token", "must be a token")
    if not door.access.needed:
        return _answer(door, None)
    token = door.access.find(secret.strip())
    if token is None:
        message = "is not known here"
        return unauthorized(
            "this token is not known here", [{"field": "token", "message": message}]
        )
    answer = _answer(door, token)
    answer.set_cookie(
        session.COOKIE,
        session.issue(token),
        max_age=int(door.session_seconds),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


@router.delete("", status_code=HTTPStatus.NO_CONTENT, responses=openapi.problems(403))
async def sign_out(request: Request) -> Response:
    """End the session of this browser."""
    answer = Response(status_code=HTTPStatus.NO_CONTENT)
    answer.delete_cookie(
        session.COOKIE,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


def _answer(door: Door, token: Token | None) -> Response:
    name = token.name if token else None
    answer = Json({"token_needed": door.access.needed, "session": token is not None, "name": name})
    answer.headers["Cache-Control"] = "no-store"
    return answer
