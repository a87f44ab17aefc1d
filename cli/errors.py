"""How a command ends when it cannot do what was asked."""

from __future__ import annotations

from typing import NoReturn

import typer

USAGE = 2


def fail(text: str, code: int = USAGE) -> NoReturn:
    """Prints one line on standard error and ends the command; code 2 means that nothing was started."""
    typer.echo(f"elixircache: {' '.join(text.split())}", err=True)
    raise typer.Exit(code)
