"""Starts one process group in the foreground: checks, lock, sockets, supervisor."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from cli.errors import fail
from cluster.config import Config
from cluster.listeners import AddressTaken, addresses, check_port, open_listeners
from cluster.locks import DirectoryInUse, DirectoryLock
from cluster.slots import SHARDS_MAX
from cluster.supervision import Group, run_group
from cluster.supervisor import Policy
from elixircache import __version__

REPLICAS_MAX = 16


def checked_shards(given: int | None, default: int) -> int:
    """The number of shards, from ELIXIRCACHE_SHARDS, the flag or the default."""
    text = os.environ.get("ELIXIRCACHE_SHARDS")
    if text is not None:
        if not text.isdigit():
            fail(f"ELIXIRCACHE_SHARDS must be a number from 1 to {SHARDS_MAX}, not '{text}'")
        given = int(text)
    shards = default if given is None else given
    if not 1 <= shards <= SHARDS_MAX:
        fail(f"--shards must be from 1 to {SHARDS_MAX}, not {shards}")
    return shards


def checked_replicas(given: int | None, default: int) -> int:
    """The number of replica groups, from ELIXIRCACHE_REPLICAS, the flag or the default."""
    text = os.environ.get("ELIXIRCACHE_REPLICAS")
    if text is not None:
        if not text.isdigit():
            fail(f"ELIXIRCACHE_REPLICAS must be a number from 0 to {REPLICAS_MAX}, not '{text}'")
        given = int(text)
    replicas = default if given is None else given
    if not 0 <= replicas <= REPLICAS_MAX:
        fail(f"--replicas must be from 0 to {REPLICAS_MAX}, not {replicas}")
    return replicas


def check_free(config: Config) -> None:
    """Ends the command when the directory or an address of a group is in use: nothing has been started then."""
    directory = Path(str(config["dir"]))
    try:
        DirectoryLock(directory).release()
        for listener in open_listeners(config):
            listener.close()
        check_port(addresses(config["bind"])[0].removeprefix("-").replace("*", ""), int(config["ws-port"] or 0))
    except (DirectoryInUse, AddressTaken) as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot use directory {directory}: {error.strerror}")


def run_in_foreground(role: str, shards: int, config: Config, owner_fd: int = -1) -> None:
    """Runs a group until it is told to stop. Nothing is started when an address or the directory is taken."""

    def ready(details: Mapping[str, Any]) -> None:
        title = f"{role}, {shards} shard{'s' if shards > 1 else ''}, data in {config['dir']}"
        print_ready(title, endpoints(config, int(details.get("port") or 0)), int(details.get("port") or 0))

    raise typer.Exit(serve(shards, config, ready, owner_fd=owner_fd))


def serve(
    shards: int,
    config: Config,
    on_ready: Callable[[Mapping[str, Any]], None] = lambda details: None,
    on_change: Callable[[Mapping[str, Any]], None] = lambda values: None,
    owner_fd: int = -1,
) -> int:
    """The whole life of a group; its exit code."""
    directory = Path(str(config["dir"]))
    try:
        lock = DirectoryLock(directory)
    except DirectoryInUse as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot use directory {directory}: {error.strerror}")
    try:
        prepare_data(directory, shards, config)
    except DataRefused as error:
        lock.release()
        fail(str(error), 1)
    try:
        listeners = open_listeners(config)
        check_port(addresses(config["bind"])[0].removeprefix("-").replace("*", ""), int(config["ws-port"] or 0))
    except AddressTaken as error:
        lock.release()
        fail(str(error))
    _redirect_log(str(config["logfile"] or ""))
    group = Group(
        shards=shards,
        directory=directory.resolve(),
        config=config.to_json(),
        listeners=listeners,
        on_ready=on_ready,
        on_change=on_change,
        owner_fd=owner_fd,
        policy=Policy(router_silence_s=int(config["router-heartbeat-timeout"]) / 1000),
    )
    return run_group(group, lock)


class DataRefused(Exception):
    """The data directory cannot be used; the text says why."""


def prepare_data(directory: Path, shards: int, config: Config) -> None:
    """Makes the data fit this number of shards. DataRefused."""
    manifest = directory / "elixircache.json"
    if manifest.exists() and manifest.read_text() == f'{{"version": 1, "shards": {shards}}}':
        return  # as it nearly always is; the supervisor stays small
    from cli.progress import progress
    from shard.manifest import Refused
    from shard.offline import prepare

    try:
        with progress() as advance:
            prepare(directory, shards, config, lambda text: typer.echo(text, err=True), advance)
    except (Refused, OSError) as error:
        raise DataRefused(str(error)) from None


def host_of(config: Config) -> str:
    """Where this machine's programs reach a group."""
    host = addresses(config["bind"])[0].removeprefix("-")
    return {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::*": "::1"}.get(host, host)


def endpoints(config: Config, port: int) -> list[str]:
    """What a group serves, a line each."""
    lines = [f"redis protocol  {host_of(config)}:{port}"] if port else []
    if config["unixsocket"]:
        lines.append(f"unix socket     {config['unixsocket']}")
    if config["ws-port"]:
        lines.append(f"console         http://{host_of(config)}:{config['ws-port']}/")
    return lines


def print_ready(title: str, lines: Sequence[str], port: int) -> None:
    """The endpoints, one line to try, and READY alone on the last line for scripts that wait for it."""
    lines = [f"ElixirCache {__version__}: {title}", *(f"  {line}" for line in lines)]
    if port:
        lines.append(f"  try             redis-cli -p {port} SET hello world")
    typer.echo("\n".join([*lines, "READY"]))
    sys.stdout.flush()


def _redirect_log(path: str) -> None:
    """Standard error, which the children inherit, becomes the log file."""
    if path:
        try:
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        except OSError as error:
            fail(f"cannot write the log file {path}: {error.strerror}")
        os.dup2(file, 2)
        os.close(file)
