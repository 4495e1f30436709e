"""The header ``traceparent``: https://www.w3.org/TR/trace-context/."""

from __future__ import annotations

from uuid import UUID

import pytest

from learnda import tracing
from learnda.tracing import Trace

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_what_is_written_is_read_again() -> None:
    trace = tracing.of_attempt(UUID("12345678-1234-5678-1234-567812345678"), 26)
    assert trace.header == "00-12345678123456781234567812345678-000000000000001a-01"
    assert tracing.read(trace.header) == trace
    assert trace.run_id == "12345678-1234-5678-1234-567812345678"
    assert tracing.read(tracing.fresh().header) is not None


@pytest.mark.parametrize(
    "text",
    [f"00-{TRACE}-{SPAN}-01", f" 00-{TRACE}-{SPAN}-00 ", f"cc-{TRACE}-{SPAN}-01-and-more"],
)
def test_what_the_standard_allows(text: str) -> None:
    assert tracing.read(text) == Trace(TRACE, SPAN)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01\nx",
    ],
)
def test_what_it_forbids(text: str | None) -> None:
    assert tracing.read(text) is None
