"""Answers are compressed for who asks for it: what is compressed comes later, but is smaller.

A client that only can read compressed answers need not want them, so it has to say so.
"""

from __future__ import annotations

from typing import Any, Final

import grpc

from learnda.problems import InvalidRequest, Problem

HEADER: Final = "learnda-compression"
_KINDS = {
    "gzip": grpc.Compression.Gzip,
    "deflate": grpc.Compression.Deflate,
    "identity": grpc.Compression.NoCompression,
}


def compress_as_asked(context: grpc.aio.ServicerContext[Any, Any]) -> None:
    """Honour the metadata of a call; InvalidRequest where they name what there is not."""
    asked = dict(context.invocation_metadata() or ()).get(HEADER)
    if asked is None:
        return
    kind = _KINDS.get(asked) if isinstance(asked, str) else None
    if kind is None:
        raise InvalidRequest([Problem(HEADER, f"must be one of: {', '.join(_KINDS)}")])
    context.set_compression(kind)
