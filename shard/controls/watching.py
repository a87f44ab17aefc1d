"""SHARD.WATCH and SHARD.UNWATCH: a router's client watches keys of this shard."""

from __future__ import annotations

from typing import Any

from shard.registry import handles


@handles("SHARD.WATCH")
def watch(engine: Any, args: list[bytes]) -> Any:
    """SHARD.WATCH client key [key ...]. How many of the keys, or of their fields, may expire."""
    engine.no_effect()
    expiring = 0
    for key in args[2:]:
        expiring += engine.watching.watch(engine, int(args[1]), key)
    return expiring


@handles("SHARD.UNWATCH")
def unwatch(engine: Any, args: list[bytes]) -> Any:
    """SHARD.UNWATCH client"""
    engine.no_effect()
    engine.watching.forget(engine, int(args[1]))
    return 1
