"""What stands behind the ? of an address, and is known to nobody there, is refused."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from fastapi.dependencies.models import Dependant

from gateway.problems import BadParameter

OF_POLYFILLS: Final = "lastEventId"
"""Sent by replacements of the browser's EventSource, where they cannot set the header."""


def only_known(request: Request) -> None:
    """A misspelt filter would silently filter nothing. BadParameter names the first such."""
    known = {OF_POLYFILLS, *_parameters(request.scope["route"].dependant)}
    for name in request.query_params:
        if name not in known:
            raise BadParameter(name, "is not a parameter of this address")


def _parameters(dependant: Dependant) -> set[str]:
    inner = (_parameters(dependency) for dependency in dependant.dependencies)
    return {parameter.alias for parameter in dependant.query_params}.union(*inner)
