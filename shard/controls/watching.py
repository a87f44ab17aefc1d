"""SHARD.WATCH and SHARD.UNWATCH: a router's client watches keys of this shard."""

from __future__ import annotations

from typing import Any

from shard.registry import handles


@handles("SHARD.WATCH")
def watch(engine: Any, args: list[bytes]) -> Any:
    """SHARD.WATCH client key [key ...]"""
    engine.no_effect()
    for key in args[2:]:
        engine.watching.watch(engine, int(args[1]), key)
    return 1


@handles("SHARD.UNWATCH")
def unwatch(engine: Any, args: list[bytes]) -> Any:
    """SHARD.UNWATCH client"""
    engine.no_effect()
    engine.watching.forget(engine, int(args[1]))
    return 1
