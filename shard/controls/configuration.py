"""SHARD.CONFIG: the router says what CONFIG SET has changed."""

from __future__ import annotations

from typing import Any

from cluster.replies import OK
from shard.registry import handles
from shard.values import limits


@handles("SHARD.CONFIG")
def configure(engine: Any, args: list[bytes]) -> Any:
    """SHARD.CONFIG name value [name value ...]: checked by the router already."""
    engine.no_effect()
    words = [raw.decode("utf-8", "surrogateescape") for raw in args[1:]]
    engine.config.set(zip(words[::2], words[1::2], strict=True), True)
    limits.apply(engine.config)
    if engine.worker is not None:
        if "appendonly" in words[::2]:
            engine.worker.switch_journal()
        engine.worker.loop.configure(engine.config)
    return OK
