"""How a channel spreads its calls over the compute servers behind one name."""

from __future__ import annotations

import json
from typing import Any, Final

SERVERS_THAT_SERVE: Final[dict[str, Any]] = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "healthCheckConfig": {"serviceName": ""},
}
"""Calls go round the servers whose health service does not say that they are stuck or stopping."""
BALANCED: Final = ("grpc.service_config", json.dumps(SERVERS_THAT_SERVE))
"""An option of a channel."""
