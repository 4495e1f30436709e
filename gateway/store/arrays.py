"""Arrays in PostgreSQL's binary format: float8[] without a Python object per number, and text[]
without a look at each character, which the text format would have to escape.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.adapt import AdaptersMap, Dumper
from psycopg.postgres import types
from psycopg.pq import Format

_FLOAT8 = types["float8"]
_TEXT = types["text"]


@dataclass(frozen=True, slots=True)
class Texts:
    """UTF-8 texts, to be stored as text[]."""

    items: Sequence[bytes]


class TextArrayDumper(Dumper):
    """PostgreSQL's binary array: a header, then each text behind its length."""

    format = Format.BINARY
    oid = _TEXT.array_oid

    def dump(self, obj: Texts) -> bytes:
        parts = [_head(_TEXT.oid, len(obj.items))]
        for item in obj.items:
            parts += (_LENGTH.pack(len(item)), item)
        return b"".join(parts)


class Float8ArrayDumper(Dumper):
    """PostgreSQL's binary array: a header, then each value behind its length, big-endian."""

    format = Format.BINARY
    oid = _FLOAT8.array_oid

    def dump(self, obj: array[float]) -> bytes:
        values = array("d", obj)
        if sys.byteorder == "little":
            values.byteswap()
        packed = values.tobytes()
        body = bytearray(12 * len(values))
        body[3::12] = b"\x08" * len(values)
        for byte in range(8):
            body[4 + byte :: 12] = packed[byte::8]
        return _head(_FLOAT8.oid, len(values)) + bytes(body)


_LENGTH = struct.Struct(">i")


def _head(oid: int, count: int) -> bytes:
    dimensions, has_null, lower_bound = 1, 0, 1
    return struct.pack(">iiIii", dimensions, has_null, oid, count, lower_bound)


def register(adapters: AdaptersMap) -> None:
    """Teach a connection the dumpers."""
    adapters.register_dumper(array, Float8ArrayDumper)
    adapters.register_dumper(Texts, TextArrayDumper)
