"""Reads the body of a request: at most 1 MB of JSON, judged elsewhere."""

from __future__ import annotations

import json
import math
from typing import Final, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from gateway.problems import BodyTooLarge, NotJson
from learnda import strict_json
from learnda.problems import InvalidRequest, Problem
from learnda.strict_json import RepeatedNameError
from learnda.values import json_type

M = TypeVar("M", bound=BaseModel)

MAX_BYTES: Final = 1_000_000
DRAINED: Final = 16_000_000
"""What is read and dropped of a body that is too large, so that its sender gets to read why."""
MAX_DIGITS: Final = 400
"""More than any finite float64 has; Python itself refuses to read far longer integers."""


async def read_json(request: Request) -> object:
    """The body's value. NaN, Infinity and 1e400 become floats, for validation to name the field."""
    raw = await _read(request)
    try:
        return strict_json.loads(raw, parse_int=_integer)
    except RepeatedNameError as error:
        raise InvalidRequest([Problem(error.path, "is there twice")]) from None
    except RecursionError:
        raise NotJson("the body is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except UnicodeDecodeError:
        raise NotJson("the body is not JSON: it is not UTF-8") from None


async def read_model(request: Request, model: type[M]) -> M:
    """The body as ``model``; what it refuses is told as of every other request."""
    body = await read_json(request)
    if not isinstance(body, dict):
        raise InvalidRequest([Problem("body", f"must be an object, not {json_type(body)}")])
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


async def _read(request: Request) -> bytes:
    raw = bytearray()
    length = 0
    promised = request.headers.get("content-length", "0")
    if "expect" in request.headers and promised.isdecimal() and int(promised) > MAX_BYTES:
        raise _too_large()  # its sender waits for our word before it sends anything
    async for part in request.stream():
        length += len(part)
        if length <= MAX_BYTES:
            raw += part
        elif length > DRAINED:
            break
    if length > MAX_BYTES:
        raise _too_large()
    return bytes(raw)


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"the body is larger than {MAX_BYTES} bytes")


def _integer(digits: str) -> int | float:
    if len(digits) > MAX_DIGITS:
        return -math.inf if digits.startswith("-") else math.inf
    return int(digits)
