"""Requests and declarations as protobuf and back, driven by the descriptors.

A field that is added to the proto under the contract's name is carried without a change here. Enum
values carry the contract's words: "perturbed-truth" is INITIAL_PERTURBED_TRUTH. What cannot be
expressed in protobuf is refused by `learnda.validation` on the other side, not here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, cast

from google.protobuf import struct_pb2
from google.protobuf.message import Message

from learnda.declarations import (
    Method,
    Methods,
    OnlyWith,
    Parameter,
    ParameterType,
    Value,
    Work,
)
from learnda.experiment import Experiment
from learnda.v1 import assimilation_pb2 as pb

Descriptor = Any
"""Of a field or an enum: the type stubs have two unrelated classes for each."""

CHECKPOINT_PART = 999_000
"""Bytes of one part of a checkpoint, at most: its message is to be under 1 MB."""


# ---------------------------------------------------------------- requests


def request_to_proto(body: Mapping[str, Any]) -> pb.RunExperimentRequest:
    """The body of ``POST /api/runs``, resolved or valid, as a message."""
    request = pb.RunExperimentRequest()
    request.experiment.SetInParent()
    fill(request.experiment, {name: v for name, v in body.items() if name != "methods"})
    for instance in body.get("methods", ()):
        message = request.methods.add()
        for name in ("id", "name", "label"):
            if name in instance:
                setattr(message, name, instance[name])
        message.params.update(dict(instance.get("params", {})))
    return request


def request_from_proto(request: pb.RunExperimentRequest) -> dict[str, Any]:
    """What was sent, in the names of the contract: what `learnda.validation.resolve` takes."""
    body = experiment_from_proto(request.experiment)
    body["methods"] = [_instance(message) for message in request.methods]
    return body


def experiment_from_proto(message: pb.Experiment) -> dict[str, Any]:
    """The same of an experiment, without methods."""
    return read_fields(message)


def experiment_to_proto(experiment: Experiment) -> pb.Experiment:
    """A resolved experiment, without its methods."""
    return request_to_proto(experiment.request()).experiment


def _instance(message: pb.MethodInstance) -> dict[str, Any]:
    instance: dict[str, Any] = {"id": message.id, "name": message.name}
    if message.label:
        instance["label"] = message.label
    if message.HasField("params"):
        instance["params"] = params_of(message.params)
    return instance


def params_of(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Parameters as JSON."""
    return {name: _json(value) for name, value in struct.fields.items()}


def contract_name(field: Descriptor) -> str:
    """A field's name in JSON: that of the proto, but for capitals (lorenz96_F)."""
    name: str = field.json_name if field.json_name.lower() == field.name else field.name
    return name


def fill(message: Message, values: Mapping[str, Any]) -> None:
    """Set fields from a mapping in the contract's names; KeyError for a name that is not one."""
    fields = {contract_name(field): field for field in message.DESCRIPTOR.fields}
    for name, value in values.items():
        field = fields[name]
        if field.is_repeated:
            getattr(message, field.name).extend(value)
        elif field.enum_type is not None:
            setattr(message, field.name, field.enum_type.values_by_name[_word(field, value)].number)
        else:
            setattr(message, field.name, value)


def read_fields(message: Message) -> dict[str, Any]:
    """The fields that were sent, in the contract's names."""
    body: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.is_repeated:
            body[contract_name(field)] = list(value)
        elif field.enum_type is not None:
            known = field.enum_type.values_by_number.get(value)
            # a number that this version does not know goes on as such, and is refused by name
            body[contract_name(field)] = _enum_text(known.name, field.enum_type) if known else value
        else:
            body[contract_name(field)] = value
    return body


def _word(field: Descriptor, text: str) -> str:
    return f"{_prefix(field.enum_type)}{text.replace('-', '_').upper()}"


def _enum_text(name: str, enum: Descriptor) -> str:
    return name.removeprefix(_prefix(enum)).replace("_", "-").lower()


def _prefix(enum: Descriptor) -> str:
    """What every value of an enum begins with: that of its zero, without UNSPECIFIED."""
    return str(enum.values_by_number[0].name.removesuffix("UNSPECIFIED"))


def _json(value: struct_pb2.Value) -> Any:
    """Plain JSON; numbers that are not finite stay, to be refused by name.

    No parameter is an array or an object: what is inside them is not read, however much it is.
    """
    kind = value.WhichOneof("kind")
    match kind:
        case None | "null_value":
            return None
        case "struct_value":
            return {}
        case "list_value":
            return []
        case _:
            return getattr(value, kind)


# ---------------------------------------------------------------- declarations

_TYPES: dict[ParameterType, pb.ParameterType] = {
    "int": pb.PARAMETER_TYPE_INT,
    "float": pb.PARAMETER_TYPE_FLOAT,
    "bool": pb.PARAMETER_TYPE_BOOL,
    "str": pb.PARAMETER_TYPE_STR,
}
_TYPE_NAMES = {number: name for name, number in _TYPES.items()}


def methods_to_proto(methods: Iterable[Method]) -> pb.ListMethodsResponse:
    """Declarations, sorted by name."""
    response = pb.ListMethodsResponse()
    for method in sorted(methods, key=lambda method: method.name):
        response.methods.add(
            name=method.name,
            help=method.help,
            reference=method.reference,
            requires_model=method.requires_model,
            baseline=method.baseline,
            inherits_inflation=method.inherits_inflation,
            refuses=method.refuses,
            work=method.work,
            without_members=not method.has_members,
            parameters=[_parameter_to_proto(parameter) for parameter in method.parameters],
        )
    return response


def methods_from_proto(response: pb.ListMethodsResponse) -> Methods:
    """Declarations by name."""
    return {
        message.name: Method(
            name=message.name,
            help=message.help,
            reference=message.reference,
            parameters=tuple(_parameter_from_proto(p) for p in message.parameters),
            requires_model=message.requires_model,
            baseline=message.baseline,
            refuses=tuple(message.refuses),
            work=cast(Work, message.work or "transform"),
            has_members=not message.without_members,
        )
        for message in response.methods
    }


def _parameter_to_proto(parameter: Parameter) -> pb.Parameter:
    message = pb.Parameter(
        name=parameter.name,
        type=_TYPES[parameter.type],
        exclusive_min=parameter.exclusive_min,
        choices=parameter.choices,
        unit=parameter.unit,
        label=parameter.label,
        help=parameter.help,
    )
    for name in ("min", "max", "step"):
        bound = getattr(parameter, name)
        if bound is not None:
            setattr(message, name, bound)
    if parameter.only_with is not None:
        message.only_with.name = parameter.only_with.name
        message.only_with.values.extend(parameter.only_with.values)
    match parameter.default:
        case None:
            pass
        case bool(flag):
            message.default_value.bool_value = flag
        case str(text):
            message.default_value.string_value = text
        case number:
            message.default_value.number_value = number
    return message


def _parameter_from_proto(message: pb.Parameter) -> Parameter:
    kind = _TYPE_NAMES[message.type]
    default: Value | None = None
    if message.HasField("default_value"):
        default = _json(message.default_value)
        if kind == "int":
            default = int(default or 0)
    return Parameter(
        name=message.name,
        type=kind,
        default=default,
        label=message.label,
        help=message.help,
        unit=message.unit,
        min=message.min if message.HasField("min") else None,
        max=message.max if message.HasField("max") else None,
        exclusive_min=message.exclusive_min,
        step=message.step if message.HasField("step") else None,
        choices=tuple(message.choices),
        only_with=OnlyWith(message.only_with.name, tuple(message.only_with.values))
        if message.HasField("only_with")
        else None,
    )


# ---------------------------------------------------------------- checkpoints


def checkpoint_parts(step: int, data: bytes) -> Iterable[pb.Checkpoint]:
    """A checkpoint as parts that each fit a message."""
    count = max(1, math.ceil(len(data) / CHECKPOINT_PART))
    for i in range(count):
        part = data[i * CHECKPOINT_PART : (i + 1) * CHECKPOINT_PART]
        yield pb.Checkpoint(step=step, part_index=i, part_count=count, data=part)


class BrokenCheckpoint(ValueError):
    """Parts that are not one checkpoint, complete and in order."""


def join_checkpoint(parts: Iterable[pb.Checkpoint]) -> bytes:
    """The bytes of a checkpoint from its parts, which must be all there and in order."""
    parts = list(parts)
    for i, part in enumerate(parts):
        if (part.part_index, part.part_count, part.step) != (i, len(parts), parts[0].step):
            raise BrokenCheckpoint("must be the parts of one checkpoint, all of them, in order")
    return b"".join(part.data for part in parts)
