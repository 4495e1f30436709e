"""Whatever the API's document allows, and much that it does not, is answered as it says.

A real gateway on a real database, in which finished runs stand; compute is away, so that what is
accepted is queued and not computed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from gateway_process import HOST, GatewayProcess, follow, post
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    positive_data_acceptance,
    response_schema_conformance,
)

from gateway.app import create_app
from gateway.settings import Settings
from learnda.local.services import free_port

METHODS = [{"id": "a", "name": "etkf"}, {"id": "=b", "name": "letkf"}]
COMMON = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


class Documented:
    """A gateway that knows finished runs, and its document."""

    def __init__(self, url: str, runs: list[str]) -> None:
        self.runs = runs
        self.client = httpx.Client(base_url=url)
        self.session = requests.Session()
        self.schema = schemathesis.openapi.from_url(f"{url}/openapi.json")

    def aim(self, case: Case) -> None:
        """Two of three ids of runs become ones that exist: what is drawn names none of them."""
        drawn = str((case.path_parameters or {}).get("run_id", ""))
        which = zlib.crc32(drawn.encode("utf-8", "replace")) % 3
        if drawn and which < 2:
            run = self.runs[which]
            if case.method == "DELETE":
                run = post(self.client, {"methods": METHODS})
            case.path_parameters["run_id"] = run

    def check(self, case: Case) -> None:
        """No 500, and a status, a type and a body as documented. A request may follow its schema
        and be refused: rules between fields are in no schema.
        """
        self.aim(case)
        unfit: list[Any] = [positive_data_acceptance]
        if case.path == "/readyz":  # compute is away, and it says so
            unfit.append(not_a_server_error)
        if case.path.endswith("/events"):  # the checks take an event for the whole stream
            unfit.append(response_schema_conformance)
        case.call_and_validate(session=self.session, timeout=20, excluded_checks=unfit)


@pytest.fixture(scope="module")
def documented(compute_address: str, new_database: Any) -> Iterator[Documented]:
    database = new_database()
    with (
        GatewayProcess(database, compute_address) as gateway,
        httpx.Client(base_url=gateway.url, timeout=30) as client,
    ):
        while client.get("/readyz").status_code != 200:
            pass
        runs = [post(client, {"end_time": 1.0, "methods": METHODS[:k]}) for k in (1, 2)]
        for run_id in runs:
            follow(client, run_id)
    with GatewayProcess(database, f"{HOST}:{free_port(HOST)}") as gateway:
        yield Documented(gateway.url, runs)


OPERATIONS = [
    (method, path)
    for path, operations in create_app(Settings(database_url="")).openapi()["paths"].items()
    for method in operations
]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize(
    "examples", [pytest.param(10, id="few"), pytest.param(200, id="many", marks=pytest.mark.slow)]
)
def test_every_answer_is_a_documented_one(
    documented: Documented, method: str, path: str, examples: int
) -> None:
    operation = documented.schema[path][method]
    kinds = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
    for kind in kinds:

        @settings(COMMON, max_examples=examples)
        @given(case=operation.as_strategy(generation_mode=kind))
        def check(case: Case) -> None:
            documented.check(case)

        try:
            check()
        except Unsatisfiable:  # where nothing is asked for, nothing can be asked wrongly
            assert kind is GenerationMode.NEGATIVE
