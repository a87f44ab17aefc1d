"""When, or how often, keys were accessed: what LRU and LFU eviction and OBJECT IDLETIME ask.

    tables[db][slot]  dict key -> second of the last access (LRU)
                      dict key -> minute << 8 | logarithmic counter (LFU)

Kept only while somebody needs it (`Engine.track_access`): an LRU or LFU policy, or from the first
OBJECT IDLETIME on; before that a key counts as accessed when the recording began.
Entries of deleted keys go when their slot's table has grown to twice the slot's keys.
Source of the counter: Redis's LFU ("Using Redis as an LRU cache", LFU section).
"""

from __future__ import annotations

from typing import Any

from cluster.wire import slot

LFU_INIT = 5


class Access:
    """Access times or frequencies of one shard's keys."""

    def __init__(self, engine: Any) -> None:
        self.lfu = False
        self.log_factor = 10
        self.decay_minutes = 1
        self.since_s = engine.now // 1000
        self.second = 0  # the current second: one int object shared by all that is touched in it
        self.tables: list[dict[int, dict[bytes, int]]] = [{} for _ in engine.dbs]

    def configure(self, engine: Any, policy: str, log_factor: int = 10, decay_minutes: int = 1) -> None:
        """Follow an eviction policy's name. What was recorded in the other form is dropped."""
        lfu = policy.endswith("-lfu")
        self.log_factor, self.decay_minutes = log_factor, decay_minutes
        if lfu != self.lfu:
            self.lfu = lfu
            self.clear(engine)
        if lfu or policy.endswith("-lru"):
            self.record(engine)

    def record(self, engine: Any) -> None:
        """Begin to record, if that is not done yet."""
        if not engine.track_access:
            self.clear(engine)
            engine.track_access = True

    def clear(self, engine: Any) -> None:
        """Forget everything; keys count as accessed now."""
        self.since_s = engine.now // 1000
        self.tables = [{} for _ in engine.dbs]

    def swapped(self, first: int, second: int) -> None:
        """Two databases changed places."""
        self.tables[first], self.tables[second] = self.tables[second], self.tables[first]

    def touch(self, engine: Any, key: bytes) -> None:
        """A key was accessed."""
        tables = self.tables[engine.db.index]
        number = slot(key)
        table = tables.get(number)
        if table is None:
            table = tables[number] = {}
        elif key not in table:
            live = engine.db.slots[number]
            if len(table) > 2 * len(live or ()) + 8:
                for stale in [name for name in table if live is None or name not in live]:
                    del table[stale]
        if self.lfu:
            counter = self.decayed(engine, table.get(key))
            if counter < 255 and engine.rng.random() < 1.0 / (max(counter - LFU_INIT, 0) * self.log_factor + 1):
                counter += 1
            table[key] = (engine.now // 60000) << 8 | counter
        else:
            second = engine.now // 1000
            if second != self.second:
                self.second = second
            table[key] = self.second

    def restored(self, engine: Any, key: bytes, idle_s: int, frequency: int) -> None:
        """A key came with its access data (-1: not given), from RESTORE."""
        table = self.tables[engine.db.index].setdefault(slot(key), {})
        if self.lfu and frequency >= 0:
            table[key] = (engine.now // 60000) << 8 | frequency
        elif not self.lfu and idle_s >= 0:
            table[key] = max(engine.now // 1000 - idle_s, 0)

    def decayed(self, engine: Any, entry: int | None) -> int:
        """The counter of an entry, less one for each decay period since it was written."""
        if entry is None:
            return LFU_INIT
        if self.decay_minutes <= 0:
            return entry & 255
        periods = (engine.now // 60000 - (entry >> 8)) // self.decay_minutes
        return max((entry & 255) - periods, 0)

    def _entry(self, engine: Any, key: bytes) -> int | None:
        return self.tables[engine.db.index].get(slot(key), {}).get(key)

    def idle_ms(self, engine: Any, key: bytes) -> int:
        """Milliseconds since the last access, in whole seconds."""
        self.record(engine)
        entry = None if self.lfu else self._entry(engine, key)
        return max(engine.now // 1000 - (self.since_s if entry is None else entry), 0) * 1000

    def frequency(self, engine: Any, key: bytes) -> int:
        """The logarithmic counter, 0..255."""
        return self.decayed(engine, self._entry(engine, key))
