"""The example in C++."""

from __future__ import annotations

import os

from example_programs import ExampleTests, Programs

FOLDER = os.environ.get("LEARNDA_CPP_EXAMPLE")
assert FOLDER, "no C++ example: LEARNDA_CPP_EXAMPLE=$(scripts/cpp_example.sh) builds it"


class TestCpp(ExampleTests):
    """`make test` builds its programs."""

    programs = Programs([f"{FOLDER}/"], "")
