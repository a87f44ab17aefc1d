"""keys: CURVE keys for links between processes on several machines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.errors import fail
from cluster.curve import make_keys

app = typer.Typer()


@app.command()
def keys(
    directory: Annotated[Path, typer.Argument(help="Where to put them; made if missing.", metavar="DIR")],
    keep: Annotated[bool, typer.Option("--keep", help="Leave keys that are there as they are.")] = False,
) -> None:
    """Make the keys with which routers and shards know each other on tcp links (--curve-keys DIR)."""
    try:
        made = make_keys(directory)
    except FileExistsError as error:
        if keep:
            return
        fail(str(error))
    except OSError as error:
        fail(f"cannot write to {directory}: {error.strerror}")
    for path in made:
        typer.echo(str(path))
    typer.echo("Routers need router.key_secret and shard.key, shards shard.key_secret and every *.key.")
