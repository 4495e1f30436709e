"""AssimilationService on grpc.aio: validate, submit, stream; cancel when the call ends.

Nothing here computes or blocks: the engine has its own thread, and a run leaves it as events.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from typing import cast

import grpc

from compute import messages
from compute.engine import Engine, Run
from compute.events import Checkpoint, Event, RunCompleted, RunStarted
from compute.failures import BusyError, ShuttingDownError, abort
from compute.settings import ServerSettings
from learnda import wire
from learnda.cost import estimate
from learnda.declarations import Methods
from learnda.experiment import Experiment
from learnda.problems import InvalidRequest, Problem
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceServicer
from learnda.validation import resolve

EXPERIMENT_BYTES = 1_000_000
METHODS_BYTES = 250_000
"""What the parts of a request may take: what is larger is refused before it is read."""

Context = grpc.aio.ServicerContext[pb.RunExperimentRequest, pb.RunExperimentResponse]


class AssimilationService(AssimilationServiceServicer):
    """The servicer over one engine; ``methods`` are what it offers, ``server`` what it runs on."""

    def __init__(
        self, engine: Engine, methods: Methods, server: pb.Server, settings: ServerSettings
    ) -> None:
        self._engine = engine
        self._methods = methods
        self._server = server
        self._settings = settings
        self._limits = settings.limits
        self._runs: dict[Run, int] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False

    async def ListMethods(  # noqa: N802  the names of the service are those of the contract
        self, request: pb.ListMethodsRequest, context: Context
    ) -> pb.ListMethodsResponse:
        """The declarations of every method."""
        return wire.methods_to_proto(self._methods.values())

    async def GetServerInfo(  # noqa: N802
        self, request: pb.GetServerInfoRequest, context: Context
    ) -> pb.GetServerInfoResponse:
        """Versions, devices, limits, compiled programs."""
        limits = self._limits
        return pb.GetServerInfoResponse(
            server=self._server,
            limits=pb.Limits(
                max_bytes=limits.max_bytes,
                max_operations=limits.max_operations,
                max_rows=limits.max_rows,
                max_methods=limits.max_methods,
            ),
            programs=[
                pb.CompiledProgram(name=p.name, shape=p.shape, compile_seconds=p.compile_seconds)
                for p in self._engine.programs()
            ],
        )

    async def RunExperiment(  # noqa: N802
        self, request: pb.RunExperimentRequest, context: Context
    ) -> AsyncIterator[pb.RunExperimentResponse]:
        """The stream of one run; when the call ends in any way, so does its computation."""
        try:
            experiment = self._resolve(request)
            resume_from = wire.join_checkpoint(request.resume_from)
            interval = request.checkpoint_interval_seconds
            del request  # a checkpoint may be large
            with self._submitted(experiment, resume_from or None, interval) as run:
                del resume_from
                completed = False
                async with aclosing(cast(AsyncGenerator[Event], aiter(run))) as events:
                    async for event in events:
                        for message in self._messages(event, experiment):
                            yield message
                        completed = isinstance(event, RunCompleted)
                if not completed:  # only `end_runs` cancels a run whose call goes on
                    raise ShuttingDownError
        except Exception as error:
            await abort(context, error)

    async def end_runs(self, patience: float) -> None:
        """Take no more runs; those still going after ``patience`` seconds end as UNAVAILABLE."""
        self._closing = True
        try:
            await asyncio.wait_for(self._idle.wait(), patience)
        except TimeoutError:
            for run in self._runs:
                run.cancel()

    def _resolve(self, request: pb.RunExperimentRequest) -> Experiment:
        problems = []
        if request.experiment.ByteSize() > EXPERIMENT_BYTES:
            problems.append(Problem("experiment", f"must be under {EXPERIMENT_BYTES:,} bytes"))
        if sum(method.ByteSize() for method in request.methods) > METHODS_BYTES:
            problems.append(Problem("methods", f"must be under {METHODS_BYTES:,} bytes"))
        interval = request.checkpoint_interval_seconds
        if not (math.isfinite(interval) and interval >= 0):
            problems.append(Problem("checkpoint_interval_seconds", "must be at least 0"))
        if problems:
            raise InvalidRequest(problems)
        return resolve(
            wire.request_from_proto(request),
            self._methods,
            limits=self._limits,
            draw_seed=lambda: secrets.randbits(53),
        )

    @contextmanager
    def _submitted(
        self, experiment: Experiment, resume_from: bytes | None, interval: float
    ) -> Iterator[Run]:
        """A run on the engine while the context lasts, within what this server takes at a time."""
        size = estimate(experiment).bytes
        if self._closing:
            raise ShuttingDownError
        if len(self._runs) >= self._settings.max_runs:
            raise BusyError(f"{len(self._runs)} runs are being computed, as many as allowed")
        if self._runs and size + sum(self._runs.values()) > self._limits.max_bytes:
            raise BusyError("the runs that are being computed leave too little memory for this one")
        run = self._engine.submit(experiment, resume_from=resume_from, checkpoint_interval=interval)
        self._runs[run] = size
        self._idle.clear()
        try:
            yield run
        finally:
            run.cancel()
            del self._runs[run]
            if not self._runs:
                self._idle.set()

    def _messages(self, event: Event, experiment: Experiment) -> Iterator[pb.RunExperimentResponse]:
        match event:
            case RunStarted():
                yield messages.started(event, experiment, self._server)
            case Checkpoint() if len(event.data) > self._settings.max_message_bytes // 2:
                return  # a request could not bring it back
            case _:
                yield from messages.messages(event)
