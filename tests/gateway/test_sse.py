"""Events as bytes."""

from __future__ import annotations

from uuid import UUID

from gateway import sse
from gateway.records import EventRow

A = UUID("00000000-0000-4000-8000-00000000000a")
B = UUID("00000000-0000-4000-8000-00000000000b")
ROWS = [
    EventRow(3, 4, "partial", [b'{"a":1}', b'{"a":2}']),
    EventRow(5, 5, "run_completed", [b"{}"]),
]


def test_frames_after_a_number() -> None:
    frames = sse.frames(ROWS, after=3)
    assert [(f.id, f.terminal) for f in frames] == [(4, False), (5, True)]
    assert sse.numbered(frames) == (
        b'id: 4\nevent: partial\ndata: {"a":2}\n\nid: 5\nevent: run_completed\ndata: {}\n\n'
    )


def test_what_has_no_number() -> None:
    assert sse.unnumbered("hello") == b"event: hello\ndata: {}\n\n"


def test_cursor_of_several_runs() -> None:
    written = sse.cursor({A: 7, B: 0})
    assert written == f"id: {A}:7,{B}:0\n\n".encode()
    assert sse.read_cursor(written.decode().removeprefix("id: ").strip()) == {A: 7, B: 0}


def test_a_cursor_that_is_none() -> None:
    assert sse.read_cursor(f"17,zebra,{A}:x, {B}:2") == {B: 2}
