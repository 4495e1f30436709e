"""The example in Node."""

from __future__ import annotations

from pathlib import Path

from example_programs import ExampleTests, Programs

ROOT = Path(__file__).resolve().parents[2]


class TestNode(ExampleTests):
    """`make test` installs its packages."""

    programs = Programs([ROOT / "scripts" / "node.sh", "-C", "examples/node", "node", ""], ".mjs")
