"""What compute offers, remembered: the gateway lists and validates while compute is away."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import orjson
import structlog

from gateway.background import woken
from gateway.compute_client import ComputeClient
from gateway.database import Pool
from gateway.store import declarations
from learnda.declarations import Method, Methods, Parameter
from learnda.v1 import assimilation_pb2 as pb
from learnda.wire import methods_from_proto

log = structlog.get_logger(__name__)

REFRESH_SECONDS: Final = 300.0


class MethodsUnknown(Exception):
    """Compute has never been reached: there is nothing to validate against yet."""


class MethodBook:
    """The declarations as compute last published them."""

    def __init__(self, pool: Pool, compute: ComputeClient) -> None:
        self._pool = pool
        self._compute = compute
        self._wake = asyncio.Event()
        self._published: bytes | None = None
        self._methods: Methods = {}
        self._listing = b""

    def wake(self) -> None:
        """Compute may have changed."""
        self._wake.set()

    @property
    def known(self) -> bool:
        """There are declarations to validate against."""
        return self._published is not None

    @property
    def methods(self) -> Methods:
        """Declarations by name."""
        if self._published is None:
            raise MethodsUnknown
        return self._methods

    @property
    def listing(self) -> bytes:
        """The answer of ``GET /api/methods``, encoded once."""
        if self._published is None:
            raise MethodsUnknown
        return self._listing

    async def load(self) -> None:
        """Take what was kept, by whichever gateway."""
        kept = await declarations.load(self._pool)
        if kept is not None:
            self._take(kept)

    async def refresh(self) -> None:
        """Ask compute, keep the answer, then wait until it is worth asking again."""
        if self._compute.connected:
            response = await self._compute.list_methods()
            published = response.SerializeToString(deterministic=True)
            if published != self._published:
                self._take(published)
                await declarations.keep(self._pool, published)
                log.info("methods are known", count=len(self._methods))
        elif self._published is None:
            await self.load()  # another gateway may have reached compute
        await woken(self._wake, REFRESH_SECONDS if self._published else 1.0)

    def _take(self, published: bytes) -> None:
        self._methods = methods_from_proto(pb.ListMethodsResponse.FromString(published))
        self._listing = orjson.dumps(listing(self._methods))
        self._published = published


def listing(methods: Methods) -> dict[str, Any]:
    """The contract's view of the declarations."""
    ordered = [methods[name] for name in sorted(methods)]
    return {
        "methods": [method.name for method in ordered],
        "requires_model": [method.name for method in ordered if method.requires_model],
        "defaults": {method.name: _defaults(method) for method in ordered},
        "schema": {method.name: _schema(method) for method in ordered},
        "help": {method.name: _help(method) for method in ordered},
        "baselines": [method.name for method in ordered if method.baseline],
        "references": {method.name: method.reference for method in ordered if method.reference},
        "refuses": {method.name: list(method.refuses) for method in ordered if method.refuses},
    }


def _defaults(method: Method) -> dict[str, Any]:
    """Without inf_fact: what is not sent may come from the run."""
    return {
        p.name: p.default
        for p in method.parameters
        if p.default is not None and p.name != "inf_fact"
    }


def _schema(method: Method) -> dict[str, Any]:
    return {p.name: _parameter(p) for p in method.parameters}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.type, "label": parameter.label}
    for name in ("min", "max", "step"):
        if (bound := getattr(parameter, name)) is not None:
            schema[name] = bound
    if parameter.exclusive_min:
        schema["exclusive_min"] = True
    if parameter.choices:
        schema["choices"] = list(parameter.choices)
    if parameter.unit:
        schema["unit"] = parameter.unit
    if (condition := parameter.only_with) is not None:
        schema["only_with"] = {"name": condition.name, "values": list(condition.values)}
    schema["help"] = parameter.help
    return schema


def _help(method: Method) -> str:
    return f"{method.help} Reference: {method.reference}" if method.reference else method.help
