"""router, shard: one process, for one container per process."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import fail
from cli.settings import ServerCommand, configuration, with_configuration
from cluster.log import set_up
from cluster.process import Control
from cluster.slots import SHARDS_MAX

app = typer.Typer()

ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="Configuration file in the form of redis.conf.", metavar="FILE")
]


@app.command(cls=ServerCommand)
@with_configuration
def router(
    flags: dict[str, list[str]],
    endpoints: Annotated[str, typer.Option("--endpoints", help="Comma-separated links of the shards, in order.")] = "",
    config: ConfigFile = None,
) -> None:
    """Run only a router; its shards run elsewhere (tcp://host:port or ipc://path)."""
    from router.server import run

    addresses = [address for address in endpoints.split(",") if address]
    if not 1 <= len(addresses) <= SHARDS_MAX:
        fail("--endpoints needs the address of each shard, from 1 to 256 of them")
    settings = configuration(config, flags)
    set_up("router", settings)
    raise typer.Exit(run(addresses, settings, Control()))


@app.command(cls=ServerCommand)
@with_configuration
def shard(
    flags: dict[str, list[str]],
    index: Annotated[int, typer.Option("--index", help="Which shard this is, from 0.")] = 0,
    shards: Annotated[int, typer.Option("--shards", help="How many shards the group has.")] = 1,
    endpoint: Annotated[str, typer.Option("--endpoint", help="Where to wait for the router.")] = "",
    config: ConfigFile = None,
) -> None:
    """Run only one shard; a router connects to its endpoint."""
    from shard.worker import run

    if not 1 <= shards <= SHARDS_MAX or not 0 <= index < shards:
        fail(f"--index {index} is not one of --shards {shards} (1 to {SHARDS_MAX})")
    settings = configuration(config, flags)
    set_up(f"shard-{index}", settings)
    where = endpoint or f"ipc://{os.path.join(tempfile.gettempdir(), f'elixircache-shard-{index}')}"
    raise typer.Exit(run(index, shards, where, str(settings["dir"]), settings, Control()))
