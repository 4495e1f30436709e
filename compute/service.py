"""AssimilationService on grpc.aio: validate, submit, stream; cancel when the call ends.

Nothing here computes or blocks: the engine has its own thread, and a run leaves it as events.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any

import grpc
import structlog
from google.protobuf.message import Message

from compute import messages
from compute.admission import Admission
from compute.analyses.calls import AnalysisCalls
from compute.analyses.setting import analysis_of
from compute.calling import ending
from compute.engine import Engine
from compute.events import Checkpoint, Compiling, Event, RunCompleted, RunStarted
from compute.failures import abort
from compute.integrate_service import integrate
from compute.nature_service import stream_nature
from compute.request_sizes import refuse_large_experiment, refuse_large_methods
from compute.resources import Resources
from compute.settings import ServerSettings
from learnda import wire
from learnda.cost import estimate
from learnda.declarations import Methods
from learnda.experiment import Experiment
from learnda.problems import Collector, InvalidRequest, Problem
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1 import common_pb2 as common
from learnda.v1.assimilation_pb2_grpc import AssimilationServiceServicer
from learnda.v1.integration_pb2 import IntegrateRequest, IntegrateResponse
from learnda.validation import resolve

log = structlog.get_logger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]


class AssimilationService(AssimilationServiceServicer):
    """The servicer over one engine; ``methods`` are what it offers, ``server`` what it runs on."""

    def __init__(
        self, engine: Engine, methods: Methods, server: common.Server, settings: ServerSettings
    ) -> None:
        self._engine = engine
        self._methods = methods
        self._server = server
        self._settings = settings
        self._limits = settings.limits
        self._admission = Admission(max_runs=settings.max_runs, max_bytes=settings.limits.max_bytes)
        self._analyses = AnalysisCalls(engine, self._admission, server, settings)
        self._resources = Resources(engine, self._admission, server, settings.limits)
        self._started_at = time.time()
        self.identity = ""
        """Where this server is found: its host's name and its port."""

    async def ListMethods(  # noqa: N802  the names of the service are those of the contract
        self, request: pb.ListMethodsRequest, context: Context
    ) -> pb.ListMethodsResponse:
        """The declarations of every method."""
        await _refuse_what_is_none(request, context)
        response = wire.methods_to_proto(self._methods.values())
        for method in response.methods:
            entry = analysis_of(method.name)
            method.analyzes = entry is not None
            method.needs_sites = entry is not None and entry.needs_ring
        return response

    async def GetServerInfo(  # noqa: N802
        self, request: pb.GetServerInfoRequest, context: Context
    ) -> pb.GetServerInfoResponse:
        """Versions, devices, limits, compiled programs, activity."""
        await _refuse_what_is_none(request, context)
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
            activity=self.activity(),
        )

    def activity(self) -> pb.Activity:
        """What was done since the start, and what goes on."""
        return pb.Activity(
            identity=self.identity,
            started_at=self._started_at,
            cycle_count=self._engine.cycle_count,
            compile_count=self._engine.compile_count,
            compile_seconds=self._engine.compile_seconds,
            active_run_count=self._admission.count,
            longest_step_seconds=self._engine.seconds_stuck(),
            analysis_count=self._analyses.count,
            open_session_count=self._analyses.session_count,
        )

    async def RunExperiment(  # noqa: N802
        self, request: pb.RunExperimentRequest, context: Context
    ) -> AsyncIterator[pb.RunExperimentResponse]:
        """The stream of one run; when the call ends in any way, so does its computation."""
        async with self._call("run", request, context):
            experiment = self._resolve(request)
            submit = partial(
                self._engine.submit,
                experiment,
                resume_from=wire.join_checkpoint(request.resume_from) or None,
                checkpoint_interval=request.checkpoint_interval_seconds,
            )
            resumed = bool(request.resume_from)
            del request  # a checkpoint may be large
            log.info("run begins", steps=experiment.step_count, resumed=resumed)
            events = self._admission.events(estimate(experiment).bytes, submit)
            del submit
            async with aclosing(events):
                async for event in events:
                    for message in self._messages(event, experiment):
                        yield message
                    if isinstance(event, RunCompleted):
                        break

    async def Integrate(  # noqa: N802
        self, request: IntegrateRequest, context: Context
    ) -> AsyncIterator[IntegrateResponse]:
        """States forward in time, see `compute.integrate_service`."""
        async with (
            self._call("integration", request, context),
            aclosing(integrate(request, self._resources)) as messages,
        ):
            async for message in messages:
                yield message

    async def StreamNature(  # noqa: N802
        self, request: pb.StreamNatureRequest, context: Context
    ) -> AsyncIterator[pb.StreamNatureResponse]:
        """Truth and observations without methods, see `compute.nature_service`."""
        async with (
            self._call("nature", request, context),
            aclosing(stream_nature(request, self._resources)) as messages,
        ):
            async for message in messages:
                yield message

    async def Analyze(self, request: Any, context: Context) -> Any:  # noqa: N802
        """One analysis, in one message."""
        return await self._analyses.analyze(request, context)

    async def AnalyzeInParts(self, _: Any, context: Context) -> None:  # noqa: N802
        """One analysis, however large."""
        await self._analyses.analyze_in_parts(context)

    async def Assimilate(self, _: Any, context: Context) -> None:  # noqa: N802
        """A session."""
        await self._analyses.assimilate(context)

    async def end_runs(self, patience: float) -> None:
        """Take no more runs; those still going after ``patience`` seconds end as UNAVAILABLE."""
        await self._admission.end(patience)

    @asynccontextmanager
    async def _call(
        self, what: str, request: Message | None, context: Context
    ) -> AsyncIterator[None]:
        """One call: its failures become statuses, and the log says how it ended."""
        await _refuse_what_is_none(request, context)
        del request  # it may be large
        async with ending(what, context):
            yield

    def _resolve(self, request: pb.RunExperimentRequest) -> Experiment:
        found = Collector()
        refuse_large_experiment(request.experiment, found)
        refuse_large_methods(request, found)
        interval = request.checkpoint_interval_seconds
        if not (math.isfinite(interval) and interval >= 0):
            found.add("checkpoint_interval_seconds", "must be at least 0")
        found.raise_if_any()
        return resolve(
            wire.request_from_proto(request),
            self._methods,
            limits=self._limits,
            draw_seed=lambda: secrets.randbits(53),
        )

    def _messages(self, event: Event, experiment: Experiment) -> Iterator[pb.RunExperimentResponse]:
        match event:
            case RunStarted():
                yield messages.started(event, experiment, self._server)
            case Compiling():
                log.info("compiling", program=event.program, expected=event.estimated_seconds)
                yield from messages.messages(event)
            case Checkpoint() if len(event.data) > self._settings.max_message_bytes // 2:
                return  # a request could not bring it back
            case _:
                yield from messages.messages(event)


async def _refuse_what_is_none(request: Message | None, context: Context) -> None:
    """End the call if the request could not be read: see `compute.lenient`."""
    if request is None:
        await abort(context, InvalidRequest([Problem("request", "is not a message of this API")]))
