"""What a run would cost, without running it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from gateway import openapi, throughput
from gateway.body import read_json
from gateway.problems import fields_of
from gateway.routes.answers import Json
from gateway.schemas import Estimate
from gateway.services import Use
from gateway.store import history
from learnda.cost import Limits, admit, estimate
from learnda.experiment import Experiment
from learnda.problems import InvalidRequest, RequestError
from learnda.validation import resolve

router = APIRouter(prefix="/api/estimate", tags=["runs"])

ENDLESS: Final = 10**60
"""More than the product of all that a request can ask for."""
EXACT: Final = 2**53
"""Beyond it a number of JSON is not read as an exact integer."""
LENIENT: Final = "handling=lenient"


@router.post(
    "",
    response_model=Estimate,
    openapi_extra=openapi.run_request(),
    responses={
        204: {"description": "With `Prefer: handling=lenient`: there is nothing to estimate yet."},
        **openapi.problems(400, 413, 422, 503),
    },
)
async def estimate_run(
    request: Request,
    use: Use,
    prefer: Annotated[
        str | None,
        Header(
            description="`handling=lenient`, as RFC 7240 has it, for a request that is still being "
            "written: what is wrong with it is no error, and is answered with 204."
        ),
    ] = None,
) -> Response:
    """What a run would take here: send what you would send to `POST /api/runs`.

    A run that may not cost so much is answered too, with `fits` false and the `errors` with which
    it would be refused; what else is wrong with it is refused as it would be there.
    """
    body = await read_json(request)
    limits = use.settings.limits
    any_cost = Limits(ENDLESS, ENDLESS, ENDLESS, limits.max_methods)
    try:
        experiment = resolve(body, use.methods.methods, limits=any_cost, draw_seed=lambda: 0)
    except RequestError:
        if prefer != LENIENT:
            raise
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"preference-applied": LENIENT})
    expected = throughput.forecast(throughput.work_of(experiment), await history.recent(use.pool))
    cost = estimate(experiment)
    errors = _errors(experiment, limits)
    return Json(
        {
            "bytes": _number(cost.bytes),
            "operations": cost.operations,
            "rows": _number(cost.rows),
            "seconds": expected.seconds,
            "basis": expected.basis,
            "fits": not errors,
            "limits": {
                "bytes": limits.max_bytes,
                "operations": limits.max_operations,
                "rows": limits.max_rows,
                "methods": limits.max_methods,
            },
            "errors": errors,
        }
    )


def _errors(experiment: Experiment, limits: Limits) -> list[dict[str, str]]:
    try:
        admit(experiment, limits)
    except InvalidRequest as refusal:
        return fields_of(refusal)
    return []


def _number(count: int) -> int | float:
    return count if count <= EXACT else float(count)
