"""The call StreamNature: a request in, the messages of its stream out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from functools import partial
from typing import Any

import numpy as np
import structlog

from compute import nature_job
from compute.nature_job import FirstEnsemble, Span
from compute.request_sizes import refuse_large_experiment
from compute.resources import Resources
from learnda import tensors, wire
from learnda.cost import Limits, estimate
from learnda.experiment import Experiment
from learnda.problems import Collector, InvalidRequest
from learnda.v1 import assimilation_pb2 as pb
from learnda.v1 import common_pb2 as common
from learnda.v1 import tensors_pb2
from learnda.validation import resolve_nature

MESSAGE_BYTES = 950_000
"""What the arrays of one message may take: the rest of it is far less than 50 kB."""

log = structlog.get_logger(__name__)


async def stream_nature(
    request: pb.StreamNatureRequest, resources: Resources
) -> AsyncGenerator[pb.StreamNatureResponse]:
    """What is computed leaves while the next steps are; closing the generator stops it."""
    experiment = _resolve(request, resources.limits)
    log.info("nature begins", steps=experiment.step_count, replicate=request.replicate)
    submit = partial(
        resources.engine.job,
        partial(nature_job.job, experiment, request.replicate),
        read_ahead=nature_job.READ_AHEAD,
    )
    async with aclosing(resources.admission.events(estimate(experiment).bytes, submit)) as events:
        async for event in events:
            match event:
                case FirstEnsemble():
                    messages = _started(event, experiment, resources.server)
                case Span():
                    messages = _spans(event, experiment.obs_freq)
            for message in messages:
                yield message


def _resolve(request: pb.StreamNatureRequest, limits: Limits) -> Experiment:
    """The experiment without methods; InvalidRequest names fields as paths in the request."""
    found = Collector()
    refuse_large_experiment(request.experiment, found)
    if request.replicate < 0:
        found.add("replicate", "must be at least 0")
    found.raise_if_any()
    try:
        experiment = resolve_nature(wire.experiment_from_proto(request.experiment), limits=limits)
    except InvalidRequest as refusal:
        for problem in refusal.problems:
            found.add(f"experiment.{problem.field}", problem.message)
        raise InvalidRequest(found.problems) from None
    if request.replicate >= experiment.replicates:
        found.add("replicate", f"must be less than replicates = {experiment.replicates}")
    found.raise_if_any()
    return experiment


def _started(
    first: FirstEnsemble, experiment: Experiment, server: common.Server
) -> Iterator[pb.StreamNatureResponse]:
    message = pb.NatureStarted(
        experiment=wire.experiment_to_proto(experiment),
        step_count=experiment.step_count,
        server=server,
    )
    whole = first.members.nbytes + message.ByteSize() <= MESSAGE_BYTES
    message.ensemble.CopyFrom(_tensor(first.members, whole))
    yield pb.StreamNatureResponse(started=message)
    yield from _parts(message, ensemble=first.members)


def _spans(span: Span, obs_freq: float) -> Iterator[pb.StreamNatureResponse]:
    """Messages of as many steps as fit; where not even one does, its arrays come in parts."""
    arrays = {"truth": span.truth, "sites": span.sites, "values": span.values}
    steps = len(span.truth)
    each = 8 + sum(array[0].nbytes for array in arrays.values())
    fitting = max(1, MESSAGE_BYTES // each)
    for begin in range(0, steps, fitting):
        told = {name: array[begin : begin + fitting] for name, array in arrays.items()}
        first = span.first_step + begin
        numbers = np.arange(first, first + len(told["truth"]), dtype=np.float64)
        message = pb.NatureSpan(
            first_step=first,
            t=(numbers * obs_freq).tolist(),
            **{name: _tensor(array, each <= MESSAGE_BYTES) for name, array in told.items()},
        )
        yield pb.StreamNatureResponse(span=message)
        yield from _parts(message, **told)


def _tensor(array: np.ndarray[Any, Any], whole: bool) -> tensors_pb2.Tensor:
    return tensors.write(array) if whole else tensors.announce(array.dtype, array.shape)


def _parts(
    message: pb.NatureStarted | pb.NatureSpan, **arrays: np.ndarray[Any, Any]
) -> Iterator[pb.StreamNatureResponse]:
    """Of the tensors that ``message`` announces."""
    for part in tensors.following(message, arrays):
        yield pb.StreamNatureResponse(part=part)
