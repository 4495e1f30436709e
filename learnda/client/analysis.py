"""Analyses of a user's own ensembles: one call, or a session of cycles. Pure.

Shapes: N members, n values of the state, m observations, B ensembles of a batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import xarray as xr
from google.protobuf.message import Message
from numpy.typing import ArrayLike, NDArray

from learnda import tensors
from learnda.client.arrays import Incoming, Outgoing, floats
from learnda.client.dataset import variable
from learnda.client.events import number_of
from learnda.client.exchange import Exchange, Sent
from learnda.client.failures import refuse
from learnda.client.settings import (
    refuse_rest,
    separated,
    setting_of,
    write_observations,
    write_setting,
)
from learnda.v1 import analysis_pb2 as pb

UNARY_BYTES = 3_900_000
"""Of the arrays of one message: what is more goes in parts."""
DIAGNOSTICS = {
    "spread_background": "spread of the background",
    "spread_analysis": "spread of the analysis, after inflation",
    "innovation_mean": "mean innovation",
    "innovation_rms": "root mean squared innovation",
    "innovation_consistency": "normalised innovation squared",
    "desroziers_error": "Desroziers' diagnostic of the observation error",
    "desroziers_background": "Desroziers' diagnostic of the background error",
    "effective_sample_size": "effective sample size",
}
"""Long names of what is told of an analysis; see the proto for what each is."""

Diagnostics = dict[str, float]
"""Each of `DIAGNOSTICS`; NaN where it has no finite value."""


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What `analyze` returns."""

    ensemble: NDArray[Any]
    """[N, n] or [B, N, n]: the analysis, inflated, in the precision of the background."""
    diagnostics: Diagnostics | tuple[Diagnostics, ...]
    """Of the ensemble, or of each of the batch."""
    setting: dict[str, Any]
    """Every default filled in, the seed included."""
    seconds: float
    """That the analysis itself took on the device."""


@dataclass(frozen=True, slots=True, eq=False)
class Cycle:
    """One cycle of a session."""

    number: int
    background: NDArray[Any]
    """[N, n]"""
    ensemble: NDArray[Any]
    """[N, n]: the analysis, inflated: what is to be forecast next."""
    diagnostics: Diagnostics
    mean: Diagnostics
    """Means over the cycles of the session so far."""
    state: bytes
    """With it a session goes on behind this cycle."""
    seconds: float
    """That the analysis itself took on the device."""


# ---------------------------------------------------------------- one analysis


def analyze(ensemble: ArrayLike, y: ArrayLike, options: Mapping[str, Any]) -> Exchange[Analysis]:
    """The call: one message where it fits, else parts."""
    background = floats(ensemble, "ensemble")
    batched = background.ndim == 3
    setting, observed, rest = separated(options)
    cycle = rest.pop("cycle", 0)
    refuse_rest(rest, "analyze")
    sizes = [np.asarray(value).nbytes for value in (y, *observed.values())]
    in_parts = background.nbytes + sum(sizes) > UNARY_BYTES
    request = pb.AnalyzeRequest()
    try:
        request.cycle = cycle
    except (TypeError, ValueError):
        refuse("cycle", "must be an integer from 0 on")
    outgoing = Outgoing(request, tensors.fitting if in_parts else tensors.write)
    write_setting(outgoing, setting)
    write_observations(outgoing, y, observed)
    if in_parts:
        outgoing.put("ensemble", background)
        return Exchange("AnalyzeInParts", _parts(request, outgoing), _AnalysisReader(batched))
    whole = tensors.with_tensor(request, pb.AnalyzeRequest.ENSEMBLE_FIELD_NUMBER, background)
    return Exchange("Analyze", [whole], _AnalysisReader(batched))


def _parts(request: pb.AnalyzeRequest, outgoing: Outgoing) -> Iterator[Sent]:
    yield pb.AnalyzeInPartsRequest(analyze=request)
    yield from outgoing.parts(pb.AnalyzeInPartsRequest.PART_FIELD_NUMBER)


class _AnalysisReader:
    def __init__(self, batched: bool) -> None:
        self._batched = batched
        self._answer = pb.AnalyzeResponse()
        self._incoming: Incoming | None = None

    def take(self, message: Message) -> None:
        match message:
            case pb.AnalyzeResponse():
                self._begin(message)
            case pb.AnalyzeInPartsResponse() if message.HasField("analysis"):
                self._begin(message.analysis)
            case pb.AnalyzeInPartsResponse():
                assert self._incoming is not None, "parts follow `analysis`"
                self._incoming.take(message.part)

    def _begin(self, answer: pb.AnalyzeResponse) -> None:
        self._answer, self._incoming = answer, Incoming(answer)

    def result(self) -> Analysis:
        assert self._incoming is not None, "a call is answered, or fails"
        each = tuple(_diagnostics(found) for found in self._answer.diagnostics)
        return Analysis(
            self._incoming.arrays()["ensemble"],
            each if self._batched else each[0],
            setting_of(self._answer.setting),
            self._answer.analysis_seconds,
        )


# ---------------------------------------------------------------- sessions


class Conversation:
    """What a session says and hears; who carries it is `learnda.client.session`."""

    def __init__(
        self,
        ensemble_size: int,
        state_size: int,
        options: Mapping[str, Any],
        *,
        precision: str = "float64",
        state: bytes | None = None,
    ) -> None:
        setting, _, _ = separated(options)
        refuse_rest({k: v for k, v in options.items() if k not in setting}, "a session")
        if precision not in tensors.FLOATS:
            refuse("precision", f"must be one of: {', '.join(tensors.FLOATS)}")
        self._precision = precision
        request = pb.OpenSession(
            ensemble_size=ensemble_size,
            state_size=state_size,
            precision=f"PRECISION_{precision.upper()}",
        )
        self._opening = Outgoing(request)
        write_setting(self._opening, setting)
        if state is not None:
            self._opening.put("state", np.frombuffer(state, np.uint8))
        self.state = state
        self.setting: dict[str, Any] = {}
        self.next_cycle = 0
        self._background: NDArray[Any] = np.empty(0)
        self._analysis = pb.CycleAnalysis()
        self._incoming: Incoming | None = None

    def opening(self) -> Iterator[Sent]:
        """What is to be sent first."""
        yield pb.AssimilateRequest(open=cast(pb.OpenSession, self._opening.message))
        yield from self._opening.parts(pb.AssimilateRequest.PART_FIELD_NUMBER)

    def opened(self, message: Message) -> None:
        """The answer to it."""
        answer = cast(pb.AssimilateResponse, message).opened
        self.setting = setting_of(answer.setting)
        self.next_cycle = answer.next_cycle

    def cycle(
        self, ensemble: ArrayLike, y: ArrayLike, options: Mapping[str, Any]
    ) -> Iterator[Sent]:
        """What is to be sent for a cycle."""
        _, observed, _ = separated(options)
        refuse_rest({k: v for k, v in options.items() if k not in observed}, "a cycle")
        self._background = floats(ensemble, "ensemble").astype(self._precision, copy=False)
        outgoing = Outgoing(pb.Cycle())
        outgoing.put("ensemble", self._background)
        write_observations(outgoing, y, observed)
        yield pb.AssimilateRequest(cycle=cast(pb.Cycle, outgoing.message))
        yield from outgoing.parts(pb.AssimilateRequest.PART_FIELD_NUMBER)

    def answered(self, message: Message) -> Cycle | None:
        """The cycle, when its answer and all parts of it are there."""
        answer = cast(pb.AssimilateResponse, message)
        if answer.HasField("analysis"):
            self._analysis, self._incoming = answer.analysis, Incoming(answer.analysis)
        else:
            assert self._incoming is not None, "parts follow `analysis`"
            self._incoming.take(answer.part)
        return self._cycle(self._incoming) if self._incoming.complete else None

    def _cycle(self, incoming: Incoming) -> Cycle:
        arrays, analysis = incoming.arrays(), self._analysis
        self._incoming = None
        self.state = arrays["state"].tobytes()
        self.next_cycle = analysis.cycle + 1
        return Cycle(
            analysis.cycle,
            self._background,
            arrays["ensemble"],
            _diagnostics(analysis.diagnostics),
            _diagnostics(analysis.mean),
            self.state,
            analysis.analysis_seconds,
        )


def observed_of(item: Any, common_options: Mapping[str, Any]) -> tuple[ArrayLike, dict[str, Any]]:
    """One element of what `assimilate` is given: its values, and all that is said of them."""
    if not isinstance(item, Mapping):
        return item, dict(common_options)
    options = {**common_options, **item}
    if "y" not in options:
        refuse("y", "is required in each of the observations")
    return options.pop("y"), options


def sizes_of(ensemble: NDArray[Any]) -> tuple[int, int]:
    """N and n."""
    if ensemble.ndim != 2:
        refuse("ensemble", "must have 2 axes: members and values")
    return ensemble.shape[0], ensemble.shape[1]


def series(cycles: Iterable[Cycle]) -> xr.Dataset:
    """Diagnostics and analysis means of cycles, over their numbers, as a Dataset."""
    listed = list(cycles)
    data = {
        name: variable("cycle", np.array([c.diagnostics[name] for c in listed]), long_name)
        for name, long_name in DIAGNOSTICS.items()
    }
    means = np.array([cycle.ensemble.mean(axis=0) for cycle in listed])
    data["analysis_mean"] = variable(("cycle", "value"), means, "mean of the analysis ensemble")
    return xr.Dataset(data, coords={"cycle": [cycle.number for cycle in listed]})


def _diagnostics(message: pb.AnalysisDiagnostics) -> Diagnostics:
    return {name: number_of(message, name) for name in DIAGNOSTICS}
