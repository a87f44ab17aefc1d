"""router, shard: one process, for one container per process."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from cli.errors import fail
from cli.settings import ServerCommand, configuration, with_configuration
from cluster.config import Config
from cluster.locks import DirectoryInUse, DirectoryLock
from cluster.slots import SHARDS_MAX

app = typer.Typer()


def become(program: str, settings: Config, arguments: list[str], own: Path | None = None) -> NoReturn:
    """Replaces this process by a shard or router, so that a container's signals reach it directly.

    `own` is a directory that only this process may use. The configuration goes over in a file that has no name
    any more when it is read.
    """
    try:
        if own is not None:
            lock = DirectoryLock(own)
            os.set_inheritable(lock.fileno(), True)  # the directory stays locked as long as the shard lives
    except DirectoryInUse as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot use directory {own}: {error.strerror}")
    with tempfile.TemporaryFile() as file:
        file.write(json.dumps(settings.to_json()).encode())
        file.seek(0)
        os.set_inheritable(file.fileno(), True)
        arguments = [*arguments, "--config-json", f"/dev/fd/{file.fileno()}"]
        os.execv(sys.executable, [sys.executable, "-m", program, *arguments])


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
    addresses = [address for address in endpoints.split(",") if address]
    if not 1 <= len(addresses) <= SHARDS_MAX:
        fail("--endpoints needs the address of each shard, from 1 to 256 of them")
    become("router", configuration(config, flags), ["--endpoints", ",".join(addresses)])


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
    if not 1 <= shards <= SHARDS_MAX or not 0 <= index < shards:
        fail(f"--index {index} is not one of --shards {shards} (1 to {SHARDS_MAX})")
    settings = configuration(config, flags)
    where = endpoint or f"ipc://{os.path.join(tempfile.gettempdir(), f'elixircache-shard-{index}')}"
    directory = str(Path(str(settings["dir"])).resolve())
    place = ["--index", str(index), "--shards", str(shards), "--endpoint", where, "--dir", directory]
    # Shards of one group may share DIR; a shard's own files are in a directory below it.
    become("shard", settings, place, Path(directory) / f"shard-{index}")
