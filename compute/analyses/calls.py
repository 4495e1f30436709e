"""Analyze, AnalyzeInParts and Assimilate: receive, check, have it computed, answer.

What a client announces is admitted before there is room for it; who neither sends nor reads for a
while loses the call. Nothing here computes or blocks.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any, Protocol

import grpc
import numpy as np
from numpy.typing import NDArray

from compute.admission import Admission
from compute.analyses.job import Answer, analysis, at_once
from compute.analyses.session import Session
from compute.analyses.setting import Setting, located, read_setting
from compute.analyses.task import Task, read_task
from compute.calling import ending
from compute.engine import Engine
from compute.failures import BusyError, IdleError
from compute.settings import ServerSettings
from learnda import tensors
from learnda.problems import InvalidRequest, Problem
from learnda.tensors import Gathering, Spec
from learnda.v1 import analysis_pb2 as pb
from learnda.v1 import common_pb2 as common
from learnda.v1 import tensors_pb2

UNARY_BYTES = 4_000_000
"""Of a request and its answer in one message: what gRPC's clients take unless told otherwise."""
MOST_CYCLE = 2**32 - 1
_ENSEMBLE = pb.AnalyzeResponse.ENSEMBLE_FIELD_NUMBER
_PART = pb.AnalyzeInPartsResponse.PART_FIELD_NUMBER
_SESSION_PART = pb.AssimilateResponse.PART_FIELD_NUMBER
_DTYPES = {
    common.PRECISION_UNSPECIFIED: "float64",
    common.PRECISION_FLOAT64: "float64",
    common.PRECISION_FLOAT32: "float32",
}

Context = grpc.aio.ServicerContext[Any, Any]
Arrays = dict[str, NDArray[Any]]


class _InParts(Protocol):
    """A message of a stream that may bring a part."""

    @property
    def part(self) -> tensors_pb2.TensorPart: ...


class AnalysisCalls:
    """The calls over one engine."""

    def __init__(
        self,
        engine: Engine,
        admission: Admission,
        server: common.Server,
        settings: ServerSettings,
    ) -> None:
        self._engine = engine
        self._admission = admission
        self._server = server
        self._settings = settings
        self._limits = settings.limits
        self._key = settings.state_key or secrets.token_bytes(32)
        self._sessions = 0
        self.count = 0
        """Ensembles analysed since the start."""

    @property
    def session_count(self) -> int:
        """Sessions that are open."""
        return self._sessions

    async def analyze(self, request: pb.AnalyzeRequest | None, context: Context) -> Any:
        """One message in, one out."""
        async with ending("analysis", context):
            request = _present(request)
            for path, tensor in tensors.tensors_of(request):
                if tensor.in_parts:
                    message = "must not be set: AnalyzeInParts takes tensors in parts"
                    raise InvalidRequest([Problem(f"{path}.in_parts", message)])
            gathering = Gathering(request, most_bytes=self._limits.max_bytes)
            if sum(spec.nbytes for spec in gathering.specs.values()) > UNARY_BYTES:
                message = f"must be under {UNARY_BYTES:,} bytes: larger ones go by AnalyzeInParts"
                raise InvalidRequest([Problem("request", message)])
            task = self._task(request, gathering.specs)
            with self._admission.room(task.bytes):
                gathering.allocate()
                response, ensemble = await self._answer(request, task, gathering)
            return tensors.with_tensor(response, _ENSEMBLE, ensemble)

    async def analyze_in_parts(self, context: Context) -> None:
        """The request's message and its parts in, the same out."""
        async with ending("analysis in parts", context):
            first = await self._receive(context)
            if first is None or first.WhichOneof("message") != "analyze":
                raise InvalidRequest([Problem("analyze", "must be sent first")])
            request = first.analyze
            gathering = Gathering(request, most_bytes=self._limits.max_bytes)
            task = self._task(request, gathering.specs)
            with self._admission.room(task.bytes):
                await self._gather(gathering, context)
                response, ensemble = await self._answer(request, task, gathering)
                response.ensemble.CopyFrom(tensors.fitting(ensemble))
                await self._send(context, pb.AnalyzeInPartsResponse(analysis=response))
                for part in tensors.following_fields(_PART, response, {"ensemble": ensemble}):
                    await self._send(context, part)

    async def assimilate(self, context: Context) -> None:
        """A session, from its opening to its end."""
        async with ending("session", context), self._place():
            first = await self._receive(context)
            if first is None or first.WhichOneof("message") != "open":
                raise InvalidRequest([Problem("open", "must be sent first")])
            session = await self._open(first.open, context)
            opened = pb.SessionOpened(
                setting=session.setting.message(), next_cycle=session.cycle, server=self._server
            )
            await self._send(context, pb.AssimilateResponse(opened=opened))
            while (message := await self._receive(context)) is not None:
                if message.WhichOneof("message") != "cycle":
                    raise InvalidRequest([Problem("cycle", "must be sent")])
                await self._cycle(session, message.cycle, context)

    # ------------------------------------------------------------ one analysis

    def _task(self, request: pb.AnalyzeRequest, specs: Mapping[str, Spec]) -> Task:
        """What is asked for, admitted."""
        if not 0 <= request.cycle <= MOST_CYCLE:
            raise InvalidRequest([Problem("cycle", f"must be from 0 to {MOST_CYCLE}")])
        ensemble = specs.get("ensemble")
        if ensemble is None:
            raise InvalidRequest([Problem("ensemble", "is required")])
        n = ensemble.shape[-1] if ensemble.shape else 0
        if n < 1:
            raise InvalidRequest([Problem("ensemble.shape", "must have at least one value")])
        setting = read_setting(request.setting, specs, n, draw_seed=_draw_seed)
        return self._read_task(setting, specs)

    def _read_task(
        self, setting: Setting, specs: Mapping[str, Spec], session: Session | None = None
    ) -> Task:
        return read_task(
            setting,
            specs,
            limits=self._limits,
            side_by_side=self._engine.side_by_side,
            members=session.members if session else None,
            dtype=session.dtype if session else None,
        )

    async def _answer(
        self, request: pb.AnalyzeRequest, task: Task, gathering: Gathering
    ) -> tuple[pb.AnalyzeResponse, NDArray[Any]]:
        """The response without its ensemble, and that."""
        arrays = gathering.arrays()
        shape = gathering.specs["ensemble"].shape
        task = replace(task, setting=located(task.setting, arrays))
        answer = await self._compute(task, arrays, cycle=request.cycle)
        response = pb.AnalyzeResponse(
            setting=task.setting.message(),
            diagnostics=[pb.AnalysisDiagnostics(**told) for told in answer.diagnostics],
            analysis_seconds=answer.seconds,
            server=self._server,
        )
        return response, answer.ensemble.reshape(shape)

    async def _compute(
        self,
        task: Task,
        arrays: Arrays,
        *,
        cycle: int,
        session: Session | None = None,
    ) -> Answer:
        carried: dict[str, Any] = {}
        if session is not None:
            carried = {"inflation": session.inflation, "neighbours": session.neighbours}
        soon = at_once(self._engine.device, task, arrays, self._limits, cycle=cycle, **carried)
        if soon is not None:
            answer = await asyncio.wrap_future(soon)
            self.count += task.form.batch
            return answer
        job = analysis(task, arrays, self._limits, cycle=cycle, **carried)
        events = self._admission.events(0, lambda: self._engine.job(job))
        async with aclosing(events):
            async for answer in events:
                self.count += task.form.batch
                return answer
        raise AssertionError("a job ends with its answer")

    # ------------------------------------------------------------ sessions

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """One of the sessions that this server holds at a time."""
        if self._sessions >= self._settings.max_sessions:
            raise BusyError(f"{self._sessions} sessions are open, as many as allowed")
        self._sessions += 1
        try:
            yield
        finally:
            self._sessions -= 1

    async def _open(self, message: pb.OpenSession, context: Context) -> Session:
        gathering = Gathering(message, most_bytes=self._limits.max_bytes)
        specs = gathering.specs
        problems = []
        if message.ensemble_size < 2:
            problems.append(Problem("ensemble_size", "must be at least 2"))
        if message.state_size < 1:
            problems.append(Problem("state_size", "must be at least 1"))
        if message.precision not in _DTYPES:
            problems.append(Problem("precision", "must be float64 or float32"))
        if problems:
            raise InvalidRequest(problems)
        setting = read_setting(message.setting, specs, message.state_size, draw_seed=_draw_seed)
        if "state" in specs:
            tensors.check(specs["state"], "state", axes=(1,), dtypes=("uint8",))
        with self._admission.room(sum(spec.nbytes for spec in specs.values())):
            await self._gather(gathering, context)
            arrays = gathering.arrays()
            session = Session(
                located(setting, arrays), message.ensemble_size, _DTYPES[message.precision]
            )
            if "state" not in arrays:
                return session
            any_seed = not message.setting.HasField("seed")
            return session.resume(
                arrays["state"].tobytes(), self._key, any_seed=any_seed, field_name="state"
            )

    async def _cycle(self, session: Session, message: pb.Cycle, context: Context) -> None:
        gathering = Gathering(message, most_bytes=self._limits.max_bytes)
        task = self._read_task(session.setting, gathering.specs, session)
        with self._admission.room(task.bytes):
            await self._gather(gathering, context)
            answer = await self._compute(
                task, gathering.arrays(), cycle=session.cycle, session=session
            )
            session.advance(answer)
            sealed = np.frombuffer(session.seal(self._key), np.uint8)
            told = pb.CycleAnalysis(
                cycle=session.cycle - 1,
                ensemble=tensors.fitting(answer.ensemble[0]),
                diagnostics=pb.AnalysisDiagnostics(**answer.diagnostics[0]),
                mean=pb.AnalysisDiagnostics(**session.means()),
                state=tensors.fitting(sealed),
                analysis_seconds=answer.seconds,
            )
            await self._send(context, pb.AssimilateResponse(analysis=told))
            large = {"ensemble": answer.ensemble[0], "state": sealed}
            for part in tensors.following_fields(_SESSION_PART, told, large):
                await self._send(context, part)

    # ------------------------------------------------------------ the stream

    async def _receive(self, context: Context) -> Any:
        """The next message; None at the end of the client's stream."""
        try:
            async with asyncio.timeout(self._settings.session_idle_seconds):
                message = await context.read()
        except TimeoutError:
            raise IdleError("nothing was sent", self._settings.session_idle_seconds) from None
        return None if message is grpc.aio.EOF else _present(message)

    async def _send(self, context: Context, message: Any) -> None:
        """A message, or the bytes of one."""
        try:
            async with asyncio.timeout(self._settings.session_idle_seconds):
                await context.write(message)
        except TimeoutError:
            raise IdleError("nothing was read", self._settings.session_idle_seconds) from None

    async def _gather(self, gathering: Gathering, context: Context) -> None:
        """Every part that was announced."""
        gathering.allocate()
        while not gathering.complete:
            message: _InParts | None = await self._receive(context)
            if message is None:
                gathering.arrays()  # says what is missing
            else:
                gathering.take(message.part)


def _present(message: Any) -> Any:
    """``message``, unless it could not be read: see `compute.lenient`."""
    if message is None:
        raise InvalidRequest([Problem("request", "is not a message of this API")])
    return message


def _draw_seed() -> int:
    return secrets.randbits(53)
