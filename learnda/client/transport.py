"""How calls reach a server over gRPC: one small class to block, one to await.

A call is a method's name and the messages that are sent; what comes back is iterated. Ending the
iteration cancels the call, and with it what the server computes. Failures come as `failure_of`
says. A dialog is a call whose next message depends on the last answer.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from learnda.channels import BALANCED
from learnda.client.exchange import Sent
from learnda.client.failures import failure_of
from learnda.v1 import assimilation_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["AssimilationService"]
OPTIONS: Final[list[tuple[str, Any]]] = [
    BALANCED,
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.max_send_message_length", -1),
]


class BlockingDialog(Protocol):
    """Messages to and fro; see `learnda.client.session`."""

    def send(self, message: Sent) -> None:
        """Hand over one message; never waits."""
        ...

    def receive(self) -> Message:
        """The next answer."""
        ...

    def close(self) -> None:
        """End the call; twice does no harm."""
        ...


class BlockingTransport(Protocol):
    """What `Client` speaks through."""

    def call(self, method: str, requests: Iterable[Sent]) -> Generator[Message]:
        """The answers to ``requests``; closing the iterator cancels."""
        ...

    def open(self, method: str) -> BlockingDialog:
        """Begin a dialog."""
        ...

    def close(self) -> None:
        """End everything."""
        ...


class Dialog(Protocol):
    """Messages to and fro, awaited."""

    async def send(self, message: Sent) -> None:
        """Hand over one message."""
        ...

    async def receive(self) -> Message:
        """The next answer."""
        ...

    async def close(self) -> None:
        """End the call; twice does no harm."""
        ...


class Transport(Protocol):
    """What `AsyncClient` speaks through."""

    def call(self, method: str, requests: Iterable[Sent]) -> AsyncGenerator[Message]:
        """The answers to ``requests``; closing the iterator cancels."""
        ...

    async def open(self, method: str) -> Dialog:
        """Begin a dialog."""
        ...

    async def close(self) -> None:
        """End everything."""
        ...


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a server is and how it is reached."""

    address: str
    """``host:port``."""
    token: str | None = None
    """Goes with each call."""
    authorities: bytes | None = None
    """PEM of who vouches for the server; empty: those that the system trusts; None: no TLS."""

    @property
    def credentials(self) -> grpc.ChannelCredentials | None:
        """None: calls are not encrypted."""
        if self.authorities is None:
            return None
        return grpc.ssl_channel_credentials(self.authorities or None)

    @property
    def metadata(self) -> list[tuple[str, str]]:
        """What goes with each call."""
        return [("authorization", f"Bearer {self.token}")] if self.token else []


def _callable(channel: Any, method: str) -> Any:
    """What begins a call: as a stub does, but for bytes that are sent as they are."""
    described = SERVICE.methods_by_name[method]
    kind = "_".join(
        "stream" if streaming else "unary"
        for streaming in (described.client_streaming, described.server_streaming)
    )
    return getattr(channel, kind)(
        f"/{SERVICE.full_name}/{method}",
        request_serializer=_written,
        response_deserializer=GetMessageClass(described.output_type).FromString,
    )


def _written(request: Sent) -> bytes:
    return request if isinstance(request, bytes) else request.SerializeToString()


# ---------------------------------------------------------------- blocking


class BlockingGrpc:
    """gRPC on its own threads."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        credentials = peer.credentials
        if credentials is None:
            self._channel = grpc.insecure_channel(peer.address, OPTIONS)
        else:
            self._channel = grpc.secure_channel(peer.address, credentials, OPTIONS)

    def call(self, method: str, requests: Iterable[Sent]) -> Generator[Message]:
        """See `BlockingTransport.call`."""
        described = SERVICE.methods_by_name[method]
        sent = iter(requests) if described.client_streaming else next(iter(requests))
        begin = _callable(self._channel, method)
        try:
            if not described.server_streaming:
                yield begin(sent, metadata=self._peer.metadata)
                return
            answers = begin(sent, metadata=self._peer.metadata)
            try:
                yield from answers
            finally:
                answers.cancel()
        except grpc.RpcError as error:
            raise failure_of(error, self._peer.address) from None

    def open(self, method: str) -> BlockingDialog:
        """See `BlockingTransport.open`."""
        return _BlockingGrpcDialog(_callable(self._channel, method), self._peer)

    def close(self) -> None:
        """See `BlockingTransport.close`."""
        self._channel.close()


class _BlockingGrpcDialog:
    def __init__(self, begin: Any, peer: Peer) -> None:
        self._peer = peer
        self._outgoing: queue.SimpleQueue[Sent | None] = queue.SimpleQueue()
        self._answers = begin(iter(self._outgoing.get, None), metadata=peer.metadata)

    def send(self, message: Sent) -> None:
        self._outgoing.put(message)

    def receive(self) -> Message:
        try:
            answer: Message = next(self._answers)
        except grpc.RpcError as error:
            raise failure_of(error, self._peer.address) from None
        return answer

    def close(self) -> None:
        self._outgoing.put(None)
        self._answers.cancel()


# ---------------------------------------------------------------- awaited


class AsyncGrpc:
    """gRPC in the event loop that is running when it is first used."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._channel: grpc.aio.Channel | None = None

    def call(self, method: str, requests: Iterable[Sent]) -> AsyncGenerator[Message]:
        """See `Transport.call`."""
        return self._call(method, requests)

    async def _call(self, method: str, requests: Iterable[Sent]) -> AsyncGenerator[Message]:
        described = SERVICE.methods_by_name[method]
        sent = requests if described.client_streaming else next(iter(requests))
        call = self._begin(method)(sent, metadata=self._peer.metadata)
        try:
            if described.server_streaming:
                async for answer in call:
                    yield answer
            else:
                yield await call
        except grpc.aio.AioRpcError as error:
            raise failure_of(error, self._peer.address) from None
        finally:
            call.cancel()

    async def open(self, method: str) -> Dialog:
        """See `Transport.open`."""
        return _AsyncGrpcDialog(self._begin(method)(metadata=self._peer.metadata), self._peer)

    async def close(self) -> None:
        """See `Transport.close`."""
        if self._channel is not None:
            await self._channel.close()

    def _begin(self, method: str) -> Any:
        if self._channel is None:
            self._channel = self._open_channel()
        return _callable(self._channel, method)

    def _open_channel(self) -> grpc.aio.Channel:
        credentials = self._peer.credentials
        if credentials is None:
            return grpc.aio.insecure_channel(self._peer.address, OPTIONS)
        return grpc.aio.secure_channel(self._peer.address, credentials, OPTIONS)


class _AsyncGrpcDialog:
    def __init__(self, call: Any, peer: Peer) -> None:
        self._call = call
        self._peer = peer

    async def send(self, message: Sent) -> None:
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await self._call.write(message)  # of a call that has failed, `receive` says why

    async def receive(self) -> Message:
        try:
            answer = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise failure_of(error, self._peer.address) from None
        assert isinstance(answer, Message), "the server answers each message, or fails the call"
        return answer

    async def close(self) -> None:
        self._call.cancel()
