"""The `elixircache` command.

Each file of this package that has an `app` (a typer.Typer) adds its commands: a new command group is a new file.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Annotated

import typer

import cli
from elixircache import __version__

app = typer.Typer(
    name="elixircache",
    help="A Redis-compatible in-memory store that is one server made of many processes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for _module in pkgutil.iter_modules(cli.__path__):
    if _module.name not in ("main", "__main__"):
        _commands = getattr(importlib.import_module(f"cli.{_module.name}"), "app", None)
        if isinstance(_commands, typer.Typer):
            app.add_typer(_commands)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"elixircache {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass
