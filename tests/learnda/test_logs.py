"""Logs as the services write them: to a file, to a terminal, by libraries."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from learnda import logs


class Terminal(io.StringIO):
    """Says that somebody is reading."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    for name in logs.OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def configured(stream: io.StringIO, **environment: str) -> None:
    logs.configure("tester", environment=environment, stream=stream)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_an_object() -> None:
    stream = io.StringIO()
    configured(stream)
    structlog.contextvars.bind_contextvars(run_id="r")
    structlog.get_logger("gateway.x").bind(a=1).info("it happens", b=[2.5, None], where=None)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "it happens",
        "service": "tester",
        "logger": "gateway.x",
        "level": "info",
        "run_id": "r",
        "a": 1,
        "b": [2.5, None],
        "where": None,
    }


def test_what_libraries_log_looks_the_same() -> None:
    stream = io.StringIO()
    configured(stream)
    structlog.contextvars.bind_contextvars(run_id="r")
    logging.getLogger("some.library").info("too much")
    logging.getLogger("some.library").warning("%s of them", 3, extra={"pool": "p"})
    (line,) = lines(stream)
    assert (line["event"], line["pool"], line["run_id"]) == ("3 of them", "p", "r")
    assert (line["logger"], line["level"]) == ("some.library", "warning")


def test_a_failure_comes_with_its_trace_on_one_line() -> None:
    stream = io.StringIO()
    configured(stream)
    try:
        raise KeyError("lost\nkey")
    except KeyError as failure:
        structlog.get_logger("compute.y").error("it fails", exc_info=failure)
    (line,) = lines(stream)
    assert line["exception"].startswith("Traceback")
    assert "test_logs.py" in line["exception"]


def test_what_json_has_no_word_for_is_no_failure() -> None:
    stream = io.StringIO()
    configured(stream)
    structlog.get_logger("gateway").info("odd", thing=Terminal, text="\ud800")
    assert len(lines(stream)) == 1


def test_a_terminal_shows_keys_and_values() -> None:
    stream = Terminal()
    configured(stream)
    structlog.get_logger("gateway").info("it happens", run_id="r")
    text = stream.getvalue()
    assert "it happens" in text
    assert "run_id" in text
    assert not text.startswith("{")


@pytest.mark.parametrize(("level", "expected"), [("debug", 4), ("WARNING", 2), ("", 3)])
def test_the_level_is_asked_for(level: str, expected: int) -> None:
    stream = io.StringIO()
    configured(stream, LEARNDA_LOG_LEVEL=level)
    log = structlog.get_logger("gateway")
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)(name)
    assert len(lines(stream)) == expected


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="LEARNDA_LOG_LEVEL"):
        configured(io.StringIO(), LEARNDA_LOG_LEVEL="loud")
