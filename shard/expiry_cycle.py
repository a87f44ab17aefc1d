"""Active expiry: a little at a time, keys whose time has come are deleted though nobody asks.

Slots with expiring keys are walked in turn; a slot's expiry table is small, so it is looked at
whole. Work is bounded by how many keys are looked at, not by a clock: this is a core.
"""

from __future__ import annotations

from typing import Any

from shard.commands.hash_expiry import expire_fields

SLOTS = 16384


class ExpiryCycle:
    """Remembers where the walk is."""

    def __init__(self) -> None:
        self.db = 0
        self.slot = 0
        self.fields_at = (0, 0)
        self.enabled = True

    def run(self, engine: Any, looked_at_max: int = 2000, slots_max: int = 4096) -> int:
        """One turn; how many keys were deleted."""
        if self.enabled and engine.master:
            self.fields_at = expire_fields(engine, *self.fields_at)
        if not self.enabled or not engine.master or not any(db.volatile for db in engine.dbs):
            return 0
        deleted = looked_at = slots = 0
        current = engine.db
        while looked_at < looked_at_max and slots < slots_max:
            slots += 1
            db = engine.dbs[self.db]
            times = db.expires[self.slot] if db.volatile else None
            if times is not None:
                engine.db = db
                looked_at += len(times)
                for key in [key for key, at_ms in times.items() if at_ms <= engine.now]:
                    if not engine.holds.holds(key):
                        engine.expire_now(key)
                        deleted += 1
            self._advance(db.volatile == 0, len(engine.dbs))
        engine.db = current
        return deleted

    def _advance(self, skip: bool, databases: int) -> None:
        self.slot += 1
        if skip or self.slot >= SLOTS:
            self.slot = 0
            self.db = (self.db + 1) % databases
