"""What a router says of clients that block.

    SHARD.BLOCK token args...      run a command; if it has to wait, the reply is +BLOCKED and the
                                   result comes as an event ("unblock", token, reply)
    SHARD.AWAIT token key...       wait for keys on behalf of a router: events ("ready", token)
    SHARD.RETRIED token            the router tried and got nothing
    SHARD.UNBLOCK token            wait no more
    SHARD.LASTIDS key...           what `$` means now for each of these streams
"""

from __future__ import annotations

from typing import Any

from cluster.replies import Status
from cluster.wire import parse_command
from shard.registry import handles
from shard.signals import Block
from shard.values.streams import StreamValue
from shard.waiting import Waiter

BLOCKED = Status(b"BLOCKED")


@handles("SHARD.BLOCK")
def block(engine: Any, args: list[bytes]) -> Any:
    """SHARD.BLOCK token raw-command"""
    engine.no_effect()
    command = parse_command(args[2])
    db = engine.db.index
    try:
        return engine.call(command)
    except Block as wait:
        deadline_ms = engine.now + wait.timeout_ms if wait.timeout_ms else 0
        waiter = Waiter(args[1], db, list(wait.keys), list(wait.args or command), deadline_ms, wait.nil, engine.resp)
        engine.waiting.add(engine, waiter)
        return BLOCKED


@handles("SHARD.AWAIT")
def await_(engine: Any, args: list[bytes]) -> Any:
    """SHARD.AWAIT token key [key ...]"""
    engine.no_effect()
    waiter = Waiter(args[1], engine.db.index, args[2:], [], 0, None, 2)
    engine.waiting.add(engine, waiter)
    for key in args[2:]:
        engine.waiting.touched(engine.db.index, key)
    return BLOCKED


@handles("SHARD.RETRIED")
def retried(engine: Any, args: list[bytes]) -> Any:
    """SHARD.RETRIED token"""
    engine.no_effect()
    engine.waiting.retried(engine, args[1])
    return Status(b"OK")


@handles("SHARD.LASTIDS")
def last_ids(engine: Any, args: list[bytes]) -> Any:
    """SHARD.LASTIDS key [key ...]"""
    engine.no_effect()
    found = [engine.typed(key, StreamValue) for key in args[1:]]
    return [b"0-0" if value is None else b"%d-%d" % value.last_id for value in found]


@handles("SHARD.UNBLOCK")
def unblock(engine: Any, args: list[bytes]) -> Any:
    """SHARD.UNBLOCK token: 1 if it was waiting."""
    engine.no_effect()
    return int(engine.waiting.remove(engine, args[1]) is not None)
