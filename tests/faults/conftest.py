"""Faults: which tests need root, and that none waits for ever.

`slow` marks what only `make test-faults` runs; all others run in `make test` too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from gateway_process import GatewayProcess
from outcomes import Outcome, undisturbed_outcome
from processes import client, wait_ready

FOLDER: Final = Path(__file__).resolve().parent
PATIENCE: Final = 240.0
"""Seconds after which a test fails, with the stacks of its threads; `timeout` marks say others."""
LEFT_OUT: Final = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only root can do, unless we are root; set every test a time limit."""
    ours = [item for item in items if FOLDER in item.path.parents]
    for item in ours:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(PATIENCE))
    out = [] if os.geteuid() == 0 else [i for i in ours if i.get_closest_marker("needs_root")]
    config.stash[LEFT_OUT] = [item.nodeid for item in out]
    if out:
        items[:] = [item for item in items if item not in out]
        config.hook.pytest_deselected(items=out)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name what was left out."""
    left_out = config.stash.get(LEFT_OUT, [])
    if left_out:
        terminalreporter.section("not run: only root can")
        for name in left_out:
            terminalreporter.line(name)


@pytest.fixture(scope="session")
def undisturbed(compute_address: str, new_database: Callable[[], str]) -> Outcome:
    """What the run that the tests disturb comes to when nobody disturbs it."""
    with GatewayProcess(new_database(), compute_address) as gateway, client(gateway) as api:
        wait_ready(gateway)
        return undisturbed_outcome(api)
