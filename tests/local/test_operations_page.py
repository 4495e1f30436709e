"""docs/operations.md says what is so: every setting with its default, every metric, and a back-up
that can be restored, carried out as it stands there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest

from compute.settings import ServerSettings
from gateway import settings as gateway_settings
from gateway.settings import Settings
from learnda.cost import Limits
from learnda.local.postgres import EmbeddedPostgres
from learnda.local.probes import is_ready
from learnda.local.services import GatewayService, free_port

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text()
ACCESS = (ROOT / "docs" / "access.md").read_text()
ROWS = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", PAGE, re.M))
BODY = {
    "end_time": 5.0,
    "seed": 1,
    "replicates": 2,
    "methods": [{"id": "a", "name": "letkf", "label": "naïve – 😀"}, {"id": "b", "name": "enkf"}],
}


def script(name: str) -> str:
    """The commands below the comment ``name``."""
    (found,) = re.findall(rf"^```sh\n# {name}\n(.*?)^```$", PAGE, re.M | re.S)
    return str(found)


# ---------------------------------------------------------------- tables


def test_every_setting_stands_in_a_table() -> None:
    read = {
        name
        for package in ("learnda", "compute", "gateway")
        for file in (ROOT / package).rglob("*.py")
        for name in re.findall(r"\bLEARNDA_[A-Z_\d]*[A-Z\d]\b", file.read_text())
    }
    read |= gateway_settings._VARIABLES.keys() | {"DATABASE_URL"}
    read |= {f"LEARNDA_{f.name.upper()}" for f in fields(Limits)}
    read |= {f"LEARNDA_{name.upper()}" for name in compute_numbers()}
    told = ROWS.keys() | set(re.findall(r"`(LEARNDA_[A-Z_\d]+)`", ACCESS))
    client = {"LEARNDA_SERVER", "LEARNDA_TOKEN"}  # of `learn-da run`, which serves nothing
    assert read - told <= client


def test_the_defaults_are_right() -> None:
    defaults = {f.name: f.default for f in fields(Settings)}
    expected = {
        variable: defaults[name]
        for variable, (name, _) in gateway_settings._VARIABLES.items()
        if name != "web_dist" and variable not in ACCESS
    }
    expected |= {f"LEARNDA_{f.name.upper()}": f.default for f in fields(Limits)}
    expected |= {f"LEARNDA_{name.upper()}": value for name, value in compute_numbers().items()}
    for variable, value in expected.items():
        text = str(value) if isinstance(value, int | str) else f"{value:g}"
        assert ROWS[variable] == text, variable


def compute_numbers() -> dict[str, Any]:
    """Compute's settings that are numbers, but for the port, which has a name of its own."""
    return {
        f.name: f.default
        for f in fields(ServerSettings)
        if type(f.default) in (int, float) and f.name != "port"
    }


def test_every_metric_is_explained(stack: str) -> None:
    text = httpx.get(f"{stack}/metrics").text
    names = set(re.findall(r"^# TYPE (learnda_\w+) ", text, re.M))
    assert len(names) > 15
    for name in names:
        if name.endswith("_created"):  # when counting began: the library adds it
            continue
        assert re.search(rf"`{name}(\{{[a-z,]+\}})?`", PAGE), name


# ---------------------------------------------------------------- back up and restore


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path as short as a socket needs."""
    path = Path(tempfile.mkdtemp(prefix="ops-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def carry_out(commands: str, folder: Path, **environment: str) -> None:
    """In a shell whose ``python`` is ours."""
    found = {**os.environ, **environment}
    found["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(["bash", "-euc", commands], cwd=folder, env=found, check=True, timeout=120)


@contextmanager
def gateway(database_url: str, compute: str) -> Iterator[httpx.Client]:
    service = GatewayService(HOST, free_port(HOST), compute, lambda: database_url)
    process = service.spawn()
    try:
        deadline = time.monotonic() + 60
        while not is_ready(service.url):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with httpx.Client(base_url=service.url, timeout=60) as api:
            yield api
    finally:
        process.terminate()
        process.wait(20)


def seen(database_url: str, compute: str, run_id: str | None = None) -> tuple[Any, ...]:
    """A run as a gateway on this database tells it: made there, unless it is named."""
    with gateway(database_url, compute) as api:
        if run_id is None:
            run_id = str(api.post("/api/runs", json=BODY).json()["run_id"])
        events = api.get(f"/api/runs/{run_id}/events").text.replace(
            "event: keepalive\ndata: {}", ""
        )
        assert "run_completed" in events
        run, csv = (api.get(f"/api/runs/{run_id}{path}").text for path in ("", "/csv"))
        assert csv.count("\r\n") == 1 + 2 * 2 * 51
        return run_id, run, csv, events.replace("event: keepalive\ndata: {}\n\n", "")


def test_a_dump_is_restored_into_another_server(folder: Path, compute_address: str) -> None:
    embedded, other = folder / "a", folder / "b"
    begin = script("the embedded database")
    with EmbeddedPostgres(embedded, durable=False) as url:
        before = seen(url, compute_address)
        commands = begin + script("back up")
        carry_out(commands, folder, LEARNDA_DATA_DIR=str(embedded))
    with EmbeddedPostgres(other, durable=False) as url:
        seen(url, compute_address)  # what is there is replaced
        find = begin.splitlines()[0]
        carry_out(f"{find}\n{script('restore')}", folder, DATABASE_URL=url)
        assert seen(url, compute_address, before[0]) == before
        after = seen(url, compute_address)  # and it goes on
        assert after[2].replace(after[0], "") == before[2].replace(before[0], "")


def test_a_copied_folder_is_brought_back(folder: Path, compute_address: str) -> None:
    embedded, other = folder / "a", folder / "b"
    with EmbeddedPostgres(embedded) as url:
        before = seen(url, compute_address)
    carry_out(script("copy the folder"), folder, LEARNDA_DATA_DIR=str(embedded))
    carry_out(script("bring the folder back"), folder, LEARNDA_DATA_DIR=str(other))
    with EmbeddedPostgres(other) as url:
        assert seen(url, compute_address, before[0]) == before
