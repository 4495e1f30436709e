"""Sessions, origins, hosts and headers, on a real gateway; compute is away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Request
from gateway_process import GatewayProcess
from itsdangerous import TimestampSigner

from gateway import session
from gateway.app import create_app
from gateway.callers import of_request
from gateway.settings import Settings, from_environment
from learnda.access import Access, Token, sha256_of
from learnda.local import tokens
from learnda.quotas import Quota

AWAY = "127.0.0.1:1"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("access") / "access.toml"


@pytest.fixture(scope="module")
def secret(file: Path) -> str:
    return tokens.add(file, "ada", max_queued=3)


@pytest.fixture(scope="module")
def gateway(new_database: Callable[[], str], file: Path, secret: str) -> Iterator[GatewayProcess]:
    settings = {
        "LEARNDA_ACCESS_FILE": str(file),
        "LEARNDA_HOSTS": "da.example.org, *.lab.example.org",
        "LEARNDA_CORS_ORIGINS": "https://notebook.example.org",
    }
    with GatewayProcess(new_database(), AWAY, **settings) as process:
        yield process


@pytest.fixture(scope="module")
def unguarded(new_database: Callable[[], str]) -> Iterator[httpx.Client]:
    """A client of a gateway on the loopback that needs no token."""
    with (
        GatewayProcess(new_database(), AWAY) as process,
        httpx.Client(base_url=process.url, timeout=10) as client,
    ):
        yield client


@pytest.fixture
def client(gateway: GatewayProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, timeout=10) as client:
        yield client


@pytest.fixture
def signed_in(client: httpx.Client, secret: str) -> httpx.Client:
    client.post("/api/session", json={"token": secret}).raise_for_status()
    return client


# ---------------------------------------------------------------- the session


def test_a_token_is_traded_for_a_cookie(client: httpx.Client, secret: str) -> None:
    assert client.get("/api/session").json() == answer(session=False)
    entered = client.post("/api/session", json={"token": f" {secret}\n"})
    assert entered.json() == answer(session=True)
    cookie = SimpleCookie(entered.headers["set-cookie"])["learnda_session"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["max-age"]) == ("strict", "/", "43200")
    assert not cookie["secure"]
    assert secret not in entered.text + entered.headers["set-cookie"]
    assert client.get("/api/session").json() == answer(session=True)
    assert client.get("/api/runs").status_code == 200

    left = client.delete("/api/session", headers={"Origin": str(client.base_url)})
    assert left.status_code == 204
    assert not client.cookies
    assert client.get("/api/runs").status_code == 401


def answer(*, session: bool) -> dict[str, Any]:
    return {"token_needed": True, "session": session, "name": "ada" if session else None}


def test_by_https_the_cookie_is_secure(client: httpx.Client, secret: str) -> None:
    proxied = {"X-Forwarded-Proto": "https"}
    entered = client.post("/api/session", json={"token": secret}, headers=proxied)
    assert SimpleCookie(entered.headers["set-cookie"])["learnda_session"]["secure"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"token": "learnda_wrong"}, 401),
        ({"token": ""}, 422),
        ({"token": None}, 422),
        ({}, 422),
        ([], 422),
    ],
)
def test_what_is_no_token_is_refused(client: httpx.Client, body: object, status: int) -> None:
    refused = client.post("/api/session", json=body)
    assert refused.status_code == status
    assert [error["field"] for error in refused.json()["errors"]] == ["token"]
    assert "set-cookie" not in refused.headers


def test_any_gateway_with_the_same_file_knows_the_session(
    signed_in: httpx.Client, new_database: Callable[[], str], file: Path
) -> None:
    with GatewayProcess(new_database(), AWAY, LEARNDA_ACCESS_FILE=str(file)) as other:
        there = httpx.get(f"{other.url}/api/session", headers=cookie_of(signed_in))
        assert there.json() == answer(session=True)


def cookie_of(client: httpx.Client) -> dict[str, str]:
    return {"Cookie": f"learnda_session={client.cookies['learnda_session']}"}


class Earlier(TimestampSigner):
    """Signs as it was done so many seconds ago."""

    ago = 0

    def get_timestamp(self) -> int:
        return super().get_timestamp() - self.ago


def test_a_session_ends_by_itself_and_cannot_be_forged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "access.toml"
    for name in ("ada", "bob.x"):
        tokens.add(file, name)
    access = Access(file)
    ada, bob = access.tokens()["ada"], access.tokens()["bob.x"]
    assert session.holder(session.issue(ada), access, max_age=60) == ada
    assert session.holder(session.issue(bob), access, max_age=60) == bob

    cookie = session.issue(ada)
    forged = [
        cookie[:-1],
        cookie + "A",
        cookie.replace("ada", "bob.x"),
        "",
        ".",
        "ada",
        "ada..",
        "é",
    ]
    forged += [session.issue(Token("ada", sha256)) for sha256 in (bob.sha256, sha256_of("guess"))]
    assert [session.holder(text, access, max_age=60) for text in forged] == [None] * len(forged)

    monkeypatch.setattr(session, "TimestampSigner", Earlier)
    monkeypatch.setattr(Earlier, "ago", 59)
    recent = session.issue(ada)
    monkeypatch.setattr(Earlier, "ago", 62)
    old = session.issue(ada)
    monkeypatch.setattr(Earlier, "ago", 0)
    assert session.holder(recent, access, max_age=60) == ada
    assert session.holder(old, access, max_age=60) is None

    tokens.revoke(file, "ada")
    tokens.add(file, "ada")  # another token of the same name
    assert session.holder(recent, access, max_age=60) is None


async def test_the_routes_are_told_whose_request_it_is(file: Path, secret: str) -> None:
    app = create_app(Settings("postgresql://nowhere", access_file=file))

    async def who(request: Request) -> list[object]:
        caller = of_request(request)
        return [caller.name, caller.quota.max_queued]

    app.add_api_route("/who", who)
    app.router.routes.insert(0, app.router.routes.pop())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        bearer = {"Authorization": f"Bearer {secret}"}
        assert (await client.get("/who", headers=bearer)).json() == ["ada", 3]
        client.cookies["learnda_session"] = session.issue(Access(file).tokens()["ada"])
        assert (await client.get("/who")).json() == ["ada", 3]
    assert Quota().max_queued != 3


# ---------------------------------------------------------------- origins


def test_a_cookie_counts_only_from_our_own_page(signed_in: httpx.Client) -> None:
    own = str(signed_in.base_url)
    cancel = "/api/runs/none/cancel"
    reached = {"Origin": own, "Sec-Fetch-Site": "same-origin"}
    assert signed_in.post(cancel, headers=reached).status_code == 404
    for headers in (
        {},
        {"Origin": "null"},
        {"Origin": "http://evil.example.org"},
        {"Origin": "https://notebook.example.org"},  # CORS is for tokens
        {"Origin": own.rpartition(":")[0]},  # another port
        {"Origin": own, "Sec-Fetch-Site": "cross-site"},
    ):
        assert signed_in.post(cancel, headers=headers).status_code == 403
        assert signed_in.delete("/api/session", headers=headers).status_code == 403
    assert signed_in.get("/api/runs").status_code == 200
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        assert signed_in.get("/api/runs", headers=headers).status_code == 200
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example.org"}):
        refused = signed_in.get("/api/runs", headers=headers)
        assert refused.status_code == 403
        assert refused.headers["content-type"] == "application/problem+json"


def test_a_token_counts_from_anywhere(client: httpx.Client, secret: str) -> None:
    headers = {"Authorization": f"Bearer {secret}", "Origin": "http://elsewhere.example.org"}
    assert client.post("/api/runs/none/cancel", headers=headers).status_code == 404


def test_another_sites_page_cannot_sign_a_browser_in(client: httpx.Client, secret: str) -> None:
    headers = {"Origin": "http://evil.example.org"}
    refused = client.post("/api/session", json={"token": secret}, headers=headers)
    assert refused.status_code == 403
    assert not client.cookies


def test_without_tokens_another_sites_page_can_change_nothing(unguarded: httpx.Client) -> None:
    assert unguarded.get("/api/session").json()["token_needed"] is False
    post = "/api/runs/none/cancel"
    own = str(unguarded.base_url)
    for headers in ({}, {"Origin": own}, {"Sec-Fetch-Site": "none"}):
        assert unguarded.post(post, headers=headers).status_code == 404
    for headers in ({"Origin": "http://evil.example.org"}, {"Sec-Fetch-Site": "cross-site"}):
        assert unguarded.post(post, headers=headers).status_code == 403
    assert unguarded.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200  # a link


def test_cors_is_off_unless_it_is_turned_on(
    client: httpx.Client, unguarded: httpx.Client, secret: str
) -> None:
    origin = "https://notebook.example.org"
    preflight = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    allowed = client.options("/api/runs", headers=preflight)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-credentials" not in allowed.headers
    bearer = {"Authorization": f"Bearer {secret}", "Origin": origin}
    assert client.get("/api/runs", headers=bearer).headers["access-control-allow-origin"] == origin
    preflight["Origin"] = "https://evil.example.org"
    assert (
        "access-control-allow-origin" not in client.options("/api/runs", headers=preflight).headers
    )
    for answered in (
        unguarded.options("/api/runs", headers={**preflight, "Origin": origin}),
        unguarded.get("/api/runs", headers={"Origin": origin}),
    ):
        assert not [name for name in answered.headers if name.startswith("access-control")]


# ---------------------------------------------------------------- hosts


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:99",
        "127.0.0.1:8000",
        "[::1]:8000",
        "DA.example.org",
        "a.lab.example.org",
    ],
)
def test_it_answers_to_its_names(client: httpx.Client, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.org",
        "localhost.evil.org",
        "xlab.example.org",
        "[::2]",
        "[::1",
        "",
        "127.0.0.2",
    ],
)
def test_it_answers_to_no_other(client: httpx.Client, unguarded: httpx.Client, host: str) -> None:
    for asked in (client, unguarded):
        for path in ("/healthz", "/api/runs", "/"):
            refused = asked.get(path, headers={"Host": host})
            assert refused.status_code == 400
            assert refused.headers["content-type"] == "application/problem+json"


def test_it_answers_to_the_address_that_was_reached(new_database: Callable[[], str]) -> None:
    settings = {"LEARNDA_HOST": "0.0.0.0", "LEARNDA_OPEN": "1"}
    with GatewayProcess(new_database(), AWAY, **settings) as process:
        url = f"http://127.0.0.5:{process.port}/healthz"
        assert httpx.get(url).status_code == 200
        assert httpx.get(url, headers={"Host": "127.0.0.6"}).status_code == 400


# ---------------------------------------------------------------- headers


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/healthz", 200), ("/api/runs", 401), ("/docs", 401), ("/nothing", 401)],
)
def test_every_answer_tells_the_browser_what_it_may_do(
    client: httpx.Client, path: str, status: int
) -> None:
    told = client.get(path)
    assert told.status_code == status
    assert_secure(told)


async def test_an_error_of_the_server_tells_it_too() -> None:
    app = create_app(Settings("postgresql://nowhere"))

    async def broken() -> None:
        raise RuntimeError("broken")

    app.add_api_route("/broken", broken)
    app.router.routes.insert(0, app.router.routes.pop())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        told = await client.get("/broken")
    assert told.status_code == 500
    assert_secure(told)


def assert_secure(told: httpx.Response) -> None:
    assert told.headers["x-content-type-options"] == "nosniff"
    assert told.headers["referrer-policy"] == "same-origin"
    policy = told.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(policy)


def test_a_script_in_the_documentation_runs_by_its_hash(client: httpx.Client, secret: str) -> None:
    told = client.get("/docs", headers={"Authorization": f"Bearer {secret}"})
    assert told.text.count("<script>") == 1
    assert "'sha256-" in told.headers["content-security-policy"]


def test_settings_are_read(file: Path, secret: str) -> None:
    settings = from_environment(
        {
            "DATABASE_URL": "postgresql://somewhere",
            "LEARNDA_ACCESS_FILE": str(file),
            "LEARNDA_HOSTS": "a.org, b.org,",
            "LEARNDA_HOST": "0.0.0.0",
            "LEARNDA_COMPUTE_TOKEN": "learnda_x",
        }
    )
    assert settings.access_file == file
    assert settings.hosts == ("a.org", "b.org")
    assert "learnda_x" not in repr(settings)
