"""Structured logs of our services: one event a line on stderr, as JSON, or readable on a terminal.

What is bound with `structlog.contextvars` stands in every line that follows in the same task or
thread, those of libraries included.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LEVELS: Final = ("debug", "info", "warning", "error")
OURS: Final = ("learnda", "compute", "gateway")
"""Packages that log from the level that was asked for; libraries log warnings at least."""


def configure(
    service: str,
    *,
    environment: Mapping[str, str] = os.environ,
    stream: TextIO | None = None,
) -> None:
    """Let ``service`` log from LEARNDA_LOG_LEVEL (info) on; ValueError for what is no level."""
    level = _level(environment)
    stream = stream or sys.stderr

    def add_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        add_service,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*common, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=common,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendered(on_terminal=stream.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    for name in OURS:
        logging.getLogger(name).setLevel(level)


def _level(environment: Mapping[str, str]) -> int:
    text = environment.get("LEARNDA_LOG_LEVEL") or "info"
    if text.lower() not in LEVELS:
        raise ValueError(f"LEARNDA_LOG_LEVEL must be one of {', '.join(LEVELS)}, not {text!r}")
    return logging.getLevelNamesMapping()[text.upper()]


def _rendered(*, on_terminal: bool) -> list[Processor]:
    if on_terminal:
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
