"""``python -m learnda.cli``, for places where the program ``learn-da`` is not on the path."""

from learnda.cli import app

app(prog_name="learn-da")
