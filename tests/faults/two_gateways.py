"""Two gateways on one database, of which one carries a run."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from typing import Final

from gateway_process import GatewayProcess, post
from outcomes import BODY, watch
from processes import ask, carried, client, wait_ready
from waiting import until

LEASE: Final = 1.5
POLL: Final = 0.2
SETTINGS: Final = {
    "LEARNDA_LEASE_SECONDS": str(LEASE),
    "POLL_INTERVAL_SECONDS": str(POLL),
    "LEARNDA_RETRY_SECONDS": "0.2",
}


class Two:
    """``first`` carries the run, of which ``seen`` was seen."""

    def __init__(self, database_url: str, compute: str, stack: ExitStack, **settings: str) -> None:
        self.database_url = database_url
        both = [GatewayProcess(database_url, compute, **(SETTINGS | settings)) for _ in range(2)]
        for gateway in both:
            stack.enter_context(gateway)
            wait_ready(gateway)
        with client(both[0]) as api:
            self.run_id = post(api, BODY)
            self.seen = watch(api, self.run_id, 300)
        self.first, self.second = both if carried(both[0]) else both[::-1]
        assert carried(self.first), "the run was too quick"

    def ask(self, sql: str) -> int:
        return ask(self.database_url, sql)

    def carriers(self) -> int:
        """How many have carried the run until now."""
        return self.ask("SELECT generation FROM learnda.run")

    def written(self) -> int:
        """The number of the run's newest event."""
        return self.ask("SELECT last_event FROM learnda.run")

    def pause_first(self) -> None:
        """Between two transactions: one that is cut in two, the database ends by itself."""
        sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'learn-da gateway'"

        def is_paused() -> bool:
            self.first.kill(signal.SIGSTOP)
            time.sleep(0.1)  # what it has said may still be worked on
            if self.ask(f"{sql} AND xact_start IS NOT NULL") == 0:
                return True
            self.first.kill(signal.SIGCONT)
            time.sleep(0.02)
            return False

        until("it is paused between two transactions", is_paused)
