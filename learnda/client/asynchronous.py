"""The same client for asyncio: each call is awaited."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from inspect import isawaitable
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, Unpack, cast

import xarray as xr
from numpy.typing import ArrayLike, NDArray

from learnda import wire
from learnda.client import analysis as analyses
from learnda.client import integration
from learnda.client.analysis import Analysis, Conversation, Cycle, observed_of, sizes_of
from learnda.client.arrays import floats
from learnda.client.bodies import Offer
from learnda.client.dataset import RunReader
from learnda.client.events import Completed, Event, decoded
from learnda.client.exchange import Exchange
from learnda.client.failures import ServerError
from learnda.client.fields import Methods, RunFields
from learnda.client.in_process import AsyncInProcess
from learnda.client.integration import IntegrateOptions
from learnda.client.nature import nature
from learnda.client.opening import Tls, peer_of
from learnda.client.progress import ProgressBar
from learnda.client.session import AsyncSession
from learnda.client.settings import (
    AnalyzeOptions,
    AssimilateOptions,
    SettingOptions,
    refuse_rest,
    separated,
)
from learnda.client.sweeping import Queue, Running, SweepReader, step_total
from learnda.client.transport import AsyncGrpc, Transport
from learnda.declarations import Methods as Declared
from learnda.v1 import assimilation_pb2 as pb

T = TypeVar("T")


class AsyncClient:
    """`learnda.Client` with methods to await: arguments, results and errors are the same.

    A task that is cancelled while it waits ends what it waits for on the server too. A client
    belongs to the event loop in which it is first used.
    """

    def __init__(
        self, address: str | None = None, *, token: str | None = None, tls: Tls | None = None
    ) -> None:
        self._transport: Transport = AsyncGrpc(peer_of(address, token, tls))
        self._offered: Offer | None = None

    @classmethod
    def local(cls) -> Self:
        """See `Client.local`."""
        client = cls.__new__(cls)
        client._transport = AsyncInProcess()
        client._offered = None
        return client

    async def close(self) -> None:
        """Let go of the connection; what runs on it ends."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # ------------------------------------------------------------ experiments

    async def methods(self) -> Declared:
        """See `Client.methods`."""
        return (await self._offer()).methods

    async def run(
        self, methods: Methods, *, progress: bool = True, **fields: Unpack[RunFields]
    ) -> xr.Dataset:
        """See `Client.run`."""
        reader = RunReader()
        with ProgressBar(progress) as bar:
            async with aclosing(self._events(methods, fields)) as events:
                async for event in events:
                    reader.take(event)
                    bar.take(event)
        return reader.result()

    def stream(self, methods: Methods, **fields: Unpack[RunFields]) -> AsyncGenerator[Event]:
        """See `Client.stream`: ``async for event in client.stream("etkf")``."""
        return self._events(methods, fields)

    async def sweep(
        self,
        method: str | Mapping[str, Any],
        axes: Mapping[str, Sequence[Any]],
        *,
        progress: bool = True,
        **fields: Unpack[RunFields],
    ) -> xr.Dataset:
        """See `Client.sweep`."""
        sweep = (await self._offer()).sweep(method, axes, fields)
        reader, queue = SweepReader(sweep), Queue(sweep)
        with ProgressBar(progress, total=step_total(sweep.parts)) as bar:
            try:
                while (turn := queue.next()) is not None:
                    event = await self._event(turn, queue)
                    if event is None:
                        continue
                    turn.reader.take(event)
                    bar.take(event)
                    if isinstance(event, Completed):
                        await turn.events.aclose()
                        queue.ended(turn)
                        reader.take(turn.part, turn.reader)
            finally:
                for running in queue.running:
                    if running.events is not None:
                        await running.events.aclose()
        return reader.result()

    async def nature(self, *, replicate: int = 0, **fields: Unpack[RunFields]) -> xr.Dataset:
        """See `Client.nature`."""
        return await self._perform(nature((await self._offer()).nature(fields), replicate))

    # ------------------------------------------------------------ the model

    async def integrate(self, states: ArrayLike, **options: Unpack[IntegrateOptions]) -> xr.Dataset:
        """See `Client.integrate`."""
        return await self._perform(integration.integrate(states, options))

    # ------------------------------------------------------------ models of one's own

    async def analyze(
        self, ensemble: ArrayLike, y: ArrayLike, **options: Unpack[AnalyzeOptions]
    ) -> Analysis:
        """See `Client.analyze`."""
        return await self._perform(analyses.analyze(ensemble, y, options))

    def session(
        self,
        ensemble_size: int,
        state_size: int,
        *,
        precision: Literal["float64", "float32"] = "float64",
        state: bytes | None = None,
        **setting: Unpack[SettingOptions],
    ) -> AsyncSession:
        """See `Client.session`: ``async with client.session(20, 3) as session``."""
        conversation = Conversation(
            ensemble_size, state_size, setting, precision=precision, state=state
        )
        return AsyncSession(lambda: self._transport.open("Assimilate"), conversation)

    async def assimilate(
        self,
        model_step: Callable[[NDArray[Any]], ArrayLike | Awaitable[ArrayLike]],
        ensemble: ArrayLike,
        observations: Iterable[ArrayLike | Mapping[str, Any]],
        *,
        predict: Callable[[NDArray[Any]], ArrayLike] | None = None,
        state: bytes | None = None,
        **options: Unpack[AssimilateOptions],
    ) -> AsyncGenerator[Cycle]:
        """See `Client.assimilate`; ``model_step`` may be a coroutine function."""
        background: Any = floats(ensemble, "ensemble")
        setting, observed, rest = separated(options)
        refuse_rest(rest, "assimilate")
        precision: Any = background.dtype.name
        async with self.session(
            *sizes_of(background), precision=precision, state=state, **cast(Any, setting)
        ) as session:
            analysis: Cycle | None = None
            for item in observations:
                if analysis is not None:
                    background = model_step(analysis.ensemble)
                    if isawaitable(background):
                        background = await background
                y, said = observed_of(item, observed)
                if predict is not None:
                    said["predicted"] = predict(background)
                analysis = await session.cycle(background, y, **cast(Any, said))
                yield analysis

    # ------------------------------------------------------------ calls

    async def _events(self, methods: Methods, fields: RunFields) -> AsyncGenerator[Event]:
        experiment = (await self._offer()).experiment(methods, fields)
        request = wire.request_to_proto(experiment.request())
        async with aclosing(self._run(request)) as events:
            async for event in events:
                yield event

    async def _event(self, turn: Running, queue: Queue) -> Event | None:
        """The next one of a part of a sweep; None where there was no room for it now."""
        if turn.events is None:
            turn.events = self._run(turn.request)
        try:
            found: Event = await anext(turn.events)
        except ServerError as error:
            if error.reason == "BUSY" and queue.busy(turn):
                return None
            raise
        return found

    async def _run(self, request: pb.RunExperimentRequest) -> AsyncGenerator[Event]:
        async with aclosing(self._transport.call("RunExperiment", [request])) as messages:
            async for message in messages:
                event = decoded(cast(pb.RunExperimentResponse, message))
                if event is not None:
                    yield event

    async def _offer(self) -> Offer:
        if self._offered is None:
            methods = await self._one("ListMethods", pb.ListMethodsRequest())
            info = await self._one("GetServerInfo", pb.GetServerInfoRequest())
            self._offered = Offer.of(methods, info)
        return self._offered

    async def _one(self, method: str, request: Any) -> Any:
        (answer,) = [answer async for answer in self._transport.call(method, [request])]
        return answer

    async def _perform(self, exchange: Exchange[T]) -> T:
        call = self._transport.call(exchange.method, exchange.requests)
        async with aclosing(call) as messages:
            async for message in messages:
                exchange.reader.take(message)
        return exchange.reader.result()
