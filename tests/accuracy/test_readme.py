"""The README knows every method and every published row."""

from __future__ import annotations

from pathlib import Path

from compute.registry import METHODS
from learnda.accuracy import shipped

README = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")


def test_every_method_is_named() -> None:
    assert [name for name in METHODS if f"`{name}`" not in README] == []


def test_every_published_row_is_shown() -> None:
    assert [row.id for row in shipped() if f" {row.id} " not in README] == []
