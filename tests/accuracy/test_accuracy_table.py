"""Tables of published numbers: what is a row, and what meets it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compute.registry import declarations
from learnda.accuracy import BrokenTable, choose, parse, shipped
from learnda.cost import Limits
from learnda.validation import resolve

BASE = {"m": 40, "std_obs": 1.0}
ROW = {"id": "A", "method": "etkf", "params": {"rotate": True}, "ensemble_size": 20}


def table(**row: Any) -> str:
    return json.dumps({"base": BASE, "rows": [{**ROW, **row}]})


def test_a_row_is_a_request() -> None:
    (row,) = parse(table(rmse_analysis=0.2, tolerance=0.01, request={"obs_sites": [1, 3]}))
    assert row.request == {
        "std_obs": 1.0,
        "obs_sites": [1, 3],
        "ensemble_size": 20,
        "methods": [{"id": "m", "name": "etkf", "params": {"rotate": True}}],
    }


def test_what_meets_a_number() -> None:
    (row,) = parse(table(rmse_analysis=0.2, tolerance=0.01))
    assert [row.meets(x) for x in (0.2, 0.2099, 0.1901, 0.211, 0.189, None, float("nan"))] == [
        *(True, True, True, False, False, False, False)
    ]


def test_what_meets_a_bound() -> None:
    (row,) = parse(table(must="> 3"))
    assert (row.meets(3.1), row.meets(2.9), row.meets(None)) == (True, False, False)
    assert row.expected == "> 3"


@pytest.mark.parametrize("text", ["", "[]", "{}", table(), table(must="< 3"), table(tolerance=1)])
def test_a_broken_table_is_refused(text: str) -> None:
    with pytest.raises(BrokenTable):
        parse(text)


def test_rows_are_chosen_by_pattern_and_none_is_forgotten() -> None:
    rows = shipped()
    assert choose(rows, []) == rows
    assert {row.id for row in choose(rows, ["S19-*", "S08-etkf-20"])} == {
        *("S19-letkf-40", "S19-letkf-100", "S19-optinterp", "S08-etkf-20")
    }
    with pytest.raises(BrokenTable, match="S08-none"):
        choose(rows, ["S08-etkf-20", "S08-none"])


def test_the_shipped_rows_are_for_ten_thousand_scored_cycles() -> None:
    for row in shipped():
        r = row.request
        scored = (r["end_time"] - r["burn_in"]) / r["obs_freq"] * r["replicates"]
        assert scored >= 10_000 - 1e-6, row.id


def test_every_shipped_row_is_admitted_by_the_defaults() -> None:
    """Ten replicates of a thousand scored cycles of each."""
    for row in shipped():
        asked = resolve(row.request, declarations(), limits=Limits(), draw_seed=lambda: 1)
        assert asked.replicates * asked.step_count >= 10_000, row.id
