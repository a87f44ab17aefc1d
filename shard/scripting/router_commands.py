"""Commands that a router answers for clients, as a script on a shard gets them.

What needs nothing but the shard's clock is answered here; for the rest (INFO, HELP texts, COMMAND, PUBSUB, ...) the
script waits until the router has answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_range
from cluster.replies import OK, PONG

RUNNERS: dict[str, Callable[[Any, list[bytes]], Any]] = {}
NOT_ON_A_SHARD = "ERR This Redis command is not allowed from script"


def run(context: Any, name: str, args: list[bytes]) -> Any:
    """The reply of one such command. CommandError when a script cannot have it."""
    return RUNNERS.get(name, ask)(context, args)


def ask(context: Any, args: list[bytes]) -> Any:
    """The router's answer."""
    worker = context.engine.worker
    if worker is None:  # an engine by itself
        raise CommandError(NOT_ON_A_SHARD)
    return worker.interrupts.call(context, args)


def _runs(name: str) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        RUNNERS[name] = function
        return function

    return register


@_runs("PING")
def ping(context: Any, args: list[bytes]) -> Any:
    if len(args) > 2:
        raise errors.wrong_arity("ping")
    return args[1] if len(args) > 1 else PONG


@_runs("ECHO")
def echo(context: Any, args: list[bytes]) -> Any:
    return args[1]


@_runs("TIME")
def time(context: Any, args: list[bytes]) -> Any:
    """Seconds and microseconds: the batch's time, the same for the whole script."""
    return [b"%d" % (context.engine.now // 1000), b"%d" % (context.engine.now % 1000 * 1000)]


@_runs("SELECT")
def select(context: Any, args: list[bytes]) -> Any:
    """For the rest of the script; the client keeps its database."""
    context.engine.select(parse_range(args[1], -(1 << 31), (1 << 31) - 1))
    return OK


@_runs("PUBLISH")
@_runs("SPUBLISH")
def publish(context: Any, args: list[bytes]) -> Any:
    """The message leaves with the script's reply, once what it has written is in the journal. The reply is how many
    would get it now."""
    receivers = ask(context, args)
    context.engine.events.append([args[0].upper(), args[1], args[2]])
    return receivers
