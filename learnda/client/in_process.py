"""The same calls without a server: the service and its engine in a thread of this process.

There is one engine a process, made when it is first needed and closed at the exit, so that what one
client has compiled serves all. JAX is imported with it.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator, Iterable
from contextlib import aclosing
from inspect import isasyncgen
from typing import Any, NoReturn, TypeVar

import grpc
import structlog
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import status_pb2  # type: ignore[import-untyped]

from learnda.client.exchange import Sent
from learnda.client.failures import failure_from_status
from learnda.client.transport import SERVICE, BlockingDialog, Dialog
from learnda.local.folders import cache_dir, data_dir
from learnda.threads import limit_threads

T = TypeVar("T")

LONG_SECONDS = 1e6
"""A session may wait for its notebook."""
STATE_KEY = b"a process trusts its own sessions"
"""A fixed one: what was kept goes on in another process."""


class InProcessService:
    """AssimilationService on an event loop of its own, over an engine."""

    def __init__(self) -> None:
        limit_threads()
        if not structlog.is_configured():  # nothing of ours on the user's screen but warnings
            structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())
        from compute.engine import Engine
        from compute.provenance import server
        from compute.registry import declarations
        from compute.service import AssimilationService
        from compute.settings import ServerSettings
        from learnda.cost import Limits

        self.engine = Engine(cache_dir=cache_dir(data_dir()))
        settings = ServerSettings(
            limits=Limits.from_environment(),
            warm_up=False,
            session_idle_seconds=LONG_SECONDS,
            state_key=STATE_KEY,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="learnda", daemon=True)
        self._thread.start()
        self.engine.start()
        self._service = self.wait(
            _made(lambda: AssimilationService(self.engine, declarations(), server(), settings))
        )

    def close(self) -> None:
        """Stop every run and both threads."""
        self.engine.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def answers(self, method: str, requests: AsyncGenerator[Sent]) -> Answers:
        """Begin a call."""
        return Answers(self._answers(method, requests))

    async def _answers(
        self, method: str, requests: AsyncGenerator[Sent]
    ) -> AsyncGenerator[Message]:
        described = SERVICE.methods_by_name[method]
        read = (_message(GetMessageClass(described.input_type), each) async for each in requests)
        sent = read if described.client_streaming else await anext(read)
        context = _Context(read)
        answer = getattr(self._service, method)(sent, context)
        kind = GetMessageClass(described.output_type)
        if not described.server_streaming:
            yield _message(kind, await answer)
            return
        told: Any = answer if isasyncgen(answer) else context.written(answer)
        async with aclosing(told) as messages:
            async for message in messages:
                yield _message(kind, message)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it in the loop's thread and wait for it; what interrupts the wait cancels it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()

    async def awaited(self, work: Coroutine[Any, Any, T]) -> T:
        """The same from another event loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def do(self, action: Any, *arguments: Any) -> None:
        """Call something in the loop's thread, soon."""
        self._loop.call_soon_threadsafe(action, *arguments)


class Answers:
    """The answers of one call; to be used in the service's loop."""

    def __init__(self, messages: AsyncGenerator[Message]) -> None:
        self._messages: Any = messages
        self._turn = asyncio.Lock()

    async def next(self) -> Message | None:
        """The next one; None behind the last."""
        async with self._turn:
            found: Message | None = await anext(self._messages, None)
            return found

    async def close(self) -> None:
        """Cancel the call, when what was cancelled before has ended."""
        async with self._turn:
            await self._messages.aclose()


class _Context:
    """What the service needs of gRPC's context of a call."""

    def __init__(self, requests: AsyncGenerator[Message]) -> None:
        self._requests = requests
        self._written: asyncio.Queue[Message | None] = asyncio.Queue()

    def invocation_metadata(self) -> Iterable[tuple[str, str]]:
        """None: they are for a line between."""
        return ()

    async def read(self) -> Any:
        """The next request; gRPC's EOF behind the last."""
        return await anext(self._requests, grpc.aio.EOF)

    async def write(self, message: Message) -> None:
        """Answer, in a call that does not yield its answers."""
        self._written.put_nowait(message)

    async def written(self, call: Coroutine[Any, Any, None]) -> AsyncGenerator[Message]:
        """What such a call writes, until it ends."""
        task = asyncio.create_task(call)
        task.add_done_callback(lambda _: self._written.put_nowait(None))
        try:
            while (message := await self._written.get()) is not None:
                yield message
            await task
        finally:
            task.cancel()
            await asyncio.wait({task})
            _ = task.cancelled() or task.exception()  # asked for: nobody else is to hear of it

    async def abort(
        self, code: object, details: str = "", trailing_metadata: Iterable[tuple[str, Any]] = ()
    ) -> NoReturn:
        """End the call with what a client of a server is told."""
        status = status_pb2.Status(message=details)
        for key, value in trailing_metadata:
            if key == "grpc-status-details-bin":
                status = status_pb2.Status.FromString(value)
        raise failure_from_status(status)


_lock = threading.Lock()
_shared: InProcessService | None = None


def shared_service() -> InProcessService:
    """The one of this process."""
    global _shared
    with _lock:
        if _shared is None:
            _shared = InProcessService()
            atexit.register(_shared.close)
        return _shared


# ---------------------------------------------------------------- transports


class BlockingInProcess:
    """For `Client`."""

    def call(self, method: str, requests: Iterable[Sent]) -> Generator[Message]:
        """See `BlockingTransport.call`."""
        service = shared_service()
        answers = service.answers(method, _each(requests))
        try:
            while (message := service.wait(answers.next())) is not None:
                yield message
        finally:
            service.wait(answers.close())

    def open(self, method: str) -> BlockingDialog:
        """See `BlockingTransport.open`."""
        return _BlockingInProcessDialog(shared_service(), method)

    def close(self) -> None:
        """The engine stays for others."""


class AsyncInProcess:
    """For `AsyncClient`."""

    def call(self, method: str, requests: Iterable[Sent]) -> AsyncGenerator[Message]:
        """See `Transport.call`."""
        return self._call(method, requests)

    async def _call(self, method: str, requests: Iterable[Sent]) -> AsyncGenerator[Message]:
        service = await asyncio.to_thread(shared_service)
        answers = service.answers(method, _each(requests))
        try:
            while (message := await service.awaited(answers.next())) is not None:
                yield message
        finally:
            await service.awaited(answers.close())

    async def open(self, method: str) -> Dialog:
        """See `Transport.open`."""
        return _InProcessDialog(await asyncio.to_thread(shared_service), method)

    async def close(self) -> None:
        """The engine stays for others."""


class _Outgoing:
    """What a dialog's client has sent and the service has not read; made in any thread."""

    def __init__(self, service: InProcessService) -> None:
        self._service = service
        self._queue: asyncio.Queue[Sent] = asyncio.Queue()

    def put(self, message: Sent) -> None:
        self._service.do(self._queue.put_nowait, message)

    async def each(self) -> AsyncGenerator[Sent]:
        while True:
            yield await self._queue.get()


class _BlockingInProcessDialog:
    def __init__(self, service: InProcessService, method: str) -> None:
        self._service = service
        self._outgoing = _Outgoing(service)
        self._answers = service.answers(method, self._outgoing.each())

    def send(self, message: Sent) -> None:
        self._outgoing.put(message)

    def receive(self) -> Message:
        return _there(self._service.wait(self._answers.next()))

    def close(self) -> None:
        self._service.wait(self._answers.close())


class _InProcessDialog:
    def __init__(self, service: InProcessService, method: str) -> None:
        self._service = service
        self._outgoing = _Outgoing(service)
        self._answers = service.answers(method, self._outgoing.each())

    async def send(self, message: Sent) -> None:
        self._outgoing.put(message)

    async def receive(self) -> Message:
        return _there(await self._service.awaited(self._answers.next()))

    async def close(self) -> None:
        await self._service.awaited(self._answers.close())


def _there(message: Message | None) -> Message:
    assert message is not None, "the service answers each message, or fails the call"
    return message


def _message(kind: type[Message], sent: Any) -> Message:
    """What either side sent, which may be the bytes of a message."""
    return kind.FromString(sent) if isinstance(sent, bytes) else sent


async def _each(messages: Iterable[Sent]) -> AsyncGenerator[Sent]:
    for message in messages:
        yield message


async def _made(make: Any) -> Any:
    return make()
