"""The shard's command handlers: `handler(engine, args) -> reply`."""

from __future__ import annotations

from cluster.registry import Registry

HANDLERS = Registry()
handles = HANDLERS.handles
