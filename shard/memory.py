"""maxmemory: how much is used, and which keys make room.

The figure is measured by a probe that the worker brings (`shard.process_memory`), ten times a second; in between, what
keys and short strings grow by is added and what is evicted subtracted. It is what data and buffers take: the
interpreter's own memory is none of the limit's. What one turn leaves to do the next batch does. Each shard has an equal
share of the group's limit. Victims are the best of a few sampled keys and of those that were sampled before, as in Redis
("Key eviction").
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from cluster.slots import slot_ranges
from shard.commands.object import memory_of
from shard.slot_table import SlotTable, small_items

POOL = 16  # what Redis keeps of what it has sampled
EVICTIONS_MAX = 500  # in one turn (a batch or a tick), so that a shard goes on answering
TRIES_MAX = 64
UNLIMITED_TICKS = 10


class Memory:
    """One shard's limit, figure and eviction policy. All sizes in bytes."""

    def __init__(self, probe: Callable[[], tuple[int, int]] | None = None) -> None:
        self.probe = probe
        self.forget: Callable[[], None] = lambda: None  # tells the probe that there is no data
        self.items_bytes = 0
        self.limit = 0
        self.policy = "noeviction"
        # Rank, chance among equals, database and key of the best that were seen; the best is last.
        self.pool: list[tuple[float, float, int, bytes]] = []
        self.samples = 5
        self.used = 0
        self.ticks = 0
        self.rss = 0
        self.peak = 0

    def configure(self, engine: Any, maxmemory: int, shards: int, policy: str, samples: int = 5) -> None:
        """Follow the configuration; `maxmemory` is the whole group's."""
        self.limit = max(1, maxmemory // max(shards, 1)) if maxmemory else 0
        self.policy = policy
        self.pool.clear()
        self.samples = samples
        get = engine.config.get
        engine.access.configure(engine, policy, get("lfu-log-factor", 10), get("lfu-decay-time", 1))

    def follow(self, engine: Any, config: Any, shards: int) -> None:
        """Take the limit and the policy from a configuration, now and whenever they change."""

        def changed(*_: Any) -> None:
            self.configure(engine, config["maxmemory"], shards, config["maxmemory-policy"], config["maxmemory-samples"])
            self.tick(engine)

        changed()
        names = ("maxmemory", "maxmemory-policy", "maxmemory-samples", "lfu-log-factor", "lfu-decay-time")
        config.on_change(changed, *names)

    def measure(self, engine: Any) -> None:
        """Take a new figure. While a large collection is taken apart the old one stays, less that collection, with what
        keys and short strings change: the C allocator counts by walking its free pieces, of which there are a million
        then, and each walk would be a stall."""
        if self.probe is not None and engine.lazy:
            items_bytes = small_items()[1]
            left = self.used + items_bytes - self.items_bytes if any(db.size for db in engine.dbs) else 0
            self.used, self.items_bytes = max(left, 0), items_bytes
        elif self.probe is not None:
            self.used, self.rss = self.probe()
            self.items_bytes = small_items()[1]
            self.peak = max(self.peak, self.used)

    def freed(self, size: int) -> None:
        """A large collection is out of the keyspace; its memory comes back a little at a time."""
        self.used = max(self.used - size, 0)

    def tick(self, engine: Any) -> None:
        """Measure, make room if there is too little, say whether writes must be refused."""
        # Without a limit now and then is enough: INFO asks itself.
        self.ticks += 1
        if self.limit or self.ticks % UNLIMITED_TICKS == 0:
            if not engine.loading and not engine.lazy and not any(db.size for db in engine.dbs):
                self.forget()
            self.measure(engine)
        self.relieve(engine)

    def relieve(self, engine: Any) -> int:
        """Evict until the figure is below the limit or this turn's work is done; keys evicted."""
        items_bytes = small_items()[1]
        if items_bytes > self.items_bytes and self.probe is not None:
            self.used += items_bytes - self.items_bytes
        self.items_bytes = items_bytes
        if not self.limit or self.used <= self.limit or not engine.master:
            self._say(engine, False)
            return 0
        if engine.holds.whole:
            return 0  # an operation has seen these keys
        evicted = 0
        current = engine.db
        found = self.policy != "noeviction"
        while found and self.used > self.limit and evicted < EVICTIONS_MAX:
            found = self._evict_one(engine)
            evicted += found
        engine.db = current
        # While there are victims writes go on; eviction continues in the next turn.
        self._say(engine, self.used > self.limit and not found and not engine.holds.count)
        self.items_bytes = small_items()[1]
        return evicted

    def _say(self, engine: Any, over: bool) -> None:
        """Whether writes are refused; the router hears when that changes."""
        if over != engine.over_memory:
            engine.over_memory = over
            engine.events.append((b"over_memory", b"%d" % over))

    def _evict_one(self, engine: Any) -> bool:
        victim = self._victim(engine)
        if victim is None:
            return False
        engine.db, key = victim
        left = self.used - memory_of(key, engine.db.get(key))
        engine.evict(key)
        self.used = left
        return True

    def _victim(self, engine: Any) -> tuple[Any, bytes] | None:
        """(database, key) that the policy gives up first among the sampled; None: no candidate."""
        volatile = self.policy.startswith("volatile")
        dbs = [db for db in engine.dbs if (db.volatile if volatile else db.size)]
        if not dbs:
            return None
        pool, known = self.pool, {place[2:] for place in self.pool}
        if self.policy.endswith("-random"):
            pool, known = [], set()  # the sample is the choice
        for db in dbs:
            engine.db = db
            for key in self._sample(engine, db.expires if volatile else db.slots):
                if (db.index, key) not in known:
                    pool.append((self._rank(engine, db, key), engine.rng.random(), db.index, key))
                    known.add((db.index, key))
        pool.sort()
        del pool[:-POOL]
        for i in range(len(pool) - 1, -1, -1):
            rank, _, index, key = pool[i]
            db = engine.db = engine.dbs[index]
            if db.get(key) is None or (volatile and db.expires_at(key) < 0) or self._rank(engine, db, key) < rank:
                del pool[i]  # gone, or it was used since it was seen
            elif not engine.holds.holds(key):
                del pool[i]
                return db, key
        return next(((engine.dbs[at], key) for at, key in known if self._may_go(engine, at, key, volatile)), None)

    @staticmethod
    def _may_go(engine: Any, index: int, key: bytes, volatile: bool) -> bool:
        """Whether a key is there, and neither held nor spared by the policy."""
        db = engine.dbs[index]
        return db.get(key) is not None and not engine.holds.holds(key) and (not volatile or db.expires_at(key) >= 0)

    def _sample(self, engine: Any, tables: list[Any]) -> list[bytes]:
        """Some keys from random slots on."""
        found: list[bytes] = []
        first, last = slot_ranges(engine.worker_shards)[engine.shard_index]
        size = last + 1 - first
        for _ in range(TRIES_MAX):
            table = tables[first + engine.rng.randrange(size)]
            if table:
                start = engine.rng.randrange(len(table))
                found.append(table.near(start) if isinstance(table, SlotTable) else next(islice(table, start, None)))
                if len(found) >= self.samples:
                    return found
        # Few keys: those of the slots behind a random one.
        start = engine.rng.randrange(size)
        for i in range(size):
            table = tables[first + (start + i) % size]
            if table:
                found.extend(islice(table, self.samples - len(found)))
                if len(found) >= self.samples:
                    break
        return found

    def _rank(self, engine: Any, db: Any, key: bytes) -> float:
        """The higher, the sooner it goes."""
        if self.policy.endswith("-random"):
            return 0.0
        if self.policy == "volatile-ttl":
            return -db.expires_at(key)
        if self.policy.endswith("-lfu"):
            return -engine.access.frequency(engine, key)
        return engine.access.idle_ms(engine, key)
