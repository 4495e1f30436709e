"""What the parts of a request may take: what is larger is refused before it is read."""

from __future__ import annotations

from learnda.problems import Collector
from learnda.v1 import assimilation_pb2 as pb

EXPERIMENT_BYTES = 1_000_000
METHODS_BYTES = 250_000


def refuse_large_experiment(experiment: pb.Experiment, found: Collector) -> None:
    """A problem if it is too large to be read."""
    if experiment.ByteSize() > EXPERIMENT_BYTES:
        found.add("experiment", f"must be under {EXPERIMENT_BYTES:,} bytes")


def refuse_large_methods(request: pb.RunExperimentRequest, found: Collector) -> None:
    """A problem if its methods are together."""
    if sum(method.ByteSize() for method in request.methods) > METHODS_BYTES:
        found.add("methods", f"must be under {METHODS_BYTES:,} bytes")
