"""Small things that routes share."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson
from starlette.responses import Response

from gateway.problems import RunNotFound


class Json(Response):
    """JSON in which a number that is not finite is null."""

    media_type = "application/json"

    def __init__(self, content: object, status: int = HTTPStatus.OK) -> None:
        super().__init__(orjson.dumps(content), status)


def run_uuid(text: str) -> UUID:
    """The id of a run; what is none names no run."""
    try:
        run_id = UUID(text)
    except ValueError:
        raise RunNotFound from None
    if str(run_id) != text.lower():
        raise RunNotFound
    return run_id


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the database as JSON has it."""
    return {**row, "run_id": str(row["run_id"])}
