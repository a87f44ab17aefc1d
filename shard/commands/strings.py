"""String commands."""

from __future__ import annotations

from typing import Any

from cluster import errors
from cluster.replies import OK
from shard.registry import handles
from shard.signals import N_STRING


@handles("GET")
def get(engine: Any, args: list[bytes]) -> Any:
    """GET key"""
    return engine.typed(args[1], (bytes, bytearray))


@handles("SET")
def set_(engine: Any, args: list[bytes]) -> Any:
    """SET key value"""
    if len(args) != 3:
        raise errors.syntax_error()
    engine.overwrite(args[1], args[2])
    engine.changed(args[1], b"set", N_STRING)
    return OK


@handles("INCR")
def incr(engine: Any, args: list[bytes]) -> Any:
    """INCR key"""
    value = int(engine.typed(args[1], (bytes, bytearray)) or 0) + 1
    engine.put(args[1], b"%d" % value)
    engine.changed(args[1], b"incrby", N_STRING)
    return value


@handles("MGET")
def mget(engine: Any, args: list[bytes]) -> Any:
    """MGET key [key ...]"""
    values = [engine.lookup(key) for key in args[1:]]
    return [value if isinstance(value, (bytes, bytearray)) else None for value in values]


@handles("MSET")
def mset(engine: Any, args: list[bytes]) -> Any:
    """MSET key value [key value ...]"""
    if len(args) % 2 == 0:
        raise errors.wrong_arity("mset")
    for i in range(1, len(args), 2):
        engine.overwrite(args[i], args[i + 1])
        engine.changed(args[i], b"set", N_STRING)
    return OK
