"""The settings of the compute server, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from learnda import access
from learnda.access import Access
from learnda.cost import Limits
from learnda.environment import numbers_of

KEY_LENGTH = 32
"""Characters of a key that signs, at least."""


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
    max_sessions: int = 100
    """Calls of Assimilate at the same time; one more is refused as busy."""
    session_idle_seconds: float = 300.0
    """A client of an analysis that neither sends nor reads for so long loses its call."""
    state_key: bytes | None = field(default=None, repr=False)
    """Signs the states of sessions; None: a key of this process alone."""
    stuck_seconds: float = 300.0
    """Health says NOT_SERVING when one step on the device takes longer."""
    grace_seconds: float = 1.5
    """From SIGTERM to the exit: runs that end within half of it are finished."""
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    """Where ``/metrics`` is served; None: nowhere but through the gateway."""
    warm_up: bool = True
    """Compile the programs of the default request in the background at start."""
    access: Access = field(default_factory=Access)
    """The tokens; without any, nobody needs one."""
    tls: tuple[bytes, bytes] | None = field(default=None, repr=False)
    """Private key and chain of certificates in PEM; None: calls are not encrypted."""


def settings_from_environment(
    *, host: str, port: int, environment: Mapping[str, str] = os.environ
) -> ServerSettings:
    """LEARNDA_CACHE_DIR, LEARNDA_WARM_UP, LEARNDA_MAX_* and the like, where they are set."""
    cache = environment.get("LEARNDA_CACHE_DIR")
    tokens = access.from_environment(environment)
    access.check_listening(host, tokens, environment)
    return ServerSettings(
        host=host,
        port=port,
        cache_dir=Path(cache) if cache else None,
        limits=Limits.from_environment(environment),
        metrics_host=environment.get("LEARNDA_COMPUTE_METRICS_HOST") or "127.0.0.1",
        metrics_port=_metrics_port(environment),
        warm_up=environment.get("LEARNDA_WARM_UP", "1") not in ("0", "false", "no"),
        access=tokens,
        state_key=_state_key(environment),
        tls=_tls(environment),
        **numbers_of(ServerSettings, environment, leave=("port",)),
    )


def _metrics_port(environment: Mapping[str, str]) -> int | None:
    text = environment.get("LEARNDA_COMPUTE_METRICS_PORT")
    if not text:
        return None
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise ValueError(f"LEARNDA_COMPUTE_METRICS_PORT must be a port, 1 to 65535, not {text!r}")
    return int(text)


def _state_key(environment: Mapping[str, str]) -> bytes | None:
    text = environment.get("LEARNDA_STATE_KEY", "").strip()
    if not text:
        return None
    if len(text) < KEY_LENGTH:
        raise ValueError(f"LEARNDA_STATE_KEY must have at least {KEY_LENGTH} characters")
    return text.encode()


def _tls(environment: Mapping[str, str]) -> tuple[bytes, bytes] | None:
    names = ("LEARNDA_COMPUTE_TLS_KEY", "LEARNDA_COMPUTE_TLS_CERT")
    files = [environment.get(name, "").strip() for name in names]
    if not any(files):
        return None
    if not all(files):
        raise ValueError(f"{names[0]} and {names[1]} go together: set both, or neither")
    contents = []
    for name, file in zip(names, files, strict=True):
        try:
            contents.append(Path(file).read_bytes())
        except OSError as error:
            raise ValueError(f"{name}={file}: cannot be read: {error.strerror}") from None
    return contents[0], contents[1]
