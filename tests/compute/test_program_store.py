"""Programs on the disk: found again by a new process, and never a reason to fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from experiments import experiment, run, series

from compute.engine import Engine
from compute.program_store import KEPT, ProgramStore

ASKED = {"end_time": 0.5, "ensemble_size": 6}
NEW_PROCESS = """
import sys
from pathlib import Path
from learnda.threads import limit_threads
limit_threads()
from experiments import experiment, run, series
from compute.engine import Engine
with Engine(cache_dir=Path(sys.argv[1]), hasty=True) as engine:
    events = run(engine, experiment(("enkf", {}), end_time=0.5, ensemble_size=6))
    print(engine.compile_count, series(events, "m0", "rmse_analysis")[0, -1].hex())
"""


def test_a_new_process_compiles_nothing_and_gets_the_same_bits(tmp_path: Path) -> None:
    """The enkf solves with LAPACK, which a process that traces nothing must look up too."""
    found = [_in_a_new_process(tmp_path) for _ in range(2)]
    assert int(found[0][0]) > 0
    assert int(found[1][0]) == 0
    assert found[0][1] == found[1][1]


def test_damaged_files_are_compiled_anew(tmp_path: Path) -> None:
    asked = experiment(("enkf", {}), **ASKED)
    with Engine(cache_dir=tmp_path, hasty=True) as engine:
        before = series(run(engine, asked), "m0", "rmse_analysis")
        compiled = engine.compile_count
    files = list(tmp_path.glob("*.program"))
    assert len(files) == compiled
    for i, file in enumerate(files):
        file.write_bytes(file.read_bytes()[: 1000 * (i % 2)])
    with Engine(cache_dir=tmp_path, hasty=True) as engine:
        np.testing.assert_array_equal(series(run(engine, asked), "m0", "rmse_analysis"), before)
        assert engine.compile_count == compiled


def test_the_longest_unused_go_first(tmp_path: Path) -> None:
    for i in range(KEPT + 3):
        file = tmp_path / f"{i}.program"
        file.touch()
        os.utime(file, (i, i))
    ProgramStore(tmp_path)
    assert {int(file.stem) for file in tmp_path.iterdir()} == set(range(3, KEPT + 3))


def _in_a_new_process(folder: Path) -> list[str]:
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", NEW_PROCESS, str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(here.parents[1])])},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()
