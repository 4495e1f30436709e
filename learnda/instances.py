"""The `methods` of a request: which are known, what their parameters may be on this ring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from learnda.declarations import Method, Methods, Parameter, Value
from learnda.experiment import MethodInstance
from learnda.fields import RUN_FIELDS
from learnda.problems import Collector, DuplicateMethodId, RequestError, UnknownMethod
from learnda.values import TEXT_LENGTH, FieldError, accept, json_type, refuse_unknown, text

ID_LENGTH = 64
"""Characters of an instance's id, and of a method's name."""

_RUN_DEFAULTS: dict[str, Value | None] = {field.name: field.default for field in RUN_FIELDS}
_KNOWN = ("id", "name", "label", "params")


def resolve_instances(
    value: object, methods: Methods, run: Mapping[str, Any], found: Collector, *, most: int
) -> tuple[tuple[MethodInstance, ...], RequestError | None]:
    """The instances, and the refusal to raise when nothing else is wrong with the request.

    ``run`` holds the run's fields as far as they are valid, ``most`` is how many instances one
    request may have.
    """
    if value is None or not isinstance(value, list):
        found.add(
            "methods", f"must be an array, not {'absent' if value is None else json_type(value)}"
        )
        return (), None
    if not 1 <= len(value) <= most:
        found.add("methods", f"must hold 1 to {most} methods")
        return (), None
    instances: list[MethodInstance] = []
    ids: set[str] = set()
    refusal: RequestError | None = None
    for i, item in enumerate(value):
        path = f"methods.{i}"
        if not isinstance(item, dict):
            found.add(path, f"must be an object, not {json_type(item)}")
            continue
        refuse_unknown(item, _KNOWN, f"{path}.", "is not a field of a method", found)
        method_id = _text(item, "id", path, found, shortest=1, longest=ID_LENGTH)
        name = _text(item, "name", path, found, shortest=1, longest=ID_LENGTH)
        label = ""
        if "label" in item:
            label = _text(item, "label", path, found, shortest=0, longest=TEXT_LENGTH) or ""
        if method_id is not None:
            if method_id in ids:
                refusal = refusal or DuplicateMethodId(method_id, f"{path}.id")
            ids.add(method_id)
        if name is None:
            continue
        if name not in methods:
            refusal = UnknownMethod(name, f"{path}.name")
            continue
        refuse_fields(methods[name], run, found)
        params = resolve_params(item.get("params", {}), methods[name], run, f"{path}.params", found)
        work = methods[name].work
        instances.append(MethodInstance(method_id or "", name, label or name, params, work))
    return tuple(instances), refusal


def _text(
    item: Mapping[str, object],
    key: str,
    path: str,
    found: Collector,
    *,
    shortest: int,
    longest: int,
) -> str | None:
    if key not in item:
        found.add(f"{path}.{key}", "is required")
        return None
    try:
        return text(item[key], shortest=shortest, longest=longest)
    except FieldError as refusal:
        found.add(f"{path}.{key}", str(refusal))
        return None


def refuse_fields(method: Method, run: Mapping[str, Any], found: Collector) -> None:
    """What the run asks for and the method cannot take into account."""
    for name in method.refuses:
        if name in run and run[name] != _RUN_DEFAULTS.get(name):
            found.add(name, f"is refused: {method.name} cannot take it into account")


def resolve_params(
    sent: object, method: Method, run: Mapping[str, Any], path: str, found: Collector
) -> dict[str, Value]:
    """Every declared parameter: the one sent, or the run's field of that name, or the default."""
    if not isinstance(sent, dict):
        found.add(path, f"must be an object, not {json_type(sent)}")
        return {}
    declared = {parameter.name for parameter in method.parameters}
    refuse_unknown(sent, declared, f"{path}.", f"is not a parameter of {method.name}", found)
    params: dict[str, Value] = {}
    for parameter in method.parameters:
        if not _taken(parameter, method, sent, path, found):
            continue
        inherited = parameter.name not in sent and parameter.default is None
        if inherited and parameter.name not in run:
            continue
        value = run[parameter.name] if inherited else sent.get(parameter.name, parameter.default)
        field = parameter.name if inherited else f"{path}.{parameter.name}"
        try:
            params[parameter.name] = accept(parameter, value)
        except FieldError as refusal:
            found.add(field, f"{refusal} for {method.name}" if inherited else str(refusal))
    radius = method.parameter("r")
    if radius is not None and "r" in params:
        _fit_radius(radius, params, run.get("lorenz96_n"), f"{path}.r", found)
    return params


def _taken(
    parameter: Parameter, method: Method, sent: Mapping[str, object], path: str, found: Collector
) -> bool:
    """False where another parameter's value leaves this one nothing to do: sending it is refused.

    Its default may be sent all the same, as forms do that send all they show: it changes nothing.
    Not so the radius, which the contract refuses with taper none whatever it is.
    """
    condition = parameter.only_with
    if condition is None:
        return True
    governing = method.parameter(condition.name)
    assert governing is not None
    value = sent.get(condition.name, governing.default)
    if value in condition.values or value not in governing.choices:  # refused by itself
        return value in condition.values
    if parameter.name in sent:
        untouched = sent[parameter.name] == parameter.default and parameter.name != "r"
        if not untouched:
            found.add(f"{path}.{parameter.name}", f"is used only with {condition}")
    return False


def _fit_radius(
    declared: Parameter,
    params: dict[str, Value],
    n: int | None,
    field: str,
    found: Collector,
) -> None:
    """What `r` may be with this taper on a ring of n sites.

    The default radius, sent or not, is always accepted: on a ring too small for it, it is the
    largest that fits.
    """
    radius = params["r"]
    if n is None or not isinstance(radius, int | float):
        return
    taper = params.get("taper", "box")  # methods without a taper count sites
    box = taper == "box"
    largest = (n - 1) // 2 if box else n
    if box and radius != int(radius):
        found.add(field, "must be an integer" + " with taper box" * ("taper" in params))
    elif radius > largest:
        if radius == declared.default:
            params["r"] = type(radius)(largest)
        else:
            rule = "2 r + 1 <= lorenz96_n" if box else "r <= lorenz96_n"
            found.add(field, f"must be at most {largest}: {rule} = {n} with taper {taper}")
