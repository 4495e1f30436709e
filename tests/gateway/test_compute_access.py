"""How the gateway comes to a compute server that wants a token, or TLS; who may listen where."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import grpc
import httpx
import psycopg
import pytest
import trustme
from compute_process import HOST, channel_to, compute_at_work
from gateway_process import SEED_REQUEST, GatewayProcess, follow, post

from learnda import access
from learnda.local import probes, tokens
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceStub


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority made for this test, and a certificate that it signed."""
    folder = tmp_path_factory.mktemp("papers")
    for name in ("ca", "other"):
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(folder / f"{name}.pem"))
        if name == "ca":
            issued = authority.issue_cert(HOST)
            issued.private_key_pem.write_to_path(str(folder / "key.pem"))
            issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    return folder


def test_a_run_goes_over_tls_with_the_gateways_token(
    papers: Path, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "access.toml"
    lent, service = tokens.add(file, "ada"), access.new_secret()
    trusted = grpc.ssl_channel_credentials((papers / "ca.pem").read_bytes())
    with compute_at_work(
        trusted,
        LEARNDA_COMPUTE_TLS_CERT=str(papers / "cert.pem"),
        LEARNDA_COMPUTE_TLS_KEY=str(papers / "key.pem"),
        LEARNDA_COMPUTE_TOKEN_SHA256=access.sha256_of(service),
    ) as address:
        settings = {
            "LEARNDA_ACCESS_FILE": str(file),
            "LEARNDA_COMPUTE_TOKEN": service,
            "LEARNDA_COMPUTE_TLS_CA": str(papers / "ca.pem"),
        }
        with (
            GatewayProcess(postgres_url, address, **settings) as gateway,
            httpx.Client(
                base_url=gateway.url, headers={"Authorization": f"Bearer {lent}"}, timeout=30
            ) as client,
        ):
            events = follow(client, _posted(client))
            assert "run_completed" in [event.type for event in events]

        assert not probes.is_ready(address)  # without TLS
        monkeypatch.setenv("LEARNDA_COMPUTE_TLS_CA", str(papers / "other.pem"))
        assert not probes.is_ready(address)
        monkeypatch.setenv("LEARNDA_COMPUTE_TLS_CA", str(papers / "ca.pem"))
        assert probes.is_ready(address)

        with channel_to(address, trusted) as channel:
            stub = AssimilationServiceStub(channel)  # type: ignore[no-untyped-call]
            with pytest.raises(grpc.RpcError) as caught:
                stub.ListMethods(pb.ListMethodsRequest(), timeout=10)
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_run_waits_while_compute_refuses_the_gateway(postgres_url: str, tmp_path: Path) -> None:
    service = access.new_secret()
    sha256 = access.sha256_of(service)
    with compute_at_work(LEARNDA_COMPUTE_TOKEN_SHA256=sha256) as address:
        with (
            GatewayProcess(postgres_url, address, LEARNDA_COMPUTE_TOKEN=service) as gateway,
            httpx.Client(base_url=gateway.url, timeout=30) as client,
        ):
            follow(client, _posted(client))  # the methods are known from now on
        settings = {"LEARNDA_COMPUTE_TOKEN": "wrong", "LEARNDA_RETRY_SECONDS": "0.01"}
        with (
            GatewayProcess(postgres_url, address, **settings) as gateway,
            httpx.Client(base_url=gateway.url, timeout=30) as client,
        ):
            run_id = _posted(client)
            _wait_for_attempts(postgres_url, run_id, 3)
        with (
            GatewayProcess(postgres_url, address, LEARNDA_COMPUTE_TOKEN=service) as gateway,
            httpx.Client(base_url=gateway.url, timeout=30) as client,
        ):
            assert "run_completed" in [event.type for event in follow(client, run_id)]


def _wait_for_attempts(database_url: str, run_id: str, count: int) -> None:
    deadline = time.monotonic() + 20
    attempts = 0
    with psycopg.connect(database_url, autocommit=True) as connection:
        while attempts < count:
            assert time.monotonic() < deadline, f"{attempts} attempts"
            found = connection.execute(
                "SELECT generation FROM learnda.run WHERE id = %s AND status <> 'failed'", [run_id]
            ).fetchone()
            assert found is not None, "the run failed"
            attempts = found[0]


def _posted(client: httpx.Client) -> str:
    """A run, once the gateway knows what compute offers."""
    deadline = time.monotonic() + 30
    while client.get("/api/methods").status_code != 200:
        assert time.monotonic() < deadline, "the methods are not known"
        time.sleep(0.05)
    return post(client, {**SEED_REQUEST, "end_time": 1.0, "seed": 1})


@pytest.mark.parametrize("command", ["compute", "gateway"])
def test_a_service_does_not_open_itself_to_strangers(command: str, postgres_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "learnda.cli", command, "--host", "0.0.0.0", "--port", "0"],
        env={"DATABASE_URL": postgres_url, "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "LEARNDA_ACCESS_FILE" in done.stdout
    assert "LEARNDA_OPEN=1" in done.stdout
    assert "Traceback" not in done.stderr
