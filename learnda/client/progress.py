"""The progress bar of runs and sweeps: text in a terminal, a widget in a notebook that has them."""

from __future__ import annotations

import math
import warnings
from types import TracebackType
from typing import Any, Self

from learnda.client.events import Compiling, Event, Progress, Started

LONGEST = 4
"""Methods whose error is shown beside the bar: the line is to fit a terminal."""


class ProgressBar:
    """Follows events; one bar over the steps of all methods. ``shown=False``: nothing at all."""

    def __init__(self, shown: bool, *, total: int | None = None) -> None:
        """``total``: steps to come, where they are more than those of one run."""
        self._shown = shown
        self._total = total
        self._bar: Any = None
        self._errors: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def take(self, event: Event) -> None:
        """Show what this event tells."""
        if not self._shown:
            return
        match event:
            case Started() if self._bar is None:
                total = self._total or event.step_count * len(event.method_ids)
                self._bar = _bar_class()(total=total, unit="step", desc="starting", leave=True)
            case Compiling():
                self._bar.set_description(f"compiling {event.program}")
            case Progress():
                self._advance(event)
            case _:
                pass

    def _advance(self, event: Progress) -> None:
        self._bar.set_description("running", refresh=False)
        self._errors[event.method_id] = float(event.mean["rmse_analysis"][-1])
        newest = list(self._errors.items())[-LONGEST:]
        shown = ", ".join(f"{name} {_rounded(error)}" for name, error in newest)
        self._bar.set_postfix_str(f"RMSE {shown}", refresh=False)
        self._bar.update(len(event.t))


def _rounded(error: float) -> str:
    return f"{error:.3g}" if math.isfinite(error) else "lost"


def _bar_class() -> Any:
    """tqdm for where we are; a notebook without widgets gets the text, and no warning of it."""
    from tqdm import TqdmWarning  # type: ignore[import-untyped]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmWarning)
        from tqdm.auto import tqdm  # type: ignore[import-untyped]
    return tqdm
