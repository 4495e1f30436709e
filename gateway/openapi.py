"""The document of ``POST /api/runs``, made from the same declarations that validate it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from pydantic import BaseModel

from gateway.problems import MEDIA_TYPE
from gateway.schemas import Problem
from learnda.declarations import Parameter
from learnda.fields import LIST_FIELDS, RUN_FIELDS

DESCRIPTION: Final = """
Ensemble data assimilation twin experiments on the Lorenz-96 model. Post a run, follow its events,
read its metrics, download its points. Errors are `application/problem+json`.
"""

EXAMPLE: Final[dict[str, Any]] = {
    "model": "lorenz96",
    "ensemble_size": 20,
    "m": 32,
    "std_obs": 0.01,
    "obs_freq": 0.1,
    "end_time": 10.0,
    "inf_fact": 1.04,
    "lorenz96_n": 40,
    "lorenz96_F": 8.0,
    "methods": [
        {"id": "m1", "name": "enkf", "label": "EnKF", "params": {}},
        {"id": "m2", "name": "letkf", "label": "LETKF (r=2)", "params": {"r": 2}},
    ],
}

REFERENCE: Final = "#/components/schemas/{model}"

_TYPES: Final = {"int": "integer", "float": "number", "bool": "boolean", "str": "string"}

_INSTANCE: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "name"],
    "properties": {
        "id": {
            "type": "string",
            "minLength": 1,
            "maxLength": 64,
            "description": "Unique within the run, without control characters.",
        },
        "name": {"type": "string", "description": "A name from GET /api/methods."},
        "label": {"type": "string", "maxLength": 200, "description": "Not sent: the name."},
        "params": {
            "type": "object",
            "description": "What GET /api/methods declares for the method, and nothing else.",
        },
    },
}


def run_request() -> dict[str, Any]:
    """``openapi_extra`` of the route."""
    properties = {field.name: json_schema(field) for field in RUN_FIELDS}
    for listed in LIST_FIELDS:
        properties[listed.name] = {
            "type": "array",
            "items": json_schema(listed.item),
            "minItems": 1,
            "uniqueItems": listed.distinct,
        }
    properties["methods"] = {"type": "array", "minItems": 1, "items": _INSTANCE}
    schema = {
        "title": "RunRequest",
        "type": "object",
        "additionalProperties": False,
        "required": ["methods"],
        "properties": properties,
        "example": EXAMPLE,
    }
    return _body(schema)


def body(model: type[BaseModel]) -> dict[str, Any]:
    """``openapi_extra`` of a route that reads its body as ``model`` by itself.

    The models in it are answers too: FastAPI puts those among the document's components.
    """
    schema = model.model_json_schema(ref_template=REFERENCE)
    schema.pop("$defs", None)
    return _body(schema)


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def session_request() -> dict[str, Any]:
    """``openapi_extra`` of the way in."""
    schema = {
        "title": "SessionRequest",
        "type": "object",
        "required": ["token"],
        "properties": {"token": {"type": "string", "minLength": 1}},
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def json_schema(parameter: Parameter) -> dict[str, Any]:
    """JSON Schema of one declared value."""
    schema: dict[str, Any] = {"type": _TYPES[parameter.type], "title": parameter.label}
    if parameter.default is not None:
        schema["default"] = parameter.default
    if parameter.min is not None:
        schema["exclusiveMinimum" if parameter.exclusive_min else "minimum"] = parameter.min
    if parameter.max is not None:
        schema["maximum"] = parameter.max
    if parameter.choices:
        schema["enum"] = list(parameter.choices)
    unit = f" Unit: {parameter.unit}." if parameter.unit else ""
    schema["description"] = parameter.help + unit
    return schema


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``responses`` of a route that may refuse with these statuses."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _MEANINGS[status], "content": content} for status in statuses}


_MEANINGS: Final = {
    400: "The body is no JSON, or names an unknown method or an id twice; or there is no data yet.",
    401: "A token is needed here, and this is none.",
    403: "The page of another site asked for this.",
    404: "There is no such run.",
    409: "The run that was posted with this Idempotency-Key has been deleted.",
    413: "The body is larger than 1 MB.",
    422: "A value is out of range, of the wrong type, not finite, or unknown.",
    429: "There is no room for one more run now; Retry-After says when to come again.",
    503: "The database or compute cannot be reached.",
}


def describe_problems(document: dict[str, Any]) -> None:
    """Put our problems in the place of FastAPI's own validation errors."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schema = Problem.model_json_schema(ref_template=REFERENCE)
    schemas.update(schema.pop("$defs", {}), Problem=schema)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path in document["paths"].values():
        for operation in path.values():
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]  # of a route whose parameters cannot be wrong


def describe_access(document: dict[str, Any], open_paths: Collection[str]) -> None:
    """Say of all but ``open_paths`` that they may need a token, and what they answer without."""
    schemes = document["components"].setdefault("securitySchemes", {})
    schemes["token"] = {"type": "http", "scheme": "bearer"}
    for path, operations in document["paths"].items():
        if path in open_paths:
            continue
        for operation in operations.values():
            operation["security"] = [{"token": []}, {}]
            refusals = {str(status): answer for status, answer in problems(401, 403).items()}
            operation["responses"] = refusals | operation["responses"]
