"""Rows of the CSV."""

from __future__ import annotations

import csv
import io
from uuid import UUID

import pytest

from gateway.csv import HEADER, neutral, row_prefix, rows

RUN = UUID("00000000-0000-4000-8000-000000000001")


def test_header() -> None:
    assert HEADER == (
        b"run_id,method_id,name,label,step,t,error_b,error_a,replicate,"
        b"rmse_background,rmse_analysis,spread_background,spread_analysis\r\n"
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
