"""Commands that a router answers for clients, as a script on a shard gets them.

A script never leaves its shard, so of the router's commands only those make sense here that
need nothing but the shard's clock, configuration or event line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster.errors import CommandError
from cluster.replies import OK, PONG

RUNNERS: dict[str, Callable[[Any, list[bytes]], Any]] = {}
ALL_SHARDS = "ERR this command concerns every shard and cannot be called from a script"
NOT_ON_A_SHARD = "ERR This Redis command is not allowed from script"


def run(context: Any, name: str, args: list[bytes]) -> Any:
    """The reply of one such command. CommandError when a script cannot have it."""
    runner = RUNNERS.get(name)
    if runner is None:
        raise CommandError(NOT_ON_A_SHARD)
    return runner(context.engine, args)


def _runs(name: str) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        RUNNERS[name] = function
        return function

    return register


@_runs("PING")
def ping(engine: Any, args: list[bytes]) -> Any:
    return args[1] if len(args) > 1 else PONG


@_runs("ECHO")
def echo(engine: Any, args: list[bytes]) -> Any:
    return args[1]


@_runs("TIME")
def time(engine: Any, args: list[bytes]) -> Any:
    """Seconds and microseconds: the batch's time, the same for the whole script."""
    return [b"%d" % (engine.now // 1000), b"%d" % (engine.now % 1000 * 1000)]


@_runs("SELECT")
def select(engine: Any, args: list[bytes]) -> Any:
    """For the rest of the script; the client keeps its database."""
    try:
        index = int(args[1])
    except ValueError:
        raise CommandError("ERR invalid DB index") from None
    engine.select(index)
    return OK


@_runs("RANDOMKEY")
def randomkey(engine: Any, args: list[bytes]) -> Any:
    """Where there is one shard; of several, none knows the others' keys."""
    if engine.worker_shards > 1:
        raise CommandError(ALL_SHARDS)
    return engine.by_name[b"SHARD.RANDOMKEY"].handler(engine, args)[0]


@_runs("SCAN")
def scan(engine: Any, args: list[bytes]) -> Any:
    """As RANDOMKEY."""
    if engine.worker_shards > 1:
        raise CommandError(ALL_SHARDS)
    return engine.by_name[b"SHARD.SCAN"].handler(engine, args)


@_runs("PUBLISH")
@_runs("SPUBLISH")
def publish(engine: Any, args: list[bytes]) -> Any:
    """The message leaves with the script's reply. How many got it only the router learns: 0."""
    engine.events.append([args[0].upper(), args[1], args[2]])
    return 0


@_runs("CONFIG|GET")
def config_get(engine: Any, args: list[bytes]) -> Any:
    """The parameters that match, as far as this shard knows them."""
    import fnmatch

    found: list[bytes] = []
    for name in sorted(engine.config):
        if any(fnmatch.fnmatchcase(name, pattern.decode().lower()) for pattern in args[2:]):
            found += [name.encode(), str(engine.config[name]).encode()]
    return found


