"""Viewers whose network vanishes: no FIN, no reset, nothing."""

from __future__ import annotations

import pytest
from crowd import crowd
from cut_network import HERE, elsewhere
from gateway_process import GatewayProcess, open_stream, post
from processes import client, gauge, playing_compute, wait_for_methods
from waiting import until

PING = 1.0
SEND_TIMEOUT = 2.0
SLACK = 1.5
VIEWERS = 5
HALF = {"end_time": 0.9, "methods": [{"id": "half", "name": "letkf"}]}
SETTINGS = {
    "LEARNDA_HOST": HERE,
    "LEARNDA_OPEN": "1",
    "KEEPALIVE_SECONDS": str(PING),
    "LEARNDA_SEND_TIMEOUT_SECONDS": str(SEND_TIMEOUT),
}


@pytest.mark.slow
@pytest.mark.needs_root
def test_case_12_a_viewer_whose_network_vanishes(postgres_url: str) -> None:
    """Its stream is freed within ping plus send timeout; who is still there is not disturbed."""
    with elsewhere() as there, playing_compute() as address:
        gateway = GatewayProcess(postgres_url, address, **SETTINGS)
        gateway.url = f"http://{HERE}:{gateway.port}"
        with gateway, client(gateway) as api:
            wait_for_methods(gateway)
            path = f"/api/runs/{post(api, HALF)}/events"
            far = crowd(gateway, VIEWERS, path, host=HERE, within=there.within)
            with open_stream(api, path) as here, far:
                assert gauge(gateway, "learnda_viewers") == VIEWERS + 1
                there.cut()
                until(
                    "their streams are freed",
                    lambda: gauge(gateway, "learnda_viewers") == 1,
                    PING + SEND_TIMEOUT + SLACK,
                )
                assert [e.type for e, _ in zip(here, range(10), strict=False)][-2:] == 2 * [
                    "keepalive"
                ]
