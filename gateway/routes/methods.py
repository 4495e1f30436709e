"""The methods on offer."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from gateway import openapi
from gateway.schemas import MethodListing
from gateway.services import Use

router = APIRouter(prefix="/api/methods", tags=["methods"])


@router.get("", response_model=MethodListing, responses=openapi.problems(503))
async def list_methods(use: Use) -> Response:
    """Names, parameters with their ranges and units, help with references."""
    return Response(use.methods.listing, media_type="application/json")
