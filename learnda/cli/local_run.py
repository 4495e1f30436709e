"""Runs a request on a compute engine in this process."""

from __future__ import annotations

import secrets
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compute import events
from compute.engine import Engine, Run
from compute.registry import declarations
from learnda.cli.csv_file import Span, write_csv
from learnda.cli.display import Result, RunDisplay
from learnda.cost import Limits
from learnda.local.folders import cache_dir, data_dir
from learnda.validation import resolve


def run_here(body: object, show: RunDisplay, csv: Path | None) -> list[Result]:
    """Run ``body``, the request as parsed JSON; RequestError says what is wrong with it."""
    experiment = resolve(
        body,
        declarations(),
        limits=Limits.from_environment(),
        draw_seed=lambda: secrets.randbits(53),
    )
    show.note(f"seed {experiment.seed}")
    labels = {instance.id: instance.label for instance in experiment.methods}
    show.begin(labels, experiment.step_count)
    reader = _Reader(labels, show, keep_steps=csv is not None)
    with Engine(cache_dir=cache_dir(data_dir())) as engine:
        run = engine.submit(experiment)
        with _cancelled_by_interrupt(run):
            for event in run:
                reader.take(event)
    if csv is not None:
        with csv.open("w", encoding="utf-8", newline="") as file:
            run_id = str(uuid.uuid4())
            write_csv(file, run_id, experiment.methods, reader.spans, experiment.replicates)
    return list(reader.results.values())


@contextmanager
def _cancelled_by_interrupt(run: Run[events.Event]) -> Iterator[None]:
    """Ctrl-C cancels the run, and is raised when that has ended: raised at once, it could leave a
    lock behind that the device thread needs.
    """
    interrupted = False

    def stop(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        run.cancel()

    previous = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        run.cancel()
    if interrupted:
        raise KeyboardInterrupt


class _Reader:
    """Shows the events of a run and keeps what is needed at its end."""

    def __init__(self, labels: dict[str, str], show: RunDisplay, *, keep_steps: bool) -> None:
        self._labels = labels
        self._show = show
        self._keep_steps = keep_steps
        self.spans: dict[str, list[Span]] = {method_id: [] for method_id in labels}
        self.results: dict[str, Result] = {}

    def take(self, event: events.Event) -> None:
        match event:
            case events.Compiling():
                self._compiling(event)
            case events.Progress():
                self._progress(event)
            case events.MethodCompleted():
                self._completed(event)
            case events.RunCompleted():
                for warning in event.warnings:
                    self._show.note(warning)
            case _:  # nothing to show
                pass

    def _compiling(self, event: events.Compiling) -> None:
        seconds = event.estimated_seconds
        guess = "" if seconds is None else f", about {seconds:.0f} s"
        self._show.note(f"compiling {event.program}{guess}")

    def _progress(self, event: events.Progress) -> None:
        done = event.first_step + len(event.t)
        self._show.advance(event.method_id, done, float(event.mean["rmse_analysis"][-1]))
        if self._keep_steps:
            span = Span(event.first_step, event.t.tolist(), event.replicates)
            self.spans[event.method_id].append(span)

    def _completed(self, event: events.MethodCompleted) -> None:
        result = Result(
            self._labels[event.method_id],
            event.status,
            event.metrics,
            event.runtime_seconds,
            event.diverged_step,
        )
        self.results[event.method_id] = result
        self._show.complete(event.method_id, result)
