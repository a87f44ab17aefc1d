"""The `elixircache` command.

Each file of this package that has an `app` (a typer.Typer) adds its commands: a new command group is a new file.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import Annotated

import typer

import cli
from elixircache import __version__

# Where the commands that start servers are: their start need not wait until all other commands are imported.
SERVERS = {"up": "up", "master": "up", "replica": "up", "router": "processes", "shard": "processes"}


def app() -> None:
    """Run the command line of this process."""
    application(*sys.argv[1:2])(prog_name="elixircache")


def application(command: str = "") -> typer.Typer:
    """All commands; or, where the command is known that will be run, at least that one."""
    made = typer.Typer(
        name="elixircache",
        help="A Redis-compatible in-memory store that is one server made of many processes.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(main)
    every = [module.name for module in pkgutil.iter_modules(cli.__path__) if module.name not in ("main", "__main__")]
    for name in [SERVERS[command]] if command in SERVERS else every:
        commands = getattr(importlib.import_module(f"cli.{name}"), "app", None)
        if isinstance(commands, typer.Typer):
            made.add_typer(commands)
    return made


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"elixircache {__version__}")
        raise typer.Exit


def main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass
