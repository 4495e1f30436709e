"""What the makers of clients share: where a server is said to be, and how it is reached."""

from __future__ import annotations

import os
from pathlib import Path

from learnda.client.transport import Peer

DEFAULT_ADDRESS = "localhost:50051"

Tls = bool | bytes | str | Path
"""True: who the system trusts vouches for the server; bytes: their certificates in PEM; else the
file that holds them."""


def peer_of(address: str | None, token: str | None, tls: Tls | None) -> Peer:
    """Where the environment says so, LEARNDA_COMPUTE_ADDRESS and LEARNDA_TOKEN fill in."""
    address = address or os.environ.get("LEARNDA_COMPUTE_ADDRESS") or DEFAULT_ADDRESS
    token = token or os.environ.get("LEARNDA_TOKEN", "").strip() or None
    return Peer(address, token, _authorities(tls))


def _authorities(tls: Tls | None) -> bytes | None:
    match tls:
        case None | False:
            return None
        case True:
            return b""
        case bytes():
            return tls
        case _:
            return Path(tls).read_bytes()
