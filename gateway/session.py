"""Sessions of the page: a cookie that any gateway with the same tokens can check, and no table."""

from __future__ import annotations

import hashlib
from typing import Final

from itsdangerous import BadSignature, TimestampSigner

from learnda.access import Access, Token

COOKIE: Final = "learnda_session"


def issue(token: Token) -> str:
    """A cookie for the holder of ``token``."""
    return _signer(token).sign(token.name).decode()


def holder(cookie: str, access: Access, *, max_age: float) -> Token | None:
    """Whose session it is; None when it has expired, or its token was revoked, or it is forged."""
    name = cookie.rsplit(".", 2)[0]
    token = access.tokens().get(name)
    if token is None:
        return None
    try:
        _signer(token).unsign(cookie, max_age=int(max_age))
    except BadSignature:
        return None
    return token


def _signer(token: Token) -> TimestampSigner:
    return TimestampSigner(
        token.sha256, salt=COOKIE, key_derivation="hmac", digest_method=hashlib.sha256
    )
