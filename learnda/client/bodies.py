"""Keyword arguments -> a request of the contract, checked before anything is sent. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from learnda import wire
from learnda.client.fields import Methods
from learnda.cost import Limits
from learnda.declarations import Method
from learnda.declarations import Methods as Declared
from learnda.experiment import Experiment
from learnda.sweeps import Sweep, resolve_sweep
from learnda.v1 import assimilation_pb2 as pb
from learnda.validation import resolve
from learnda.values import TEXT_LENGTH

SEED_BITS = 53


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server offers: with it a request is checked as the server itself would."""

    methods: Declared
    limits: Limits

    @classmethod
    def of(cls, methods: pb.ListMethodsResponse, info: pb.GetServerInfoResponse) -> Offer:
        """From the answers of ListMethods and GetServerInfo."""
        limits = Limits(
            max_bytes=info.limits.max_bytes,
            max_operations=info.limits.max_operations,
            max_rows=info.limits.max_rows,
            max_methods=info.limits.max_methods,
        )
        return cls(wire.methods_from_proto(methods), limits)

    def experiment(self, methods: Methods, fields: Mapping[str, Any]) -> Experiment:
        """The experiment of these arguments, every default filled in; RequestError otherwise."""
        body = run_body(methods, fields)
        return resolve(body, self.methods, limits=self.limits, draw_seed=_draw_seed)

    def nature(self, fields: Mapping[str, Any]) -> Experiment:
        """The experiment of these arguments, for its truth alone: its methods mean nothing."""
        anything = next(name for name, method in self.methods.items() if not method.refuses)
        return self.experiment(anything, fields)

    def sweep(
        self, methods: Methods, axes: Mapping[str, Sequence[Any]], fields: Mapping[str, Any]
    ) -> Sweep:
        """The sweep of these arguments, cut into requests as the gateway cuts it."""
        request = run_body(methods, fields)
        swept = request["methods"][0] if request["methods"] else {}
        declared = self.methods.get(str(swept.get("name"))) if isinstance(swept, dict) else None
        asked = [
            {"field": _axis(name, declared), "values": plain(list(values))}
            for name, values in axes.items()
        ]
        body = {"request": request, "axes": asked}
        return resolve_sweep(body, self.methods, limits=self.limits, draw_seed=_draw_seed)


def _axis(name: str, declared: Method | None) -> str:
    """The contract's path: what the method itself declares goes before a field of the run, for that
    is what the method would take it from, and is computed as one batch.
    """
    own = declared is not None and declared.parameter(name) is not None
    return f"methods.0.params.{name}" if own else name


def run_body(methods: Methods, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The body of ``POST /api/runs``; who has no id gets its name, numbered if need be."""
    return {**{k: plain(v) for k, v in fields.items()}, "methods": _instances(methods)}


def plain(value: Any) -> Any:
    """NumPy's numbers and arrays, tuples and mappings as JSON has them; all else as it is."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(item) for item in value]
    return value


def _instances(methods: Methods) -> list[Any]:
    listed = [methods] if isinstance(methods, str | Mapping) else list(methods)
    instances: list[Any] = [
        {"name": method} if isinstance(method, str) else plain(method) for method in listed
    ]
    taken = {i["id"] for i in instances if isinstance(i, dict) and isinstance(i.get("id"), str)}
    for instance in instances:
        if isinstance(instance, dict):
            if "id" not in instance:
                instance["id"] = _free_id(str(instance.get("name", "method")), taken)
                taken.add(instance["id"])
            if isinstance(instance.get("params"), dict) and instance["params"]:
                instance.setdefault("label", _label(instance)[:TEXT_LENGTH])
    return instances


def _label(instance: Mapping[str, Any]) -> str:
    """``letkf (r=4)``: the name with what it does not share with another of that name."""
    params = ", ".join(f"{name}={value}" for name, value in instance["params"].items())
    return f"{instance.get('name', 'method')} ({params})"


def _free_id(name: str, taken: set[str]) -> str:
    number = 1
    method_id = name
    while method_id in taken:
        number += 1
        method_id = f"{name}-{number}"
    return method_id


def _draw_seed() -> int:
    return secrets.randbits(SEED_BITS)
