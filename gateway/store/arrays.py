"""array('d') -> float8[] without a Python object per number."""

from __future__ import annotations

import struct
import sys
from array import array

from psycopg.adapt import AdaptersMap, Dumper
from psycopg.postgres import types
from psycopg.pq import Format

_FLOAT8 = types["float8"]


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
        dimensions, has_null, lower_bound = 1, 0, 1
        head = struct.pack(">iiIii", dimensions, has_null, _FLOAT8.oid, len(values), lower_bound)
        return head + bytes(body)


def register(adapters: AdaptersMap) -> None:
    """Teach a connection the dumper."""
    adapters.register_dumper(array, Float8ArrayDumper)
