"""Published numbers as requests, and whether what was measured meets them. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import resources
from typing import Any

METHOD_ID = "m"
"""Of the one method of a row's request."""


class BrokenTable(ValueError):
    """The file is no table of published numbers; the message says where."""


@dataclass(frozen=True, slots=True)
class Row:
    """One published number and the request that should reproduce it."""

    id: str
    request: Mapping[str, Any]
    published: float | None
    """Time-mean analysis RMSE; None where a bound is given instead."""
    tolerance: float
    above: float | None
    """The RMSE that must be exceeded: the filter has to lose the truth."""
    source: str

    @property
    def expected(self) -> str:
        """For people: the number, or the bound."""
        return f"> {self.above:g}" if self.published is None else f"{self.published:.3f}"

    def meets(self, rmse: float | None) -> bool:
        """True when a measured RMSE is what the row asks for."""
        if rmse is None or not math.isfinite(rmse):
            return False
        if self.published is None:
            return self.above is not None and rmse > self.above
        return abs(rmse - self.published) <= self.tolerance


def shipped() -> list[Row]:
    """The rows that come with LEARN-DA."""
    return parse(resources.files(__name__).joinpath("lorenz96.json").read_text("utf-8"))


def parse(text: str) -> list[Row]:
    """The rows of a table in JSON."""
    try:
        table = json.loads(text)
        return [_row(table["base"], row) for row in table["rows"]]
    except KeyError as missing:
        raise BrokenTable(f"{missing} is missing") from missing
    except (ValueError, TypeError, AttributeError) as error:
        raise BrokenTable(str(error)) from error


def choose(rows: Sequence[Row], patterns: Sequence[str]) -> list[Row]:
    """The rows whose id fits one of the patterns (*, ?), all without any; BrokenTable if none does.

    A pattern that fits no row is an error too: a row that is not run proves nothing.
    """
    for pattern in patterns:
        if not any(fnmatch(row.id, pattern) for row in rows):
            raise BrokenTable(f"no row is called {pattern}: {', '.join(row.id for row in rows)}")
    return [r for r in rows if not patterns or any(fnmatch(r.id, p) for p in patterns)]


def _row(base: Mapping[str, Any], row: Mapping[str, Any]) -> Row:
    request = {**base, **row.get("request", {})}
    if "obs_sites" in request:
        request.pop("m", None)
    if "ensemble_size" in row:
        request["ensemble_size"] = row["ensemble_size"]
    request["methods"] = [{"id": METHOD_ID, "name": row["method"], "params": row["params"]}]
    above = None
    if "must" in row:
        sign, _, bound = str(row["must"]).partition(">")
        if sign.strip():
            raise ValueError(f"{row['id']}: must is {row['must']!r}, not a bound like '> 3'")
        above = float(bound)
    published = None if above is not None else float(row["rmse_analysis"])
    tolerance = 0.0 if above is not None else float(row["tolerance"])
    return Row(str(row["id"]), request, published, tolerance, above, str(row.get("source", "")))
