"""A real server and an engine in this process, for both clients; what they compile is shared."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import matplotlib
import pytest
import pytest_asyncio
import trustme
from compute_process import HOST, compute_at_work

from learnda import AsyncClient, Client, access
from learnda.client.in_process import shared_service

CACHE = str(Path(__file__).resolve().parents[2] / ".cache" / "jax")
matplotlib.use("Agg")
pytest.register_assert_rewrite("example_programs")


@pytest.fixture(scope="module")
def server(compute_address: str) -> Iterator[Client]:
    """A client of a server."""
    with Client(compute_address) as client:
        yield client


@pytest.fixture(scope="session")
def local() -> Client:
    """A client of the engine in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEARNDA_CACHE_DIR", CACHE)
        shared_service()  # reads it
    return Client.local()


@pytest.fixture(params=["server", "local"])
def client(request: pytest.FixtureRequest) -> Client:
    """Either of them."""
    found: Client = request.getfixturevalue(request.param)
    return found


@pytest_asyncio.fixture(params=["server", "local"])
async def async_client(
    request: pytest.FixtureRequest, compute_address: str, local: Client
) -> AsyncIterator[AsyncClient]:
    """The same for asyncio."""
    of_server = request.param == "server"
    async with AsyncClient(compute_address) if of_server else AsyncClient.local() as client:
        yield client


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its certificate; a server's certificate and key lie beside it."""
    folder = tmp_path_factory.mktemp("papers")
    made = trustme.CA()
    issued = made.issue_cert(HOST)
    made.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    return folder / "ca.pem"


@pytest.fixture(scope="session")
def token() -> str:
    return access.new_secret()


@pytest.fixture(scope="session")
def guarded(authority: Path, token: str) -> Iterator[str]:
    """The address of a server that wants the token."""
    with compute_at_work(
        grpc.ssl_channel_credentials(authority.read_bytes()),
        LEARNDA_COMPUTE_TLS_CERT=str(authority.parent / "cert.pem"),
        LEARNDA_COMPUTE_TLS_KEY=str(authority.parent / "key.pem"),
        LEARNDA_COMPUTE_TOKEN_SHA256=access.sha256_of(token),
    ) as address:
        yield address
