"""``learn-da run`` and ``learn-da methods``, as processes."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
COLUMNS = (
    "run_id,method_id,name,label,step,t,error_b,error_a,"
    "replicate,rmse_background,rmse_analysis,spread_background,spread_analysis"
)
REQUEST: dict[str, Any] = {
    "end_time": 1.0,
    "seed": 7,
    "replicates": 2,
    "methods": [
        {"id": "m1", "name": "etkf", "label": "=ETKF, plain"},
        {"id": "m2", "name": "letkf", "params": {"r": 2}},
    ],
}


def learn_da(
    *arguments: str, given: str | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LEARNDA_CACHE_DIR": str(ROOT / ".cache" / "jax"), **settings}
    return subprocess.run(
        [sys.executable, "-m", "learnda.cli", *arguments],
        input=given,
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8"), newline="")))


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    path = tmp_path / "request.json"
    path.write_text(json.dumps(REQUEST))
    return path


def test_a_run_here_shows_scores_and_writes_the_contracts_csv(
    request_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "out.csv"
    done = learn_da("run", str(request_file), "--csv", str(file))
    assert done.returncode == 0, done.stderr
    assert "=ETKF, plain" in done.stdout
    assert "letkf" in done.stdout
    assert "analysis" in done.stdout
    assert file.read_bytes().count(b"\r\n") == 1 + 2 * 2 * 11
    head, *rows = rows_of(file)
    assert ",".join(head) == COLUMNS
    order = [(row[1], int(row[8]), int(row[4])) for row in rows]
    assert order == [(m, r, k) for m in ("m1", "m2") for r in range(2) for k in range(11)]
    assert {row[3] for row in rows if row[1] == "m1"} == {"'=ETKF, plain"}
    assert all(float(value) >= 0 for row in rows for value in (*row[5:8], *row[9:]))


def test_here_and_on_a_server_the_numbers_are_the_same(
    request_file: Path, tmp_path: Path, stack: str
) -> None:
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    first = learn_da("run", str(request_file), "--csv", str(here))
    second = learn_da("run", str(request_file), "--csv", str(there), "--server", stack)
    assert second.returncode == 0, second.stderr
    assert scores(first.stdout) == scores(second.stdout)

    def text_and_numbers(rows: Sequence[Sequence[str]]) -> list[object]:
        return [(*row[1:5], *map(float, row[5:])) for row in rows[1:]]

    assert rows_of(here)[0] == rows_of(there)[0]
    assert text_and_numbers(rows_of(here)) == text_and_numbers(rows_of(there))


def scores(output: str) -> list[str]:
    """The lines of the table, without its layout."""
    lines = output[output.index("background") : output.index("RMSE ±")].splitlines()[2:]
    return [" ".join(line.split()) for line in lines if re.search(r"\d", line)]


@pytest.mark.parametrize("on_server", [False, True])
def test_a_refused_request_names_its_fields(on_server: bool, stack: str) -> None:
    body = {"m": -1, "methods": [{"id": "a", "name": "etkf", "params": {"r": 3}}]}
    where = ["--server", stack] if on_server else []
    done = learn_da("run", "-", *where, given=json.dumps(body))
    assert done.returncode == 1
    assert re.search(r"^  m: ", done.stderr, re.MULTILINE)
    assert re.search(r"^  methods\.0\.params\.r: ", done.stderr, re.MULTILINE)
    assert "Traceback" not in done.stderr


def test_what_cannot_be_read_or_reached_is_said(tmp_path: Path, request_file: Path) -> None:
    for arguments, sentence in (
        (["run", str(tmp_path / "none.json")], "cannot be read"),
        (["run", str(request_file), "--server", "http://127.0.0.1:1"], "cannot be reached"),
    ):
        done = learn_da(*arguments)
        assert done.returncode == 1
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
    done = learn_da("run", "-", given="{not json")
    assert "cannot be read as JSON" in done.stderr


def test_interrupting_a_run_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    path.write_text(json.dumps({**REQUEST, "end_time": 5000.0, "replicates": 20}))
    process = subprocess.Popen(
        [sys.executable, "-m", "learnda.cli", "run", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LEARNDA_CACHE_DIR": str(ROOT / ".cache" / "jax")},
    )
    assert process.stdout is not None
    process.stdout.readline()  # it has begun
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode not in (0, None)
    assert "Traceback" not in errors


def test_methods_are_listed() -> None:
    listed = learn_da("methods")
    declared = json.loads(learn_da("methods", "--json").stdout)
    names = [method["name"] for method in declared]
    assert names == sorted(names)
    assert {"enkf", "etkf", "letkf"} <= set(names)
    assert all(name in listed.stdout for name in names)


def test_the_version_is_told() -> None:
    assert re.fullmatch(r"learn-da \d+\.\d+\.\d+\n", learn_da("--version").stdout)


def test_the_gateway_alone_needs_a_database() -> None:
    done = learn_da("gateway", DATABASE_URL="")
    assert done.returncode == 2
    assert "DATABASE_URL is not set" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_tokens_are_made_listed_and_revoked(tmp_path: Path) -> None:
    file = tmp_path / "access.toml"
    there = {"LEARNDA_ACCESS_FILE": str(file)}
    made = learn_da("token", "new", "ada", "--max-queued", "3", **there)
    assert re.fullmatch(r"learnda_[\w-]{43}\n", made.stdout)
    assert made.stdout.strip() not in file.read_text()
    assert learn_da("token", "new", "bob", **there).returncode == 0
    assert learn_da("token", "list", **there).stdout.splitlines() == [
        "ada: 3 runs queued",
        "bob: 200 runs queued",
    ]
    assert learn_da("token", "revoke", "ada", **there).returncode == 0
    again = learn_da("token", "revoke", "ada", **there)
    assert (again.returncode, again.stderr) == (1, f"Error: {file}: there is no token ada\n")
    assert learn_da("token", "list", **there).stdout == "bob: 200 runs queued\n"
    assert learn_da("token", "list", LEARNDA_ACCESS_FILE="").returncode == 2
