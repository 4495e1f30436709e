"""Rows of the CSV."""

from __future__ import annotations

import csv
import io
from uuid import UUID

import pytest
from stream_messages import gathered_json

from gateway.csv import SUMMARY_HEADER, header, neutral, row_prefix, rows, summary

RUN = UUID("00000000-0000-4000-8000-000000000001")


def test_header() -> None:
    contract = (
        b"run_id,method_id,name,label,step,t,error_b,error_a,replicate,"
        b"rmse_background,rmse_analysis,spread_background,spread_analysis"
    )
    assert header(diagnostics=False) == contract + b"\r\n"
    assert header(diagnostics=True) == (
        contract + b",crps_analysis,innovation_consistency,desroziers_error,"
        b"desroziers_background,effective_sample_size\r\n"
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_formulas_are_neutralised(start: str) -> None:
    assert neutral(f"{start}1+1") == f"'{start}1+1"


def test_other_text_is_left_alone() -> None:
    for text in ("LETKF (r=2)", "1", "a-b", "", "é ü 中"):
        assert neutral(text) == text


def test_rows_read_back_by_a_csv_reader() -> None:
    prefix = row_prefix(RUN, "-m", "etkf", 'say "hi", =1')
    text = rows(prefix, b"0,0,0.5,,0,1,1,1,1\n1,0.1,-0.5,2,0,1,1,1,1\n")
    assert text.endswith(b"\r\n")
    assert text.count(b"\r\n") == text.count(b"\n") == 2
    found = list(csv.reader(io.StringIO(text.decode(), newline="")))
    assert [row[:4] for row in found] == [[str(RUN), "'-m", "etkf", 'say "hi", =1']] * 2
    assert found[1][4:8] == ["1", "0.1", "-0.5", "2"]


def test_the_summary_has_one_row_per_number() -> None:
    method = {
        "method_id": "=m",
        "name": "etkf",
        "label": "a, b",
        "metrics": {"final": 0.5, "mean": None, "cycles_scored": 10, "min": 1e-07},
        "diagnostics": gathered_json(8),
    }
    text = (SUMMARY_HEADER + summary(RUN, method)).decode()
    assert text.count("\r\n") == text.count("\n") == 1 + 3 + 4 + 2 + 4
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert found[0] == [
        *["run_id", "method_id", "name", "label", "diagnostic", "x", "value", "count"]
    ]
    assert {tuple(row[:4]) for row in found[1:]} == {(str(RUN), "'=m", "etkf", "a, b")}
    assert [row[4:] for row in found[1:]] == [
        ["rank_histogram", "0", "", "8"],
        ["rank_histogram", "1", "", "0"],
        ["rank_histogram", "2", "", "16"],
        ["spread", "0.5", "0.25", "24"],
        ["spread", "", "", "0"],
        ["error", "0.5", "1", "24"],
        ["error", "", "", "0"],
        ["lead_rmse", "1", "2", ""],
        ["lead_rmse", "2", "4", ""],
        ["final", "", "0.5", ""],
        ["mean", "", "", ""],
        ["cycles_scored", "", "10", ""],
        ["min", "", "1e-07", ""],
    ]


def test_the_summary_of_nothing_is_empty() -> None:
    text = {"method_id": "a", "name": "etkf", "label": "x"}
    assert summary(RUN, {**text, "metrics": None, "diagnostics": None}) == b""
    metrics = summary(RUN, {**text, "metrics": {"final": 1.0}, "diagnostics": None})
    assert metrics == f"{RUN},a,etkf,x,final,,1,\r\n".encode()
