"""States to look at: truth and observations, and each method's analysis."""

from __future__ import annotations

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway import openapi
from gateway.problems import BadParameter, NoStates, RunNotFound
from gateway.records import TRUTH
from gateway.routes.answers import run_uuid
from gateway.services import Use
from gateway.store import runs, states

router = APIRouter(prefix="/api/runs", tags=["runs"])

MEDIA_TYPE: Final = "application/octet-stream"
ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {MEDIA_TYPE: {}},
        "description": "A line of JSON `{steps, state_count, site_count}`, then half-precision "
        "numbers [step, state, site], little-endian.",
    }
}


@router.get(
    "/{run_id}/states",
    response_class=Response,
    responses={**ANSWER, **openapi.problems(400, 404, 422, 503)},
)
async def read_states(
    run_id: str,
    use: Use,
    method: Annotated[
        str | None, Query(description="The instance's id; not sent: truth and observations.")
    ] = None,
    since: Annotated[int, Query(ge=-1, le=2**31, description="The last step you have.")] = -1,
) -> Response:
    """States of the first replicate of a run with `record_states`, thinned for the eye.

    Of the truth: the truth, then what was observed (in the units of the operator), NaN where
    nothing was. Of a method: the analysis mean, its standard deviation, then up to 12 members.
    """
    run = run_uuid(run_id)
    found = await runs.get(use.pool, run)
    if found is None:
        raise RunNotFound
    ids = list(found["methods"])
    if method is not None and method not in ids:
        raise BadParameter("method", "is no instance of this run")
    position = TRUTH if method is None else ids.index(method)
    kept = await states.after(use.pool, run, position, since)
    if kept is None:
        raise NoStates
    head = {
        "steps": kept.steps,
        "state_count": kept.state_count,
        "site_count": kept.site_count,
    }
    return Response(orjson.dumps(head) + b"\n" + kept.data, media_type=MEDIA_TYPE)
