"""Case 24: with tokens configured, every HTTP route and every gRPC method refuses who has none."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import httpx
import pytest
from calls import details_of
from compute_process import compute_at_work
from gateway_process import GatewayProcess, post
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from starlette.routing import Mount
from waiting import until

from gateway.app import create_app
from gateway.settings import Settings
from learnda.local import tokens

OPEN = {"/healthz", "/readyz", "/api/session"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
WRONG = "learnda_" + "x" * 43


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("access")


@pytest.fixture(scope="module")
def file(folder: Path) -> Path:
    return folder / "access.toml"


@pytest.fixture(scope="module")
def secret(file: Path) -> str:
    return tokens.add(file, "ada")


@pytest.fixture(scope="module")
def page(folder: Path) -> Path:
    built = folder / "dist"
    (built / "assets").mkdir(parents=True)
    for name in ("index.html", "theme.js", "assets/index-1a2b.js"):
        (built / name).write_text("built")
    return built


@pytest.fixture(scope="module")
def stranger(new_database: Any, file: Path, secret: str, page: Path) -> Iterator[httpx.Client]:
    """A client without a token, of a real gateway; compute is away."""
    settings = {"LEARNDA_ACCESS_FILE": str(file), "LEARNDA_WEB_DIST": str(page)}
    with (
        GatewayProcess(new_database(), "127.0.0.1:1", **settings) as gateway,
        httpx.Client(base_url=gateway.url, timeout=10) as client,
    ):
        yield client


# ---------------------------------------------------------------- HTTP


def routes(of: Iterable[Any]) -> Iterator[Any]:
    """All of them, those of included routers too."""
    for route in of:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from routes(inner.routes)


def addresses() -> set[str]:
    """An address of each route of the application, by its routes and by its document."""
    app = create_app(Settings("postgresql://nowhere"))
    found = set()
    for route in routes(app.routes):
        if not isinstance(route, Mount):
            found.add(route.path)
        elif route.path:  # but for the page's
            found.add(f"{route.path}/swagger-ui.css")
    documented = set(app.openapi()["paths"])
    assert documented <= found
    return {re.sub(r"\{[^}]*\}", str(uuid4()), path) for path in found}


GUARDED = sorted(addresses() - OPEN)


def check_refused(answer: httpx.Response) -> None:
    assert answer.status_code == 401, answer.request
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


def test_case_24_the_routes_are_all_here() -> None:
    assert {"/docs", "/redoc", "/openapi.json", "/metrics", "/api/methods", "/api/runs"} <= set(
        GUARDED
    )
    assert "/static-offline-docs/swagger-ui.css" in GUARDED
    assert len([path for path in GUARDED if path.startswith("/api/runs/")]) >= 5


@pytest.mark.parametrize("path", GUARDED)
def test_case_24_each_route_refuses_without_the_token(stranger: httpx.Client, path: str) -> None:
    for method in METHODS:
        check_refused(stranger.request(method, path))
        check_refused(stranger.request(method, path, headers={"Authorization": f"Bearer {WRONG}"}))
        check_refused(stranger.request(method, path, headers={"Cookie": "learnda_session=ada.a.a"}))


@pytest.mark.parametrize("path", GUARDED)
def test_case_24_each_route_answers_with_the_token(
    stranger: httpx.Client, secret: str, path: str
) -> None:
    for method in METHODS:
        answer = stranger.request(method, path, headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code not in (401, 403)


def test_case_24_no_token_is_taken_from_an_address(stranger: httpx.Client, secret: str) -> None:
    for name in ("token", "access_token", "api_key", "authorization"):
        check_refused(stranger.get("/api/runs", params={name: secret}))
        check_refused(stranger.get("/api/runs", params={name: f"Bearer {secret}"}))
    url = stranger.base_url.copy_with(username="ada", password=secret, path="/api/runs")
    check_refused(stranger.get(url))


def test_case_24_health_page_and_session_are_open(
    stranger: httpx.Client, secret: str, page: Path
) -> None:
    assert stranger.get("/healthz").status_code == 200
    assert stranger.get("/readyz").json()["status"] == "not ready"  # there is no compute
    built = {f"/{file.relative_to(page)}" for file in page.rglob("*") if file.is_file()}
    assert len(built) == 3
    for path in ("/", *built):
        assert stranger.get(path).text == "built"
    for path in (
        "/assets",
        "/../access.toml",
        "/%2e%2e/access.toml",
        "/nothing",
        "/%00",
        "/" + "x" * 999,
    ):
        check_refused(stranger.get(path))
    assert stranger.get("/api/session").json() == {
        "token_needed": True,
        "session": False,
        "name": None,
    }
    assert stranger.post("/api/session", json={"token": secret}).status_code == 200
    stranger.cookies.clear()


async def test_case_24_a_route_that_is_added_is_guarded_too(file: Path, secret: str) -> None:
    app = create_app(Settings("postgresql://nowhere", access_file=file))

    async def told() -> str:
        return "a secret"

    app.add_api_route("/new", told, methods=["GET", "POST"])
    app.router.routes.insert(0, app.router.routes.pop())  # before the page, which takes all
    app.router.routes.insert(0, Mount("/below", app=app.router))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for method, path in (("GET", "/new"), ("POST", "/new"), ("GET", "/below/new")):
            check_refused(await client.request(method, path))
            answer = await client.request(
                method, path, headers={"Authorization": f"Bearer {secret}"}
            )
            assert answer.json() == "a secret"


async def test_case_24_a_websocket_would_be_refused(file: Path, secret: str) -> None:
    app = create_app(Settings("postgresql://nowhere", access_file=file))
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/",
        "headers": [(b"host", b"localhost")],
        "extensions": {"websocket.http.response": {}},
    }
    await app(scope, receive, send)
    assert sent[0]["type"] == "websocket.http.response.start"
    assert sent[0]["status"] == 401


# ---------------------------------------------------------------- gRPC


@pytest.fixture(scope="module")
def compute_address(file: Path, secret: str) -> Iterator[str]:
    """Of a real compute server that reads the same file."""
    with compute_at_work(LEARNDA_ACCESS_FILE=str(file)) as address:
        yield address


@pytest.fixture(scope="module")
def compute(compute_address: str) -> Iterator[grpc.Channel]:
    """A channel to it."""
    with grpc.insecure_channel(compute_address) as channel:
        yield channel


def call(channel: grpc.Channel, method: str, secret: str | None) -> grpc.RpcError | None:
    """Send an empty message; the failure, or None when the server began to answer or ended."""
    metadata = [] if secret is None else [("authorization", f"Bearer {secret}")]
    answers = channel.stream_stream(method)(iter([b""]), timeout=10, metadata=metadata)
    try:
        next(answers, None)
    except grpc.RpcError as error:
        return error
    finally:
        answers.cancel()
    return None


class WithToken(grpc.StreamStreamClientInterceptor):  # type: ignore[misc]
    """Lets the reflection client in."""

    def __init__(self, secret: str) -> None:
        self._metadata = [("authorization", f"Bearer {secret}")]

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        return continuation(details._replace(metadata=self._metadata), requests)


def check_unauthenticated(error: grpc.RpcError | None) -> None:
    assert error is not None
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert details_of(error)["ErrorInfo"].reason == "UNAUTHENTICATED"


def test_case_24_each_grpc_method_refuses_without_the_token(
    compute: grpc.Channel, secret: str
) -> None:
    database = ProtoReflectionDescriptorDatabase(grpc.intercept_channel(compute, WithToken(secret)))
    pool = DescriptorPool(database)
    methods = {
        f"/{service}/{method.name}"
        for service in database.get_services()
        for method in pool.FindServiceByName(service).methods
    }
    health = {method for method in methods if method.startswith("/grpc.health.v1.Health/")}
    assert len(health) >= 2
    assert "/learnda.v1.AssimilationService/RunExperiment" in methods
    assert "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo" in methods
    for method in methods - health:
        check_unauthenticated(call(compute, method, None))
        check_unauthenticated(call(compute, method, WRONG))
        error = call(compute, method, secret)
        assert error is None or error.code() is grpc.StatusCode.INVALID_ARGUMENT
    for method in health:  # of which grpcio has not all
        error = call(compute, method, None)
        assert error is None or error.code() is grpc.StatusCode.UNIMPLEMENTED


def test_case_24_grpc_health_is_told_to_all(compute: grpc.Channel) -> None:
    check = compute.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    assert check(health_pb2.HealthCheckRequest(), timeout=10).status == 1


def test_case_24_a_grpc_method_that_is_added_refuses_too(
    compute: grpc.Channel, secret: str
) -> None:
    for method in ("/learnda.v1.AssimilationService/Added", "/learnda.v2.Another/Method"):
        check_unauthenticated(call(compute, method, None))
        error = call(compute, method, secret)
        assert error is not None
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED


# ---------------------------------------------------------------- both


def test_case_24_a_revoked_token_and_its_sessions_end_at_once(
    stranger: httpx.Client, compute: grpc.Channel, file: Path
) -> None:
    lent = tokens.add(file, "guest")
    method = "/learnda.v1.AssimilationService/ListMethods"
    bearer = {"Authorization": f"Bearer {lent}"}
    signed_in = stranger.post("/api/session", json={"token": lent})
    stranger.cookies.clear()
    session = {"Cookie": f"learnda_session={signed_in.cookies['learnda_session']}"}
    assert stranger.get("/api/runs", headers=bearer).status_code == 200
    assert stranger.get("/api/runs", headers=session).status_code == 200
    assert call(compute, method, lent) is None

    tokens.revoke(file, "guest")
    check_refused(stranger.get("/api/runs", headers=bearer))
    check_refused(stranger.get("/api/runs", headers=session))
    check_unauthenticated(call(compute, method, lent))


ENDLESS = {"end_time": 100_000.0, "methods": [{"id": "a", "name": "etkf"}]}


def test_case_24_what_is_open_ends_when_its_token_is_revoked(
    new_database: Any, file: Path, secret: str, compute: grpc.Channel, compute_address: str
) -> None:
    """Of two people who watch one run, and a gRPC client who says nothing: only what is theirs."""
    lent = tokens.add(file, "lodger")
    theirs, ours = ({"Authorization": f"Bearer {one}"} for one in (lent, secret))
    settings = {"LEARNDA_ACCESS_FILE": str(file), "LEARNDA_COMPUTE_TOKEN": secret}
    with (
        GatewayProcess(new_database(), compute_address, **settings) as gateway,
        httpx.Client(base_url=gateway.url, timeout=30, headers=ours) as client,
    ):
        until("methods are known", lambda: client.get("/api/methods").status_code == 200)
        path = f"/api/runs/{post(client, ENDLESS)}/events"
        assimilate = compute.stream_stream("/learnda.v1.AssimilationService/Assimilate")
        with (
            client.stream("GET", path, headers=theirs) as shown_out,
            client.stream("GET", path) as staying,
        ):
            kept, ended = staying.iter_lines(), shown_out.iter_lines()
            assert next(kept) == next(ended) == "event: hello"
            answers = assimilate(silent(), metadata=[("authorization", f"Bearer {lent}")])
            tokens.revoke(file, "lodger")
            assert "event: done" not in list(ended), "the run was too quick"
            assert next(line for line in kept if line == "event: partial")
            with pytest.raises(grpc.RpcError) as failure:
                next(answers)
            check_unauthenticated(failure.value)
        assert client.post(path.replace("events", "cancel")).status_code == 200


def silent() -> Iterator[bytes]:
    """A client that is there and sends nothing."""
    time.sleep(60)
    yield b""


def test_case_24_a_file_that_cannot_be_read_lets_nobody_in(
    stranger: httpx.Client, compute: grpc.Channel, file: Path, secret: str
) -> None:
    kept = file.read_text()
    bearer = {"Authorization": f"Bearer {secret}"}
    method = "/learnda.v1.AssimilationService/ListMethods"
    try:
        file.write_text(kept + "[tokens.broken\n")
        assert stranger.get("/api/runs", headers=bearer).status_code == 503
        error = call(compute, method, secret)
        assert error is not None
        assert error.code() is grpc.StatusCode.UNAVAILABLE
    finally:
        file.write_text(kept)
    assert stranger.get("/api/runs", headers=bearer).status_code == 200
    assert call(compute, method, secret) is None
