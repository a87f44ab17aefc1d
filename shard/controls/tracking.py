"""SHARD.TRACK: the router says whether clients cache keys."""

from __future__ import annotations

from typing import Any

from cluster import errors
from cluster.replies import OK
from shard.registry import handles
from shard.signals import TRACKERS


@handles("SHARD.TRACK")
def track(engine: Any, args: list[bytes]) -> Any:
    """SHARD.TRACK ON | OFF | BCAST ON|OFF | FORGET client | KEYS | READ key ...

    READ: the client whose command this is has read keys in an operation over several shards, which lent them just now.
    ON before the first TRACK-flagged read, OFF when nobody tracks any more; KEYS: how many are known.
    """
    engine.no_effect()
    word = args[1].upper()
    if word == b"ON":
        engine.tracking.listen(engine)
    elif word == b"OFF":
        engine.tracking.readers.clear()
        engine.tracking.broadcast = False
        engine.listening &= ~TRACKERS
    elif word == b"BCAST" and len(args) == 3:
        engine.tracking.broadcast = args[2].upper() == b"ON"
        if engine.tracking.broadcast:
            engine.tracking.listen(engine)
    elif word == b"FORGET" and len(args) == 3:
        engine.tracking.forget(int(args[2]))
    elif word == b"READ":
        engine.tracking.remember(engine.controls.client, args[2:])
    elif word == b"KEYS":
        return len(engine.tracking.readers)
    else:
        raise errors.syntax_error()
    return OK
