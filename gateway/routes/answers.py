"""Small things that routes share."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson
from starlette.responses import Response

from gateway.problems import Refusal, RunNotFound


class Json(Response):
    """JSON in which a number that is not finite is null."""

    media_type = "application/json"

    def __init__(self, content: object, status: int = HTTPStatus.OK) -> None:
        super().__init__(orjson.dumps(content), status)


def run_uuid(text: str, not_found: type[Refusal] = RunNotFound) -> UUID:
    """The id of a run, or of something else; what is none names nothing."""
    try:
        run_id = UUID(text)
    except ValueError:
        raise not_found from None
    if str(run_id) != text.lower():
        raise not_found
    return run_id


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the database as JSON has it."""
    return {**row, "run_id": str(row["run_id"])}
