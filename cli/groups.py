"""Starts one process group in the foreground: checks, lock, sockets, supervisor."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
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


def run_in_foreground(role: str, shards: int, config: Config, owner_fd: int = -1) -> None:
    """Runs a group until it is told to stop. Nothing is started when an address or the directory is taken."""
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
        on_ready=lambda details: _print_ready(role, shards, config, details),
        owner_fd=owner_fd,
        policy=Policy(router_silence_s=int(config["router-heartbeat-timeout"]) / 1000),
    )
    raise typer.Exit(run_group(group, lock))


class DataRefused(Exception):
    """The data directory cannot be used; the text says why."""


def prepare_data(directory: Path, shards: int, config: Config) -> None:
    """Makes the data fit this number of shards. DataRefused."""
    manifest = directory / "elixircache.json"
    if manifest.exists() and manifest.read_text() == f'{{"version": 1, "shards": {shards}}}':
        return  # as it nearly always is; the supervisor stays small
    from shard.journal import Refused
    from shard.offline import prepare

    try:
        prepare(directory, shards, config, lambda text: typer.echo(text, err=True))
    except (Refused, OSError) as error:
        raise DataRefused(str(error)) from None


def _print_ready(role: str, shards: int, config: Config, details: Mapping[str, Any]) -> None:
    """The endpoints, one line to try, and READY alone on the last line for scripts that wait for it."""
    host = addresses(config["bind"])[0].removeprefix("-")
    shown = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::*": "::1"}.get(host, host)
    port = int(details.get("port") or 0)
    lines = [f"ElixirCache {__version__}: {role}, {shards} shard{'s' if shards > 1 else ''}, data in {config['dir']}"]
    if port:
        lines.append(f"  redis protocol  {shown}:{port}")
    if config["unixsocket"]:
        lines.append(f"  unix socket     {config['unixsocket']}")
    if details.get("ws_port"):
        lines.append(f"  console         http://{shown}:{details['ws_port']}/")
    if port:
        lines.append(f"  try             redis-cli -p {port} SET hello world")
    lines.append("READY")
    typer.echo("\n".join(lines))
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
