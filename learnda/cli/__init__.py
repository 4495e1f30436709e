"""The command line ``learn-da``. Each command imports what it needs when it is called."""

from __future__ import annotations

from importlib import metadata
from typing import Annotated

import typer

from learnda.cli.accuracy import accuracy
from learnda.cli.experiments import methods, run
from learnda.cli.services import compute, gateway, probe, up
from learnda.cli.tokens import app as token

app = typer.Typer(
    name="learn-da",
    help="A workbench for ensemble data assimilation on chaotic models.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (up, compute, gateway, run, methods, accuracy):
    app.command()(command)
app.command(hidden=True)(probe)
app.add_typer(token, name="token")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"learn-da {metadata.version('learn-da')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass
