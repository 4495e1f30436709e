"""The gRPC channel to compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from learnda import tracing
from learnda.channels import BALANCED
from learnda.tracing import Trace
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1 import assimilation_pb2_grpc

CHANNEL_OPTIONS: list[tuple[str, Any]] = [
    BALANCED,
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.max_send_message_length", -1),  # a checkpoint goes back as one request
]

ANSWER_SECONDS: Final = 5.0
HEALTH_SECONDS: Final = 1.0

RunCall = grpc.aio.UnaryStreamCall[pb.RunExperimentRequest, pb.RunExperimentResponse]


class ComputeClient:
    """Knows whether compute can be reached, and asks it. To be made inside the event loop."""

    def __init__(
        self, address: str, *, token: str | None = None, authorities: bytes | None = None
    ) -> None:
        """``token`` goes with each call. ``authorities``: who vouches for compute; None: no TLS."""
        if authorities is None:
            self._channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        else:
            credentials = grpc.ssl_channel_credentials(authorities)
            self._channel = grpc.aio.secure_channel(address, credentials, options=CHANNEL_OPTIONS)
        self._metadata = [("authorization", f"Bearer {token}")] if token else []
        self._stub = assimilation_pb2_grpc.AssimilationServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._health: Any = health_pb2_grpc.HealthStub(self._channel)
        self.connected = False

    async def watch(self, on_connected: Callable[[], None]) -> None:
        """Keep the channel connected; say so each time when it becomes so."""
        while True:
            state = self._channel.get_state(try_to_connect=True)
            was, self.connected = self.connected, state is grpc.ChannelConnectivity.READY
            if self.connected and not was:
                on_connected()
            await self._channel.wait_for_state_change(state)

    async def list_methods(self) -> pb.ListMethodsResponse:
        """What compute offers."""
        request = pb.ListMethodsRequest()
        answer: pb.ListMethodsResponse
        answer = await self._stub.ListMethods(
            request, timeout=ANSWER_SECONDS, metadata=self._metadata
        )
        return answer

    async def activity(self) -> pb.Activity | None:
        """What one of the servers has done since its start; None when none answers."""
        request = pb.GetServerInfoRequest()
        try:
            answer = await self._stub.GetServerInfo(
                request, timeout=HEALTH_SECONDS, metadata=self._metadata
            )
        except grpc.aio.AioRpcError:
            return None
        return answer.activity if answer.HasField("activity") else None

    def run(self, request: pb.RunExperimentRequest, trace: Trace) -> RunCall:
        """Begin an experiment; cancel the call to stop it."""
        metadata = [*self._metadata, (tracing.HEADER, trace.header)]
        call: RunCall = self._stub.RunExperiment(request, metadata=metadata)
        return call

    async def is_serving(self) -> bool:
        """What compute's health service says."""
        try:
            request = health_pb2.HealthCheckRequest()
            answer = await self._health.Check(request, timeout=HEALTH_SECONDS)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def close(self) -> None:
        """End all calls."""
        await self._channel.close()
