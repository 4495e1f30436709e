"""Compiled programs on the disk: a new process neither compiles nor traces them again.

JAX's own cache knows a program by its traced form, and tracing takes longer than loading. Here a
program is known by what it is made for, and by a fingerprint of all that makes it: the code of this
package, the versions of JAX and of the device. The folder must be as trusted as the code: what it
holds is executed.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable, Hashable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import serialize_executable

KEPT = 400
"""Files at most, of about half a megabyte each: the ones longest unused go first."""
SUFFIX = ".program"


class ProgramStore:
    """The programs in one folder, each a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._fingerprint = fingerprint()
        _prepare_lapack()
        for file in sorted(folder.glob(f"*{SUFFIX}"), key=_last_used)[:-KEPT]:
            file.unlink(missing_ok=True)

    def load(self, what: Hashable) -> Callable[..., Any] | None:
        """The program of ``what``; None where there is none that can be used."""
        file = self._file(what)
        try:
            kept = pickle.loads(file.read_bytes())
            program: Callable[..., Any] = serialize_executable.deserialize_and_load(*kept)
            os.utime(file)
        except Exception:  # damaged, or of a JAX that reads it otherwise: it is compiled anew
            return None
        return program

    def keep(self, what: Hashable, program: Any) -> None:
        """Write ``program``, as `jax.stages.Compiled`; a full disk is no reason to fail."""
        try:
            data = pickle.dumps(serialize_executable.serialize(program))
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                part = Path(folder) / "part"
                part.write_bytes(data)
                part.replace(self._file(what))
        except (OSError, ValueError):
            return

    def _file(self, what: Hashable) -> Path:
        name = hashlib.sha256(repr((self._fingerprint, what)).encode()).hexdigest()
        return self._folder / f"{name[:40]}{SUFFIX}"


def fingerprint() -> str:
    """Of all that a program follows from, besides what it is made for."""
    found = hashlib.sha256()
    package = Path(__file__).parent
    for file in sorted(package.rglob("*.py")):
        found.update(f"{file.relative_to(package)}\n".encode())
        found.update(file.read_bytes())
    device = jax.devices()[0]
    for part in (
        jax.__version__,
        version("jaxlib"),
        device.client.platform_version,
        device.device_kind,
        _instructions(),
        os.environ.get("XLA_FLAGS", ""),
    ):
        found.update(f"{part}\n".encode())
    return found.hexdigest()


def _last_used(file: Path) -> float:
    """Seconds; long ago where another process has deleted the file meanwhile."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0


def _prepare_lapack() -> None:
    """Have JAX look up the routines of LAPACK, which otherwise it does when it traces a first use:
    a loaded program would call them where none are.
    """
    jax.jit(jnp.linalg.cholesky).lower(jax.ShapeDtypeStruct((2, 2), jnp.float32))


def _instructions() -> str:
    """What the processor can do, where it says so."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
