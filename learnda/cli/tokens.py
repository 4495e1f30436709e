"""``learn-da token``: make, list and revoke tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

File = Annotated[
    Path,
    typer.Option(
        "--file", envvar="LEARNDA_ACCESS_FILE", help="Where names, hashes and quotas are kept."
    ),
]

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke the tokens that let people in.")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Whose it is; letters, digits and _ - . @")],
    file: File,
    max_queued: Annotated[
        int | None, typer.Option(min=0, help="Runs that wait or go on at a time.")
    ] = None,
    compute_seconds: Annotated[
        float | None, typer.Option(min=0, help="Seconds of computing within 24 hours.")
    ] = None,
) -> None:
    """Make a token and print it, this once."""
    from learnda.local.tokens import add

    with _told():
        typer.echo(add(file, name, max_queued, compute_seconds))


@app.command(name="list")
def list_tokens(file: File) -> None:
    """List the tokens by name, with their quotas."""
    from learnda.access import read

    with _told():
        for token in read(file).values():
            seconds = token.quota.compute_seconds
            computing = "" if seconds is None else f", {seconds:g} s of computing a day"
            typer.echo(f"{token.name}: {token.quota.max_queued} runs queued{computing}")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Whose token ends, with its sessions.")], file: File
) -> None:
    """Revoke a token; running services hear of it at once."""
    from learnda.local.tokens import revoke

    with _told():
        revoke(file, name)


@contextmanager
def _told() -> Iterator[None]:
    """What cannot be done is said in a sentence."""
    try:
        yield
    except (ValueError, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None
