"""Writes the file of tokens: whole, and readable by its owner alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tomlkit

from learnda import access


class TokenRefused(ValueError):
    """It cannot be made or revoked; the sentence is for people."""


def add(
    file: Path, name: str, max_queued: int | None = None, compute_seconds: float | None = None
) -> str:
    """Make a token of this name; it is returned, and kept nowhere."""
    if not access.is_name(name):
        raise TokenRefused(f"{name!r}: a name has 1 to 64 of the characters A-Z a-z 0-9 _ - . @")
    secret = access.new_secret()
    with _changed(file) as document:
        tokens = document.setdefault("tokens", tomlkit.table(is_super_table=True))
        if name in tokens:
            raise TokenRefused(f"{file}: there is a token {name} already")
        entry = tomlkit.table()
        entry["sha256"] = access.sha256_of(secret)
        if max_queued is not None:
            entry["max_queued"] = max_queued
        if compute_seconds is not None:
            entry["compute_seconds"] = compute_seconds
        tokens[name] = entry
    return secret


def revoke(file: Path, name: str) -> None:
    """Forget a token, and with it its sessions."""
    with _changed(file) as document:
        if name not in document.get("tokens", {}):
            raise TokenRefused(f"{file}: there is no token {name}")
        del document["tokens"][name]


@contextlib.contextmanager
def _changed(file: Path) -> Iterator[tomlkit.TOMLDocument]:
    """The document, to be changed; it is put in the file's place when that went well."""
    file.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # two commands at once make two tokens
        there = file.exists()
        if there:
            access.read(file)
        document = tomlkit.parse(file.read_text(encoding="utf-8") if there else "")
        yield document
        _replace(file, tomlkit.dumps(document))
        os.fsync(folder)
    finally:
        os.close(folder)


def _replace(file: Path, text: str) -> None:
    """At once: who reads it meanwhile finds the old or the new one. Owner and mode stay."""
    handle, written = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as new:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
        with contextlib.suppress(FileNotFoundError):
            old = file.stat()
            os.chown(written, old.st_uid, old.st_gid)
            os.chmod(written, old.st_mode & 0o777)
        os.replace(written, file)
    except BaseException:
        os.unlink(written)
        raise
