"""The API's document, as generators of clients read it: made without starting anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.app import create_app
from gateway.settings import Settings

DOCUMENT: dict[str, Any] = create_app(Settings(database_url="")).openapi()


def references(part: object) -> Iterator[str]:
    match part:
        case {"$ref": str(target)}:
            yield target
        case dict():
            for value in part.values():
                yield from references(value)
        case list():
            for value in part:
                yield from references(value)


def test_every_reference_leads_to_a_schema() -> None:
    targets = set(references(DOCUMENT))
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert "#/components/schemas/SweepAxis" in targets
    assert targets <= known


def test_every_answer_in_json_is_described() -> None:
    found = 0
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                described = answer.get("content", {}).get("application/json")
                if described is not None:
                    found += 1
                    assert described.get("schema"), (method, path, status)
    assert found > 15
