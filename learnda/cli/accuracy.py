"""``learn-da accuracy``: published numbers, measured."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from learnda import accuracy as tables
from learnda.cli.services import say
from learnda.problems import RequestError
from learnda.threads import limit_threads

if TYPE_CHECKING:
    from compute.engine import Engine
    from learnda.experiment import Experiment


@dataclass(frozen=True, slots=True)
class Measured:
    """A row and what came out of it."""

    id: str
    method: str
    expected: str
    tolerance: float
    rmse_analysis: float | None
    standard_error: float | None
    cycles: int
    status: str
    meets: bool
    seconds: float
    source: str


def accuracy(
    rows: Annotated[
        str | None,
        typer.Option(help="Only these rows: ids or patterns (S08-*), separated by commas."),
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="A table of your own, in the form of the shipped one.")
    ] = None,
    replicates: Annotated[
        int | None, typer.Option(min=1, help="Replicates of each row; the table says 10.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="float64 or float32; the table's is float64.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Reproduce published RMSEs on this machine; exits with 1 when a row misses its number."""
    limit_threads()
    try:
        text = table.read_text("utf-8") if table else None
        known = tables.shipped() if text is None else tables.parse(text)
        chosen = tables.choose(known, [p.strip() for p in (rows or "").split(",") if p.strip()])
    except (OSError, tables.BrokenTable) as error:
        say(f"Error: {table or 'the table'}: {error}")
        raise typer.Exit(2) from None
    changes = {"replicates": replicates, "precision": precision}
    try:
        measured = _measure(chosen, {k: v for k, v in changes.items() if v is not None})
    except RequestError as error:
        say(f"Error: {error.sentence}")
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in measured], indent=2))
    else:
        _print(measured)
    if not all(row.meets for row in measured):
        raise typer.Exit(1)


def _measure(rows: list[tables.Row], changes: dict[str, object]) -> list[Measured]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("accuracy", total=len(rows))

        def advance(row: str, part: float) -> None:
            progress.update(bar, advance=part, description=row)

        return run_rows(rows, changes, advance)


def run_rows(
    rows: list[tables.Row],
    changes: dict[str, object],
    advance: Callable[[str, float], None] = lambda row, part: None,
) -> list[Measured]:
    """Every row, with ``changes`` laid over its request, on engines in this process.

    ``advance`` hears of each part of a row that is done. RequestError for a row that is refused.
    """
    from concurrent.futures import ThreadPoolExecutor

    from compute.engine import Engine
    from compute.registry import declarations
    from learnda.cost import Limits
    from learnda.local.folders import cache_dir, data_dir
    from learnda.validation import resolve

    experiments = [
        resolve(
            {**row.request, **changes},
            declarations(),
            limits=Limits.from_environment(),
            draw_seed=lambda: secrets.randbits(53),
        )
        for row in rows
    ]

    # an engine computes on about one core: two side by side use what a laptop has
    with Engine(cache_dir=cache_dir(data_dir())) as one, Engine() as other:
        free = [one, other]

        def measure(index: int) -> Measured:
            engine = free.pop()
            try:
                return _measure_row(engine, rows[index], experiments[index], advance)
            finally:
                free.append(engine)

        with ThreadPoolExecutor(len(free)) as pool:
            return list(pool.map(measure, range(len(rows))))


def _measure_row(
    engine: Engine, row: tables.Row, experiment: Experiment, advance: Callable[[str, float], None]
) -> Measured:
    from compute.events import MethodCompleted, Progress

    for event in engine.submit(experiment):
        if isinstance(event, Progress):
            advance(row.id, len(event.t) / experiment.step_count)
        elif isinstance(event, MethodCompleted):
            metrics, done = event.metrics, event
    rmse = metrics["rmse_analysis"]
    return Measured(
        id=row.id,
        method=experiment.methods[0].name,
        expected=row.expected,
        tolerance=row.tolerance,
        rmse_analysis=rmse,
        standard_error=metrics["rmse_analysis_se"],
        cycles=int(metrics["cycles_scored"] or 0) * experiment.replicates,
        status=done.status,
        meets=row.meets(rmse),
        seconds=done.runtime_seconds,
        source=row.source,
    )


def _print(measured: list[Measured]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False, collapse_padding=True)
    for heading in ("row", "method"):
        table.add_column(heading, no_wrap=True)
    for heading in ("published", "measured", "tolerance", "cycles"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for row in measured:
        error = "" if row.standard_error is None else f" ± {row.standard_error:.3f}"
        rmse = "–" if row.rmse_analysis is None else f"{row.rmse_analysis:.3f}{error}"
        verdict = "[green]meets[/green]" if row.meets else "[red]misses[/red]"
        tolerance = f"{row.tolerance:.3f}" if row.tolerance else ""
        table.add_row(row.id, row.method, row.expected, rmse, tolerance, f"{row.cycles:,}", verdict)
    met = sum(row.meets for row in measured)
    table.caption = f"time-mean analysis RMSE ± standard error; {met} of {len(measured)} rows met"
    Console(width=max(100, Console().width)).print(table)
