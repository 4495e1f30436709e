"""The client for scripts and notebooks: each call returns when it is done."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
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
from learnda.client.in_process import BlockingInProcess
from learnda.client.integration import IntegrateOptions
from learnda.client.nature import nature
from learnda.client.opening import Tls, peer_of
from learnda.client.progress import ProgressBar
from learnda.client.session import Session
from learnda.client.settings import (
    AnalyzeOptions,
    AssimilateOptions,
    SettingOptions,
    refuse_rest,
    separated,
)
from learnda.client.sweeping import Queue, Running, SweepReader, step_total
from learnda.client.transport import BlockingGrpc, BlockingTransport
from learnda.declarations import Methods as Declared
from learnda.v1 import assimilation_pb2 as pb

T = TypeVar("T")


class Client:
    """LEARN-DA from Python, on a server or in this process::

        from learnda import Client
        run = Client().run(["etkf", "letkf"], end_time=100, seed=1)
        run.learnda.plot.rmse()

    ``Client()`` speaks to a compute server at ``address`` (the environment's
    LEARNDA_COMPUTE_ADDRESS, or ``localhost:50051``); ``token`` is what it asks for (or
    LEARNDA_TOKEN), ``tls`` who vouches for it: True for those that the system trusts, or a file (or
    the bytes) of certificates. `Client.local` needs no server. Both compute the same numbers on the
    same machine.

    What can be refused is refused as `learnda.problems.RequestError`, whose ``problems`` name the
    fields; `ServerError` is what went wrong with the service. A client may be used by several
    threads, and closed or used in a ``with`` statement.
    """

    def __init__(
        self, address: str | None = None, *, token: str | None = None, tls: Tls | None = None
    ) -> None:
        self._transport: BlockingTransport = BlockingGrpc(peer_of(address, token, tls))
        self._offered: Offer | None = None

    @classmethod
    def local(cls) -> Self:
        """A client that computes in this process, on an engine that all such clients share.

        What it compiles is kept where LEARNDA_CACHE_DIR says, as by ``learn-da run``.
        """
        client = cls.__new__(cls)
        client._transport = BlockingInProcess()
        client._offered = None
        return client

    def close(self) -> None:
        """Let go of the connection; what runs on it ends."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ------------------------------------------------------------ experiments

    def methods(self) -> Declared:
        """What can be run: by name, each with its help, reference and parameters."""
        return self._offer().methods

    def run(
        self, methods: Methods, *, progress: bool = True, **fields: Unpack[RunFields]
    ) -> xr.Dataset:
        """Run a twin experiment on Lorenz-96 and wait for it, with a progress bar.

        ``methods``: names, or mappings with ``name`` and ``params``: ``["etkf", {"name": "letkf",
        "params": {"r": 4}}]``. The fields are those of the contract, see `learnda.fields`.

        The Dataset has the dimensions method (an instance's id: its name, unless it has another),
        replicate and time (model time; ``step`` counts), with

        - each series of `learnda.metadata.SERIES` that a method has: NaN where it has not, and
          after a replicate has become non-finite;
        - ``metric_...`` of `learnda.metadata.METRICS`, ``status``, ``diverged_step`` (NaN where
          none), ``runtime_seconds``, per method;
        - ``rank_histogram``, ``spread_rms`` and ``error_rms`` in bins of spread, ``lead_rmse``;
        - with ``record_states``: ``truth``, ``observations``, ``analysis_mean``, ``analysis_std``
          and ``members`` of the first replicate, thinned, in half precision;
        - the attributes ``seed``, ``request`` (JSON, every default filled in), ``versions``,
          ``device``.

        ``dataset.learnda["letkf"]`` is the part of one method, ``dataset.learnda.plot`` draws.
        Ctrl-C ends the run on the server too. RequestError names the fields that are refused.
        """
        reader = RunReader()
        with ProgressBar(progress) as bar, closing(self._events(methods, fields)) as events:
            for event in events:
                reader.take(event)
                bar.take(event)
        return reader.result()

    def stream(self, methods: Methods, **fields: Unpack[RunFields]) -> Generator[Event]:
        """The events of a run while it runs, see `learnda.client.events`; arguments as of `run`.

        To end it early, close the iterator: the server stops within one chunk.
        """
        return self._events(methods, fields)

    def sweep(
        self,
        method: str | Mapping[str, Any],
        axes: Mapping[str, Sequence[Any]],
        *,
        progress: bool = True,
        **fields: Unpack[RunFields],
    ) -> xr.Dataset:
        """Run one method over the values of one or two settings, and wait for it.

        ``axes`` maps the name of a parameter of the method, or else of a field of the run, to its
        values: ``{"inf_fact": [1.0, 1.02, 1.05], "ensemble_size": [10, 20, 40]}``. All cells have
        the same seed, so that they meet the same truth wherever their settings allow it. Values of
        a parameter are computed as one batch.

        The Dataset has a dimension for each axis and ``metric_...``, ``status`` and
        ``diverged_step`` over them; ``dataset.learnda.plot.sweep()`` draws it.
        """
        sweep = self._offer().sweep(method, axes, fields)
        reader, queue = SweepReader(sweep), Queue(sweep)
        with ProgressBar(progress, total=step_total(sweep.parts)) as bar:
            try:
                while (turn := queue.next()) is not None:
                    event = self._event(turn, queue)
                    if event is None:
                        continue
                    turn.reader.take(event)
                    bar.take(event)
                    if isinstance(event, Completed):
                        turn.events.close()
                        queue.ended(turn)
                        reader.take(turn.part, turn.reader)
            finally:
                for running in queue.running:
                    if running.events is not None:
                        running.events.close()
        return reader.result()

    def nature(self, *, replicate: int = 0, **fields: Unpack[RunFields]) -> xr.Dataset:
        """What one replicate of an experiment is made of, to the bit: ``truth`` [time, site], which
        ``sites`` are observed and the ``observations`` [time, observation] of them, and the first
        ``ensemble`` [member, site].

        With it a filter of your own meets the same truth as the methods of `run` with these fields
        and that seed.
        """
        return self._perform(nature(self._offer().nature(fields), replicate))

    # ------------------------------------------------------------ the model

    def integrate(self, states: ArrayLike, **options: Unpack[IntegrateOptions]) -> xr.Dataset:
        """Lorenz-96 states [n] or [B, n] forward in time; all arithmetic is in their precision.

        ``step_count`` Runge-Kutta steps (default 1) of ``dt`` (0.05) with forcing ``lorenz96_F``
        (8); ``trajectory`` has every ``every``-th state, step 0 included. ``perturbations`` and
        ``gradients``, shaped like ``states``, are carried to the last step by the linearised model
        and back to the first by its adjoint; ``lyapunov_count`` leading Lyapunov exponents are
        estimated along each trajectory, re-orthonormalised every ``lyapunov_every`` steps.
        """
        return self._perform(integration.integrate(states, options))

    # ------------------------------------------------------------ models of one's own

    def analyze(
        self, ensemble: ArrayLike, y: ArrayLike, **options: Unpack[AnalyzeOptions]
    ) -> Analysis:
        """Analyse one ensemble [N, n], or a batch of them [B, N, n], of whatever model, with the
        observations ``y`` [m].

        How the state is observed is said by one of ``predicted`` [N, m] (what each member
        predicts), ``sites`` [m] (which values are observed, through ``obs_operator``) and
        ``matrix`` [m, n]; how well, by ``variances`` ([m] or one number) or ``covariance`` [m, m].
        ``method`` (default ``etkf``) and ``params`` choose the filter. One that is localised needs
        a ``geometry`` (`Ring`, `Interval`, `Plane`, `Sphere`), and ``coordinates`` of the
        observations unless they are at ``sites``; or the ``state_tapers`` [n, m], and perhaps
        ``observation_tapers`` [m, m], themselves. See `learnda.client.settings`::

            client.analyze(ensemble, y, sites=[0, 5], variances=0.1, method="letkf",
                           params={"r": 2}, geometry=Ring())

        float32 stays, all else becomes float64. InvalidRequest names what is refused.
        """
        return self._perform(analyses.analyze(ensemble, y, options))

    def session(
        self,
        ensemble_size: int,
        state_size: int,
        *,
        precision: Literal["float64", "float32"] = "float64",
        state: bytes | None = None,
        **setting: Unpack[SettingOptions],
    ) -> Session:
        """Begin an assimilation of which you make the forecasts, cycle by cycle::

            with client.session(20, 3, method="etkf", params={"inf_fact": 1.02}) as session:
                for y in observations:
                    analysis = session.cycle(ensemble, y, sites=[0], variances=1.0)
                    ensemble = forecast(analysis.ensemble)

        Adaptive inflation and statistics are carried along. ``state``, of an earlier session of the
        same setting and sizes, goes on behind its last cycle.
        """
        conversation = Conversation(
            ensemble_size, state_size, setting, precision=precision, state=state
        )
        return Session(self._transport.open("Assimilate"), conversation)

    def assimilate(
        self,
        model_step: Callable[[NDArray[Any]], ArrayLike],
        ensemble: ArrayLike,
        observations: Iterable[ArrayLike | Mapping[str, Any]],
        *,
        predict: Callable[[NDArray[Any]], ArrayLike] | None = None,
        state: bytes | None = None,
        **options: Unpack[AssimilateOptions],
    ) -> Iterator[Cycle]:
        """Follow a model of your own: each cycle's background, analysis and diagnostics, in turn.

        ``ensemble`` [N, n] is the background of the first ``observations``; between two of them
        ``model_step`` carries the analysis [N, n] to the time of the next. Each of ``observations``
        is an array ``y``, or a mapping of ``y`` and whatever else is of this cycle alone;
        ``options`` are those of `analyze`, for all cycles. ``predict`` makes of a background what
        each member predicts [N, m], where neither ``sites`` nor ``matrix`` says it.

        The next cycle is made when it is asked for; `learnda.client.series` makes a Dataset of
        them all. ``state``: go on behind an earlier session's cycle.
        """
        background: Any = floats(ensemble, "ensemble")
        setting, observed, rest = separated(options)
        refuse_rest(rest, "assimilate")
        precision: Any = background.dtype.name
        with self.session(
            *sizes_of(background), precision=precision, state=state, **cast(Any, setting)
        ) as session:
            analysis: Cycle | None = None
            for item in observations:
                if analysis is not None:
                    background = model_step(analysis.ensemble)
                y, said = observed_of(item, observed)
                if predict is not None:
                    said["predicted"] = predict(background)
                analysis = session.cycle(background, y, **cast(Any, said))
                yield analysis

    # ------------------------------------------------------------ calls

    def _events(self, methods: Methods, fields: RunFields) -> Generator[Event]:
        experiment = self._offer().experiment(methods, fields)
        return self._run(wire.request_to_proto(experiment.request()))

    def _event(self, turn: Running, queue: Queue) -> Event | None:
        """The next one of a part of a sweep; None where there was no room for it now."""
        if turn.events is None:
            turn.events = self._run(turn.request)
        try:
            found: Event = next(turn.events)
        except ServerError as error:
            if error.reason == "BUSY" and queue.busy(turn):
                return None
            raise
        return found

    def _run(self, request: pb.RunExperimentRequest) -> Generator[Event]:
        with closing(self._transport.call("RunExperiment", [request])) as messages:
            for message in messages:
                event = decoded(cast(pb.RunExperimentResponse, message))
                if event is not None:
                    yield event

    def _offer(self) -> Offer:
        """Asked for once: a server's methods and limits do not change."""
        if self._offered is None:
            methods = self._one("ListMethods", pb.ListMethodsRequest())
            info = self._one("GetServerInfo", pb.GetServerInfoRequest())
            self._offered = Offer.of(methods, info)
        return self._offered

    def _one(self, method: str, request: Any) -> Any:
        (answer,) = self._transport.call(method, [request])
        return answer

    def _perform(self, exchange: Exchange[T]) -> T:
        with closing(self._transport.call(exchange.method, exchange.requests)) as messages:
            for message in messages:
                exchange.reader.take(message)
        return exchange.reader.result()
