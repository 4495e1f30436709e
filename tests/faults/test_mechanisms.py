"""What the cases rest on: with one mechanism taken out of the gateway, its case's test fails.

The gateway is copied, one text in the copy is replaced, and the case's own test runs on the copy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from processes import ROOT

SECONDS: Final = 150
KILLED: Final = "test_killed_carriers.py"


@dataclass(frozen=True, slots=True)
class Mechanism:
    """What is taken out, and which test must then fail, with which words."""

    name: str
    file: str
    text: str
    instead: str
    test: str
    says: str


MECHANISMS: Final = (
    Mechanism(
        "lease",
        "store/queue.py",
        "status = 'queued' OR lease_until < clock_timestamp() AS waits",
        "status = 'queued' AS waits",
        f"{KILLED}::test_case_02_a_killed_carrier[0.1]",
        "the run is taken over",
    ),
    Mechanism(
        "fence",
        "store/queue.py",
        "WHERE id = %(run_id)s AND generation = %(generation)s AND status = 'running'",
        "WHERE id = %(run_id)s AND status = 'running'",
        f"{KILLED}::test_case_03_a_carrier_that_wakes_while_another_has_the_run",
        "not refused",
    ),
    Mechanism(
        "numbers are taken in the transaction that writes the events",
        "store/queue.py",
        """    async with transaction(pool) as connection:
        cursor = await connection.execute(
            \"\"\"
            UPDATE learnda.run SET last_event""",
        """    async with pool.connection() as connection:
        cursor = await connection.execute(
            \"\"\"
            UPDATE learnda.run SET last_event""",
        "test_store_faults.py::test_case_01_two_writers_and_a_reader_that_polls",
        "missed",
    ),
    Mechanism(
        "numbers go on from the last event",
        "store/queue.py",
        "first_id = last_event - len(batch.events) + 1",
        "first_id = last_event - len(batch.events) + 2",
        "test_store_faults.py::test_case_01_two_writers_and_a_reader_that_polls",
        "missed",
    ),
)


@pytest.mark.slow
@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda mechanism: mechanism.name)
def test_without_it_its_case_fails(tmp_path: Path, mechanism: Mechanism) -> None:
    """By an assertion that says what is wrong; and with it, on a copy as well, the case holds."""
    copy = tmp_path / "gateway"
    shutil.copytree(ROOT / "gateway", copy, ignore=shutil.ignore_patterns("__pycache__"))
    assert failure(tmp_path, mechanism.test) is None
    file = copy / mechanism.file
    code = file.read_text()
    assert code.count(mechanism.text) == 1, "the mechanism is written otherwise by now"
    file.write_text(code.replace(mechanism.text, mechanism.instead))
    said = failure(tmp_path, mechanism.test)
    assert said is not None, f"{mechanism.test} passes without the mechanism"
    assert said.startswith("AssertionError"), said
    assert mechanism.says in said


def failure(folder: Path, test: str) -> str | None:
    """What one test says when it runs with the gateway that lies in ``folder``; None: it passes."""
    report = folder / "report.xml"
    command = [
        *(sys.executable, "-m", "pytest", "-q", f"--junitxml={report}"),
        *("-o", f"pythonpath={folder} . tests/gateway"),
        f"tests/faults/{test}",
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    (case,) = ET.parse(report).iter("testcase")
    assert case.find("error") is None, done.stdout
    found = case.find("failure")
    return None if found is None else found.attrib["message"]
