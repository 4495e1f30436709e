"""``learn-da accuracy`` as a person calls it: published numbers are met, a wrong one is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from learnda import accuracy

QUICK = (
    *("S08-penkf-28", "S08-denkf-40", "S08-etkf-20", "S08-ensrf-28", "S08-enkfn-24"),
    *("S08-letkf-7", "S08-eakf-7", "S08-extkf", "S08-lost-etkf"),
    *("S08-climatology", "S08-optinterp", "S08-3dvar"),
)
"""The rows that take seconds; the whole table is `learn-da accuracy`."""


ROOT = Path(__file__).resolve().parents[2]


def learn_da(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "learnda.cli", "accuracy", *arguments],
        env={**os.environ, "LEARNDA_CACHE_DIR": "", "LEARNDA_DATA_DIR": str(ROOT / ".cache")},
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_published_numbers_are_met() -> None:
    done = learn_da("--rows", ",".join(QUICK), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {row["id"]: row for row in json.loads(done.stdout)}
    assert set(rows) == set(QUICK)
    for row in rows.values():
        assert row["meets"]
        assert row["cycles"] >= 10_000
        assert row["standard_error"] > 0
    assert rows["S08-lost-etkf"]["status"] == "diverged"


def test_a_number_that_is_missed_is_told_and_fails(tmp_path: Path) -> None:
    table = json.loads((Path(accuracy.__file__).parent / "lorenz96.json").read_text())
    row = next(row for row in table["rows"] if row["id"] == "S08-climatology")
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({**table, "rows": [row | {"rmse_analysis": 3.0}]}))
    done = learn_da("--table", str(file), "--replicates", "2")
    assert done.returncode == 1
    assert "misses" in done.stdout
    assert "0 of 1 rows met" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--rows", "S08-none"), "no row is called S08-none"),
        (("--table", "/nowhere.json"), "/nowhere.json"),
        (("--precision", "float16", "--rows", "S08-climatology"), "precision"),
    ],
)
def test_what_cannot_be_run_is_said(arguments: tuple[str, ...], said: str) -> None:
    done = learn_da(*arguments)
    assert done.returncode == 2
    assert said in done.stdout + done.stderr
