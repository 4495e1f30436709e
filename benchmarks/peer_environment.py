"""The peers' own Python environment, and calls of them in processes of their own.

It is made once, with pip, under .cache/bench, and kept. Nothing of ours is imported there: a peer's
script reads jobs as JSON from its standard input and prints what it found as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / ".cache" / "bench" / "peers"
PACKAGES = {"pyteda": "0.6.0", "dapper": "1.7.1"}
CALL_SECONDS = 300.0

_VERSIONS = (
    "import importlib.metadata as m, json; "
    f"print(json.dumps({{p: m.version(p) for p in {list(PACKAGES)}}}))"
)


class PeersUnavailable(Exception):
    """The environment cannot be made here; the message says why."""


def prepare() -> None:
    """Make the environment unless it is ready."""
    if _ready():
        return
    print("Installing the peers (pyteda, dapper) …", file=sys.stderr, flush=True)
    wanted = [f"{name}=={version}" for name, version in PACKAGES.items()]
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(FOLDER)],
        [str(_python()), "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted],
    ):
        done = subprocess.run(command, capture_output=True, text=True, env=_environment())
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise PeersUnavailable(f"the peers cannot be installed: {said[-1] if said else '?'}")


def call(script: str, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run a peer's script of this folder on ``jobs``: what it found for each of them."""
    path = Path(__file__).with_name(script)
    done = subprocess.run(
        [str(_python()), "-W", "ignore", str(path)],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        env=_environment(),
        timeout=CALL_SECONDS,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{script}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    found: list[dict[str, Any]] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _ready() -> bool:
    if not _python().exists():
        return False
    asked = subprocess.run([str(_python()), "-c", _VERSIONS], capture_output=True, text=True)
    return asked.returncode == 0 and json.loads(asked.stdout) == PACKAGES


def _python() -> Path:
    return FOLDER / "bin" / "python"


def _environment() -> dict[str, str]:
    """Ours, with what keeps NumPy fast on small matrices and matplotlib without a screen."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PIP_USER")}
    return kept | {"OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"}
