"""What a run looks like in a terminal: a bar per method, then a table of the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

Metrics = Mapping[str, float | int | None]


@dataclass(frozen=True, slots=True)
class Result:
    """How one method ended."""

    label: str
    status: str
    metrics: Metrics
    runtime_seconds: float
    diverged_step: int | None


class RunDisplay:
    """Bars that grow while a run goes on; use it as a context manager."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[state]}"),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> RunDisplay:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def begin(self, labels: Mapping[str, str], step_count: int) -> None:
        """Show a bar for each method id, named by its label."""
        for method_id, label in labels.items():
            self._tasks[method_id] = self._progress.add_task(
                _plain(label), total=step_count, state=""
            )

    def advance(self, method_id: str, done: int, rmse: float | None) -> None:
        """The first ``done`` steps are done; ``rmse`` is the last one's."""
        state = "" if rmse is None else f"RMSE {rmse:.4f}"
        self._progress.update(self._tasks[method_id], completed=done, state=state)

    def complete(self, method_id: str, result: Result) -> None:
        """Fill the bar and say how the method ended."""
        task = self._tasks[method_id]
        total = self._progress.tasks[task].total
        self._progress.update(task, completed=total or 0, state=_ending(result))

    def note(self, text: str) -> None:
        """Say something above the bars."""
        self._progress.console.print(f"[dim]{_plain(text)}[/dim]")


def metrics_table(results: Sequence[Result]) -> Table:
    """The scores, best analysis first."""
    table = Table("method", box=box.SIMPLE, pad_edge=False, collapse_padding=True)
    table.add_column("status", no_wrap=True)
    for heading in ("analysis", "background", "spread", "CRPS", "error_a"):
        table.add_column(heading, justify="right", no_wrap=True)
    for result in sorted(results, key=_by_rmse):
        scores = result.metrics
        table.add_row(
            _plain(result.label),
            _coloured(result.status, result.status),
            _with_error(scores.get("rmse_analysis"), scores.get("rmse_analysis_se")),
            *(
                _number(scores.get(name))
                for name in ("rmse_background", "spread_analysis", "crps_analysis", "mean")
            ),
        )
    table.caption = "RMSE ± s.e., spread, CRPS of scored cycles; error_a relative, of all"
    return table


def _by_rmse(result: Result) -> float:
    value = result.metrics.get("rmse_analysis")
    return float("inf") if value is None else value


def _ending(result: Result) -> str:
    at = "" if result.diverged_step is None else f" at step {result.diverged_step}"
    return _coloured(result.status, f"{result.status}{at}")


def _coloured(status: str, text: str) -> str:
    colour = "green" if status == "completed" else "red"
    return f"[{colour}]{text}[/{colour}]"


def _with_error(value: float | int | None, error: float | int | None) -> str:
    return _number(value) if error is None else f"{_number(value)} ± {error:.1g}"


def _number(value: float | int | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _plain(text: str) -> str:
    """A user's text, in which brackets are no markup."""
    return text.replace("[", r"\[")
