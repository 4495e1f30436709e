"""What a compute server has done, as Prometheus reads it: from itself, or through the gateway."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from learnda.v1 import assimilation_pb2 as pb


def families(activity: pb.Activity) -> Iterator[Metric]:
    """One sample each, labelled with the server."""
    for kind, name, help_, value in (
        (CounterMetricFamily, "cycles", "Cycles computed.", activity.cycle_count),
        (CounterMetricFamily, "compilations", "Programs compiled.", activity.compile_count),
        (
            CounterMetricFamily,
            "compile_seconds",
            "Seconds spent compiling programs.",
            activity.compile_seconds,
        ),
        (
            GaugeMetricFamily,
            "runs_active",
            "Runs that are being computed.",
            activity.active_run_count,
        ),
        (
            CounterMetricFamily,
            "analyses",
            "Ensembles of clients analysed.",
            activity.analysis_count,
        ),
        (
            GaugeMetricFamily,
            "sessions_open",
            "Calls of Assimilate that are open.",
            activity.open_session_count,
        ),
        (
            GaugeMetricFamily,
            "longest_step_seconds",
            "Age of the oldest step on the device.",
            activity.longest_step_seconds,
        ),
        (
            GaugeMetricFamily,
            "start_time_seconds",
            "When the server began, in seconds of the epoch.",
            activity.started_at,
        ),
    ):
        family = kind(f"learnda_compute_{name}", help_, labels=["server"])
        family.add_metric([activity.identity], value)
        yield family
