"""The gateway's settings, read from the environment when asked, never at import."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from learnda import access
from learnda.cost import Limits

BUILT_PAGE = Path(__file__).resolve().parent.parent / "web" / "dist"


class InvalidSetting(ValueError):
    """An environment variable holds something that cannot be used."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Times are in seconds."""

    database_url: str
    compute_address: str = "127.0.0.1:50051"
    host: str = "127.0.0.1"
    port: int = 8000
    web_dist: Path = BUILT_PAGE
    limits: Limits = field(default_factory=Limits)

    access_file: Path | None = None
    """The tokens; None: nobody needs one."""
    session: float = 43200.0
    """A page stays signed in for this long."""
    hosts: tuple[str, ...] = ()
    """Names by which it may be asked, besides those of the loopback and its own address."""
    cors_origins: tuple[str, ...] = ()
    """Other sites whose pages may ask, with a token of their own."""
    compute_token: str | None = field(default=None, repr=False)
    compute_authorities: bytes | None = field(default=None, repr=False)
    """Certificates in PEM, one of which must have signed compute's; None: no TLS."""

    event_ttl: float = 86400.0
    """Finished runs older than this are deleted."""
    cleanup_interval: float = 60.0
    deleted_grace: float = 60.0
    """Rows of a deleted run stay this long, so that its viewers see how it ended."""
    events_fetch_limit: int = 500
    """Events read from the database at a time."""
    keepalive: float = 10.0
    poll_interval: float = 0.5
    """Slow polling behind LISTEN/NOTIFY."""
    emit_partial_every: int = 1
    """Steps between two ``partial`` events of a method."""

    max_queued: int = 1000
    """Runs that wait or go on, of all clients together."""
    concurrent_runs: int = 8
    """Runs that this process carries at a time."""
    lease: float = 15.0
    """A carrier that is silent for this long loses its run."""
    max_attempts: int = 5
    """Attempts without progress after which a run fails."""
    retry_delay: float = 1.0
    """Before the second attempt; doubled for each further one."""
    checkpoint_interval: float = 30.0
    pool_size: int = 10
    """Connections to the database, the listening one not counted."""
    send_timeout: float = 20.0
    """A viewer that takes nothing for this long is dropped."""
    shutdown_timeout: float = 2.0
    """Open requests get this long at shutdown."""


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read ``DATABASE_URL``, LEARN-DA's settings and ours (``LEARNDA_...``)."""
    if not environment.get("DATABASE_URL"):
        raise InvalidSetting("DATABASE_URL is not set: `learn-da up` brings a database of its own")
    values: dict[str, object] = {"database_url": environment["DATABASE_URL"]}
    for variable, (name, read) in _VARIABLES.items():
        text = environment.get(variable, "").strip()
        if not text:
            continue
        try:
            values[name] = read(text)
        except ValueError as error:
            raise InvalidSetting(f"{variable}={text!r}: {error}") from None
    try:
        values["limits"] = Limits.from_environment(environment)
        settings = Settings(**values)  # type: ignore[arg-type]
        access.check_listening(settings.host, access.Access(settings.access_file), environment)
    except ValueError as error:
        raise InvalidSetting(str(error)) from None
    return settings


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.0 < value < 1e9:
        raise ValueError("expected a positive number of seconds")
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 1_000_000:
        raise ValueError("expected a whole number from 1")
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:
        raise ValueError("expected a port, 0 to 65535")
    return value


def _list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _contents(text: str) -> bytes:
    try:
        return Path(text).read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


_VARIABLES: dict[str, tuple[str, Callable[[str], object]]] = {
    "EVENT_TTL_SECONDS": ("event_ttl", _seconds),
    "CLEANUP_INTERVAL_SECONDS": ("cleanup_interval", _seconds),
    "EVENTS_FETCH_LIMIT": ("events_fetch_limit", _count),
    "KEEPALIVE_SECONDS": ("keepalive", _seconds),
    "POLL_INTERVAL_SECONDS": ("poll_interval", _seconds),
    "EMIT_PARTIAL_EVERY_N_STEPS": ("emit_partial_every", _count),
    "LEARNDA_COMPUTE_ADDRESS": ("compute_address", str),
    access.SERVICE_VARIABLE: ("compute_token", str),
    "LEARNDA_COMPUTE_TLS_CA": ("compute_authorities", _contents),
    access.FILE_VARIABLE: ("access_file", Path),
    "LEARNDA_SESSION_SECONDS": ("session", _seconds),
    "LEARNDA_HOSTS": ("hosts", _list),
    "LEARNDA_CORS_ORIGINS": ("cors_origins", _list),
    "LEARNDA_HOST": ("host", str),
    "LEARNDA_PORT": ("port", _port),
    "LEARNDA_WEB_DIST": ("web_dist", Path),
    "LEARNDA_MAX_QUEUED": ("max_queued", _count),
    "LEARNDA_CONCURRENT_RUNS": ("concurrent_runs", _count),
    "LEARNDA_LEASE_SECONDS": ("lease", _seconds),
    "LEARNDA_MAX_ATTEMPTS": ("max_attempts", _count),
    "LEARNDA_RETRY_SECONDS": ("retry_delay", _seconds),
    "LEARNDA_CHECKPOINT_SECONDS": ("checkpoint_interval", _seconds),
    "LEARNDA_POOL_SIZE": ("pool_size", _count),
    "LEARNDA_SEND_TIMEOUT_SECONDS": ("send_timeout", _seconds),
    "LEARNDA_SHUTDOWN_SECONDS": ("shutdown_timeout", _seconds),
}
