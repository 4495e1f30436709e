"""Who asks: what the queue shares its turns among, and whose quota counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from learnda.quotas import Quota


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request."""

    name: str
    """A token's name; where nobody needs one, the address it came from."""
    quota: Quota


def of_request(request: Request) -> Caller:
    """Who sent ``request``: whom the guard of the door let in, or else an address."""
    caller = request.scope.get("learnda.caller")
    if isinstance(caller, Caller):
        return caller
    host = request.client.host if request.client else "unknown"
    return Caller(f"address {host}", Quota())


Asking = Annotated[Caller, Depends(of_request)]
