"""up, master, replica: whole process groups in the foreground."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.errors import fail
from cli.groups import (
    check_free,
    checked_replicas,
    checked_shards,
    endpoints,
    host_of,
    print_ready,
    run_in_foreground,
    serve,
)
from cli.settings import ServerCommand, configuration, with_configuration
from cluster.config import Config, ConfigError
from cluster.ensemble import Ensemble, Member, note_role, noted_master

app = typer.Typer()

Shards = Annotated[
    int | None, typer.Option("--shards", help="Shard processes, from 1 to 256.", metavar="N", show_default="4")
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="Configuration file in the form of redis.conf.", metavar="FILE")
]
OwnerFd = Annotated[int, typer.Option("--owner-fd", hidden=True, help="End when this descriptor is closed.")]


def check_distinct(configs: list[Config]) -> None:
    """No port is asked for twice by the groups, whose ports follow each other."""
    seen: set[int] = set()
    for each in configs:
        for name in ("port", "ws-port"):
            number = int(each[name])
            if number and number in seen:
                fail(f"port {number} is asked for twice: replicas use the ports behind --port and --ws-port")
            seen.add(number)


@app.command(cls=ServerCommand)
@with_configuration
def up(
    flags: dict[str, list[str]],
    shards: Shards = None,
    replicas: Annotated[
        int | None,
        typer.Option("--replicas", help="Replica groups, on the next ports.", metavar="R", show_default="1"),
    ] = None,
    config: ConfigFile = None,
    owner_fd: OwnerFd = -1,
) -> None:
    """Start a cluster on this machine, a master group and its replicas, and serve until Ctrl-C."""
    count, copies, settings = checked_shards(shards, 4), checked_replicas(replicas, 1), configuration(config, flags)
    if not copies:
        run_in_foreground("master", count, settings, owner_fd)
    if not settings["port"]:
        fail("replicas need a master with a TCP port; use --port, or --replicas 0")
    if max(int(settings["port"]), int(settings["ws-port"])) + copies > 65535:
        name = "port" if int(settings["port"]) + copies > 65535 else "ws-port"
        fail(f"--{name} {settings[name]} leaves no port for {copies} replica{'s' if copies > 1 else ''}")
    configs = [settings, *(replica_config(settings, number) for number in range(1, copies + 1))]
    check_distinct(configs)
    for each in configs:
        check_free(each)
    members = [
        Member(Path(str(each["dir"])).resolve(), f"{host_of(each)} {each['port']}", runner(count, each))
        for each in configs
    ]
    first = noted_master([member.directory for member in members])

    def ready() -> None:
        lines = []
        for number, each in enumerate(configs):
            lines += [f"{'master' if number == first else 'replica'}, data in {each['dir']}"]
            lines += [f"  {line}" for line in endpoints(each, int(each["port"]))]
        title = f"{count} shard{'s' if count > 1 else ''}, {copies} replica group{'s' if copies > 1 else ''}"
        print_ready(title, lines, int(configs[first]["port"]))

    raise typer.Exit(Ensemble(members, first, ready, owner_fd, str(settings["log-format"])).run())


def replica_config(config: Config, number: int) -> Config:
    """The configuration of a master group's replica: its master's, then what CONFIG REWRITE has written into the file
    of its own (DIR/replica-N/elixircache.conf), and what cannot be shared."""
    directory = Path(str(config["dir"])) / f"replica-{number}"
    own = Config(config.to_json())
    own.path = str(directory / "elixircache.conf")
    if Path(own.path).exists():
        try:
            own.load_file(own.path)
        except ConfigError as error:
            fail(str(error))
    own.load("port", [str(int(config["port"]) + number)])
    if config["ws-port"]:
        own.load("ws-port", [str(int(config["ws-port"]) + number)])
    own.load("unixsocket", [""])
    own.load("dir", [str(directory)])
    return own


def runner(shards: int, config: Config) -> Callable[[str], int]:
    """What runs one group of several in its process."""

    def run(replicaof: str) -> int:
        config.load("replicaof", replicaof.split())
        if config["requirepass"] and not config["masterauth"]:
            config.load("masterauth", [str(config["requirepass"])])
        directory = Path(str(config["dir"])).resolve()

        def changed(values: Mapping[str, Any]) -> None:
            if "replicaof" in values:
                note_role(directory, str(values["replicaof"]))

        try:
            return serve(shards, config, on_change=changed)
        except typer.Exit as end:
            return end.exit_code

    return run


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
