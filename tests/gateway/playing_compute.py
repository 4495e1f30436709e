"""A compute server that plays messages whose numbers are known: ``playing_compute.py ADDRESS``.

A process of its own: tests start gateways by forking, which a gRPC server beside them disturbs.
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from stream_messages import gathered, progress, started, whole_run

from learnda.declarations import Method, OnlyWith, Parameter
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import (
    AssimilationServiceServicer,
    add_AssimilationServiceServicer_to_server,
)
from learnda.wire import methods_to_proto

STEPS = 10
TAPER = Parameter("taper", "str", "box", "Taper", "How it falls.", choices=("box", "none"))
RADIUS = Parameter("r", "int", 2, "Radius", "Sites.", only_with=OnlyWith("taper", ("box",)))
METHODS = (
    Method("letkf", "Local.", "", (TAPER, RADIUS), requires_model=True),
    Method("free-run", "No filter.", "", baseline=True, refuses=("obs_error", "forecast_leads")),
)


class Playing(AssimilationServiceServicer):
    """The id of a run's method says what is played: all, all but diagnostics, or a beginning."""

    def ListMethods(self, request: Any, context: Any) -> pb.ListMethodsResponse:  # noqa: N802
        return methods_to_proto(METHODS)

    def RunExperiment(self, request: Any, context: Any) -> Any:  # noqa: N802
        (id,) = (method.id for method in request.methods)
        match id:
            case "=told":
                replicates = request.experiment.replicates
                yield from whole_run(id, steps=STEPS, replicates=replicates, diagnostics=True)
            case "untold":
                yield from whole_run(id, steps=STEPS)
            case _:
                yield started(STEPS)
                if id == "half":
                    yield progress(id, 0, 4, diagnostics=gathered(4))
                left = threading.Event()
                context.add_callback(left.set)
                left.wait()


if __name__ == "__main__":
    server = grpc.server(ThreadPoolExecutor(16))
    add_AssimilationServiceServicer_to_server(Playing(), server)  # type: ignore[no-untyped-call]
    server.add_insecure_port(sys.argv[1])
    server.start()
    server.wait_for_termination()
