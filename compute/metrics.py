"""Compute's own ``/metrics``, at a port of its own where one is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, start_http_server
from prometheus_client.registry import Collector

from learnda.compute_metrics import families
from learnda.v1 import assimilation_pb2 as pb


class _Activity(Collector):
    def __init__(self, activity: Callable[[], pb.Activity]) -> None:
        self._activity = activity

    def collect(self) -> Iterable[Metric]:
        return families(self._activity())


def serve_metrics(host: str, port: int, activity: Callable[[], pb.Activity]) -> None:
    """Answer in a thread of its own until the process ends; OSError when the port is taken."""
    registry = CollectorRegistry()
    registry.register(_Activity(activity))
    ProcessCollector(registry=registry)
    start_http_server(port, host, registry)
