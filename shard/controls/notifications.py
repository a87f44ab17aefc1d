"""SHARD.NOTIFY: a keyspace event of a command that ran on a staged keyspace."""

from __future__ import annotations

from typing import Any

from cluster.replies import OK
from shard.registry import handles


@handles("SHARD.NOTIFY")
def notify(engine: Any, args: list[bytes]) -> Any:
    """SHARD.NOTIFY class event key [GONE], in a record whose other entries tell nothing themselves (`frames.HUSHED`).
    GONE: only if the key is not there any more. Class 0: no event; the key was written, and is as it was before."""
    engine.no_effect()
    if args[1] == b"0":
        engine.touched_only(args[3])
        return OK
    if len(args) > 4 and engine.lookup(args[3]) is not None:
        return OK
    engine.notifier.notify(engine, int(args[1]), args[2], args[3])
    return OK
