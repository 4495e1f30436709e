"""The contract may grow; what would break a client of the released one is found by `make lint`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
RELEASED = ROOT / "proto" / "released.json"
FILE = "learnda/v1/analysis.proto"


def breaking(folder: Path) -> subprocess.CompletedProcess[str]:
    """`buf breaking` on a contract, as `make lint` calls it."""
    buf = Path(sys.executable).parent / "buf"
    command = [buf, "breaking", "--against", RELEASED]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    shutil.copytree(ROOT / "proto", tmp_path / "proto")
    return tmp_path


def change(contract: Path, before: str, after: str) -> None:
    file = contract / "proto" / FILE
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))


def test_the_contract_as_it_is_breaks_nobody(contract: Path) -> None:
    done = breaking(contract)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_field_breaks_nobody(contract: Path) -> None:
    change(contract, "  int64 cycle = 4;\n", "  int64 cycle = 4;\n  // New.\n  int64 more = 99;\n")
    assert breaking(contract).returncode == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  int64 cycle = 4;\n", ""),
        ("  int64 cycle = 4;\n", "  int32 cycle = 4;\n"),
        ("  int64 cycle = 4;\n", "  int64 cycle = 5;\n"),
        ("  int64 cycle = 4;\n", "  int64 cycle_number = 4;\n"),
    ],
    ids=["gone", "of-another-type", "of-another-number", "of-another-name"],
)
def test_a_field_that_clients_know_must_stay_as_it_is(
    contract: Path, before: str, after: str
) -> None:
    change(contract, before, after)
    done = breaking(contract)
    assert done.returncode != 0
    assert FILE in done.stdout
