"""Who may come in: tokens, of which a file of settings keeps names and hashes.

[tokens.ada]
sha256 = "..."           # of the token, in hexadecimal
max_queued = 20          # her quota; both may be left out
compute_seconds = 3600
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from learnda.quotas import Quota

PREFIX: Final = "learnda_"
"""By which people, and scanners of sources, recognise a token."""
FILE_VARIABLE: Final = "LEARNDA_ACCESS_FILE"
OPEN_VARIABLE: Final = "LEARNDA_OPEN"
SERVICE_VARIABLE: Final = "LEARNDA_COMPUTE_TOKEN"
"""The token by which a gateway comes to compute; with _SHA256 its hash, which compute knows."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.@-]{0,63}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")


class InvalidAccess(ValueError):
    """The file cannot be used; the sentence names it, and the entry."""


class Unguarded(ValueError):
    """A service would be open to others than this machine."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of one token."""

    name: str
    sha256: str = field(repr=False)
    quota: Quota = field(default_factory=Quota)


class Access:
    """The tokens that open the door, as the file has them at this moment."""

    def __init__(self, file: Path | None = None, *others: Token) -> None:
        """``others`` are not in the file; InvalidAccess when it cannot be used."""
        self._file = file
        self._others = others
        self._stamp: tuple[int, ...] | None = None
        self._tokens: dict[str, Token] = {}
        self.tokens()

    @property
    def needed(self) -> bool:
        """True when nobody comes in without a token; a file without any lets nobody in."""
        return self._file is not None or bool(self._others)

    def tokens(self) -> Mapping[str, Token]:
        """By name; the file is read again when it has changed, and while it cannot be used."""
        stamp = _stamp(self._file) if self._file else ()
        if stamp != self._stamp:
            self._stamp = None
            found = {token.name: token for token in self._others}
            self._tokens = found | (read(self._file) if self._file else {})
            self._stamp = stamp
        return self._tokens

    def find(self, secret: str) -> Token | None:
        """The token that ``secret`` is; the time it takes tells nothing."""
        given = sha256_of(secret)
        found = None
        for token in self.tokens().values():
            if hmac.compare_digest(token.sha256, given):
                found = token
        return found


def new_secret() -> str:
    """A token that nobody can guess: 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def sha256_of(secret: str) -> str:
    """What is kept of a token. So many random bits need no slow hash."""
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


def is_name(text: str) -> bool:
    """True for what a token may be called."""
    return _NAME.fullmatch(text) is not None


def bearer(header: str | None) -> str | None:
    """The token in ``Authorization: Bearer ...``; None where there is none."""
    scheme, _, secret = (header or "").strip().partition(" ")
    return secret.strip() or None if scheme.lower() == "bearer" else None


def read(file: Path) -> dict[str, Token]:
    """The tokens of a file, by name."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidAccess(f"{file}: no such file; `learn-da token new NAME` makes it") from None
    except OSError as error:
        raise InvalidAccess(f"{file}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InvalidAccess(f"{file}: is not TOML: {error}") from None
    if document.keys() - {"tokens"}:
        raise InvalidAccess(
            f"{file}: {min(document.keys() - {'tokens'})}: only [tokens.NAME] may be there"
        )
    tokens = document.get("tokens", {})
    if not isinstance(tokens, dict):
        raise InvalidAccess(f"{file}: tokens: must be tables, [tokens.NAME]")
    found: dict[str, Token] = {}
    for name, entry in tokens.items():
        try:
            found[name] = _token(name, entry)
        except ValueError as error:
            raise InvalidAccess(f"{file}: tokens.{name}: {error}") from None
    return found


def from_environment(environment: Mapping[str, str] = os.environ) -> Access:
    """What compute lets in: the tokens of the file, and a gateway of which it was told the hash."""
    file = environment.get(FILE_VARIABLE, "").strip()
    service = environment.get(f"{SERVICE_VARIABLE}_SHA256", "").strip().lower()
    if service and not _HASH.fullmatch(service):
        raise InvalidAccess(f"{SERVICE_VARIABLE}_SHA256: {_HASH_EXPECTED}")
    others = [Token("gateway", service)] if service else []
    return Access(Path(file) if file else None, *others)


def check_listening(host: str, access: Access, environment: Mapping[str, str] = os.environ) -> None:
    """Raise Unguarded where strangers would come in without a token and nobody said they may."""
    if access.needed or is_loopback(host) or environment.get(OPEN_VARIABLE, "").strip() == "1":
        return
    raise Unguarded(
        f"it would listen at {host or 'every address'}, beyond this machine, and let everybody in. "
        f"Make a token (`learn-da token new NAME`) and name its file in {FILE_VARIABLE}; or, where "
        f"something else keeps strangers out, set {OPEN_VARIABLE}=1."
    )


def is_loopback(host: str) -> bool:
    """True for an address that only this machine reaches."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_HASH_EXPECTED: Final = "must be a SHA-256 in 64 hexadecimal digits"


def _token(name: str, entry: object) -> Token:
    if not is_name(name):
        raise ValueError("a name has 1 to 64 of the characters A-Z a-z 0-9 _ - . @")
    if not isinstance(entry, dict):
        raise ValueError(f"must be a table, [tokens.{name}]")
    values: dict[str, Any] = dict(entry)
    sha256 = values.pop("sha256", None)
    if not (isinstance(sha256, str) and _HASH.fullmatch(sha256.lower())):
        raise ValueError(f"sha256: {_HASH_EXPECTED}")
    quota: dict[str, Any] = {}
    if "max_queued" in values:
        quota["max_queued"] = _amount("max_queued", values.pop("max_queued"), int)
    if "compute_seconds" in values:
        quota["compute_seconds"] = float(
            _amount("compute_seconds", values.pop("compute_seconds"), int, float)
        )
    if values:
        raise ValueError(
            f"{min(values)}: is not known; there are sha256, max_queued, compute_seconds"
        )
    return Token(name, sha256.lower(), Quota(**quota))


def _amount(name: str, value: object, *kinds: type) -> Any:
    if type(value) not in kinds or not 0 <= value < math.inf:  # type: ignore[operator]
        whole = "a whole number" if kinds == (int,) else "a number"
        raise ValueError(f"{name}: must be {whole}, at least 0")
    return value


def _stamp(file: Path) -> tuple[int, ...]:
    """Another one when the file is another, or was written again."""
    try:
        found = file.stat()
    except OSError:
        return (0,)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
