"""The Python client of a server that wants a token, over TLS."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from learnda import AsyncClient, Client
from learnda.client import ServerError


async def test_who_has_the_token_comes_in(guarded: str, token: str, authority: Path) -> None:
    with Client(guarded, token=token, tls=authority) as client:
        assert "letkf" in client.methods()
    async with AsyncClient(guarded, token=token, tls=str(authority)) as awaited:
        assert "letkf" in await awaited.methods()


def test_the_token_may_be_in_the_environment(
    guarded: str, token: str, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEARNDA_TOKEN", token)
    monkeypatch.setenv("LEARNDA_COMPUTE_ADDRESS", guarded)
    with Client(tls=authority.read_bytes()) as client:
        assert "letkf" in client.methods()


async def test_who_has_none_is_told_so(guarded: str, authority: Path) -> None:
    with (
        Client(guarded, tls=authority) as client,
        pytest.raises(ServerError, match="a token is needed") as caught,
    ):
        client.methods()
    assert caught.value.reason == "UNAUTHENTICATED"
    async with AsyncClient(guarded, tls=authority) as awaited:
        with pytest.raises(ServerError, match="a token is needed"):
            await awaited.methods()


def test_who_vouches_for_somebody_else_is_not_spoken_to(guarded: str, token: str) -> None:
    with (
        Client(guarded, token=token, tls=trustme.CA().cert_pem.bytes()) as client,
        pytest.raises(ServerError, match="cannot be reached"),
    ):
        client.methods()
