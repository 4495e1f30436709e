"""A run's CSV, in the columns of the contract: one row per method, replicate and step."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from learnda.csv_format import COLUMNS, neutral, number
from learnda.experiment import MethodInstance


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive steps of one method; series are [R, K] for R replicates and K steps."""

    first_step: int
    t: Sequence[float]
    series: Mapping[str, Any]


def write_csv(
    file: TextIO,
    run_id: str,
    instances: Iterable[MethodInstance],
    spans: Mapping[str, Sequence[Span]],
    replicates: int,
) -> None:
    """Write the spans of each method, which are in the order of their steps.

    ``file`` is opened with ``newline=""``: the lines end with CRLF.
    """
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for instance in instances:
        text = (run_id, neutral(instance.id), neutral(instance.name), neutral(instance.label))
        for replicate in range(replicates):
            writer.writerows(
                row for span in spans.get(instance.id, ()) for row in _rows(text, span, replicate)
            )


def _rows(text: Sequence[str], span: Span, replicate: int) -> Iterator[list[str]]:
    series = {name: values[replicate].tolist() for name, values in span.series.items()}
    for k, t in enumerate(span.t):
        numbers = {name: number(values[k]) for name, values in series.items()}
        numbers |= {"step": str(span.first_step + k), "t": number(t), "replicate": str(replicate)}
        yield [*text, *(numbers[name] for name in COLUMNS[len(text) :])]
