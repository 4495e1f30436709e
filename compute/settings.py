"""The settings of the compute server, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from learnda.cost import Limits
from learnda.environment import numbers_of


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the server listens and what it allows."""

    host: str = "127.0.0.1"
    port: int = 50051
    """0: any free port."""
    cache_dir: Path | None = None
    """Where compiled programs are kept between starts; None: nowhere."""
    limits: Limits = field(default_factory=Limits)
    max_runs: int = 100
    """Runs at the same time; one more is refused as busy."""
    max_message_bytes: int = 256 << 20
    """Of one request: a checkpoint must fit, with what it belongs to."""
    stuck_seconds: float = 300.0
    """Health says NOT_SERVING when one step on the device takes longer."""
    grace_seconds: float = 1.5
    """From SIGTERM to the exit: runs that end within half of it are finished."""
    warm_up: bool = True
    """Compile the programs of the default request in the background at start."""


def settings_from_environment(
    *, host: str, port: int, environment: Mapping[str, str] = os.environ
) -> ServerSettings:
    """LEARNDA_CACHE_DIR, LEARNDA_WARM_UP, LEARNDA_MAX_* and the like, where they are set."""
    cache = environment.get("LEARNDA_CACHE_DIR")
    return ServerSettings(
        host=host,
        port=port,
        cache_dir=Path(cache) if cache else None,
        limits=Limits.from_environment(environment),
        warm_up=environment.get("LEARNDA_WARM_UP", "1") not in ("0", "false", "no"),
        **numbers_of(ServerSettings, environment, leave=("port",)),
    )
