"""The call Integrate: a request in, the messages of its stream out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

import structlog

from compute import integration_job, integration_request
from compute.integration_job import Integration
from compute.resources import Resources
from learnda import tensors
from learnda.v1 import common_pb2 as common
from learnda.v1 import integration_pb2 as pb

log = structlog.get_logger(__name__)


async def integrate(
    request: pb.IntegrateRequest, resources: Resources
) -> AsyncGenerator[pb.IntegrateResponse]:
    """What is computed leaves while the next chunk is; closing the generator stops it."""
    began = time.perf_counter()
    asked = await asyncio.to_thread(integration_request.read, request, resources.limits)
    batched = len(request.states.shape) == 2
    del request
    states, n = asked.states.shape
    log.info("integration begins", states=states, n=n, steps=asked.step_count)
    submit = partial(
        resources.engine.job,
        partial(integration_job.job, asked),
        read_ahead=integration_job.READ_AHEAD,
    )
    size = integration_request.estimate(asked).bytes
    started = False
    async with aclosing(resources.admission.events(size, submit)) as events:
        async for computed in events:
            if not started:  # what is computed first is there at once: the call is admitted
                yield pb.IntegrateResponse(started=_started(asked, batched, resources.server))
                started = True
            for part in tensors.parts(computed.field, computed.numbers):
                yield pb.IntegrateResponse(part=part)
            del computed
    seconds = time.perf_counter() - began
    yield pb.IntegrateResponse(completed=pb.IntegrationCompleted(runtime_seconds=seconds))


def _started(asked: Integration, batched: bool, server: common.Server) -> pb.IntegrationStarted:
    dtype, n = asked.states.dtype, asked.layout.n
    batch = (asked.layout.states,) if batched else ()
    vectors = tensors.announce(dtype, (*batch, n))
    records = asked.step_count // asked.every + 1
    exponents = tensors.announce(dtype, (*batch, asked.lyapunov_count))
    return pb.IntegrationStarted(
        lorenz96_f=asked.forcing,
        dt=asked.dt,
        step_count=asked.step_count,
        every=asked.every,
        trajectory=tensors.announce(dtype, (records, *batch, n)),
        perturbations=None if asked.perturbations is None else vectors,
        gradients=None if asked.gradients is None else vectors,
        lyapunov_exponents=exponents if asked.lyapunov_count else None,
        server=server,
    )
