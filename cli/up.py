"""up, master, replica: a whole process group in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.errors import fail
from cli.groups import checked_shards, run_in_foreground
from cli.settings import ServerCommand, configuration, with_configuration

app = typer.Typer()

Shards = Annotated[
    int | None, typer.Option("--shards", help="Shard processes, from 1 to 256.", metavar="N", show_default="4")
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="Configuration file in the form of redis.conf.", metavar="FILE")
]
OwnerFd = Annotated[int, typer.Option("--owner-fd", hidden=True, help="End when this descriptor is closed.")]


@app.command(cls=ServerCommand)
@with_configuration
def up(
    flags: dict[str, list[str]],
    shards: Shards = None,
    config: ConfigFile = None,
    owner_fd: OwnerFd = -1,
) -> None:
    """Start a cluster on this machine and serve until Ctrl-C."""
    run_in_foreground("master", checked_shards(shards, 4), configuration(config, flags), owner_fd)


@app.command(cls=ServerCommand)
@with_configuration
def master(
    flags: dict[str, list[str]],
    shards: Shards = None,
    config: ConfigFile = None,
    owner_fd: OwnerFd = -1,
) -> None:
    """Run one process group in the master role, in the foreground."""
    run_in_foreground("master", checked_shards(shards, 4), configuration(config, flags), owner_fd)


@app.command(cls=ServerCommand)
@with_configuration
def replica(
    flags: dict[str, list[str]],
    of: Annotated[str, typer.Option("--of", help="The master group's address.", metavar="HOST:PORT")] = "",
    shards: Shards = None,
    config: ConfigFile = None,
    owner_fd: OwnerFd = -1,
) -> None:
    """Run one process group as a replica of another group or of a Redis server, in the foreground."""
    if of:
        host, colon, port = of.strip().rpartition(":")
        if not colon or not host or not port.isdigit():
            fail(f"--of must be HOST:PORT, not '{of}'")
        flags = flags | {"replicaof": [f"{host} {port}"]}
    settings = configuration(config, flags)
    if not settings["replicaof"]:
        fail("a replica needs its master's address: --of HOST:PORT")
    run_in_foreground("replica", checked_shards(shards, 4), settings, owner_fd)
