"""``learn-da run`` and ``learn-da methods``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from learnda import strict_json
from learnda.problems import RequestError
from learnda.threads import limit_threads


def run(
    request: Annotated[
        Path, typer.Argument(metavar="REQUEST.json", help="The body of POST /api/runs; -: stdin.")
    ],
    server: Annotated[
        str | None,
        typer.Option(envvar="LEARNDA_SERVER", help="A gateway's URL; without it, run here."),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every step to this file.")] = None,
) -> None:
    """Run a twin experiment, here or on a server, and show the scores of its methods."""
    limit_threads()
    from rich.console import Console

    from learnda.cli.display import RunDisplay, metrics_table
    from learnda.cli.server_run import ServerError, run_there

    body = _read(request)
    console = Console()
    try:
        with RunDisplay(console) as show:
            if server:
                results = run_there(body, server, show, csv)
            else:
                from learnda.cli.local_run import run_here

                results = run_here(body, show, csv)
    except RequestError as error:
        _fail("\n".join(["the request is refused:", *_listed(error)]))
    except ServerError as error:
        _fail(str(error))
    console.print(metrics_table(results))
    if csv is not None:
        console.print(f"Every step is in {csv}", markup=False)


def methods(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the declarations as JSON.")
    ] = False,
) -> None:
    """List the assimilation methods and their parameters."""
    limit_threads()
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    from compute.registry import declarations

    found = [method for _, method in sorted(declarations().items())]
    if as_json:
        typer.echo(json.dumps([asdict(method) for method in found], indent=2))
        return
    table = Table(show_lines=True)
    table.add_column("method", no_wrap=True)
    table.add_column("parameters", no_wrap=True)
    table.add_column("what it is")
    for method in found:
        parameters = "\n".join(_described(p.name, p.default) for p in method.parameters)
        table.add_row(method.name, parameters, f"{method.help}\n[dim]{method.reference}[/dim]")
    Console().print(table)


def _described(name: str, default: object) -> str:
    return name if default is None else f"{name} = {json.dumps(default)}"


def _read(request: Path) -> object:
    try:
        text = sys.stdin.read() if str(request) == "-" else request.read_text(encoding="utf-8")
        return strict_json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        _fail(f"{request} cannot be read as JSON: {error}")


def _listed(error: RequestError) -> list[str]:
    return [f"  {problem.field}: {problem.message}" for problem in error.problems]


def _fail(sentence: str) -> NoReturn:
    typer.echo(f"Error: {sentence}", err=True)
    raise typer.Exit(1)
