"""The Python client: `Client` and, for asyncio, `AsyncClient`. Needs the extra ``client``."""

from __future__ import annotations

from importlib.util import find_spec

for _needed in ("xarray", "tqdm", "matplotlib"):
    if find_spec(_needed) is None:
        raise ModuleNotFoundError(
            f"The client needs {_needed}: pip install 'learn-da[client]'", name=_needed
        )

from learnda.client.accessor import LearnDA  # noqa: E402
from learnda.client.analysis import Analysis, Cycle, series  # noqa: E402
from learnda.client.asynchronous import AsyncClient  # noqa: E402
from learnda.client.blocking import Client  # noqa: E402
from learnda.client.failures import ServerError  # noqa: E402
from learnda.client.geometry import Interval, Plane, Ring, Sphere  # noqa: E402
from learnda.client.session import AsyncSession, Session  # noqa: E402
from learnda.problems import InvalidRequest, RequestError  # noqa: E402

__all__ = [
    "Analysis",
    "AsyncClient",
    "AsyncSession",
    "Client",
    "Cycle",
    "Interval",
    "InvalidRequest",
    "LearnDA",
    "Plane",
    "RequestError",
    "Ring",
    "ServerError",
    "Session",
    "Sphere",
    "series",
]
