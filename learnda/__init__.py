"""What the gateway, the compute server and a user's program share: contract, validation, client.

``from learnda import Client, AsyncClient``: the Python client, see `learnda.client`. It is imported
when it is asked for, because the services import what is beside it and must stay light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from learnda.client import AsyncClient as AsyncClient
    from learnda.client import Client as Client

_OF_THE_CLIENT = ("Client", "AsyncClient")


def __getattr__(name: str) -> object:
    if name in _OF_THE_CLIENT:
        return getattr(importlib.import_module("learnda.client"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_OF_THE_CLIENT])
