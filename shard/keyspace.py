"""One numbered database of a shard: a table for each hash slot, compiled.

    slots[slot]    SlotTable key -> value, or None where the slot has no key
    expires[slot]  dict key -> unix time in ms, or None

A slot's tables stay small, so their resizing is never felt, SCAN walks slots, and
moving a slot is moving its tables. A value is `bytes` or `bytearray` (a string) or a
container of `shard.values`. The keyspace knows nothing of time: who looks a key up decides
what an expired key means. Invariant: a key in expires is in slots.
"""

import cython
from cython.cimports.cluster.wire import slot
from cython.cimports.shard.slot_table import SlotTable

SLOTS = 16384


@cython.cclass
class Database:
    """The keys of one database number on one shard."""

    def __init__(self, index: cython.int = 0):
        self.index = index
        self.clear()

    def clear(self):
        """Forget every key."""
        self.slots = [None] * 16384
        self.expires = [None] * 16384
        self.size = 0
        self.volatile = 0

    def state(self) -> tuple:
        """What `restore` takes to be as now, if only `clear` and swaps come between."""
        return self.slots, self.expires, self.size, self.volatile

    def restore(self, state: tuple):
        """Be as another moment, or another database, was."""
        self.slots, self.expires, self.size, self.volatile = state

    @cython.cfunc
    def find(self, key: bytes) -> object:
        table: object = self.slots[slot(key)]
        if table is None:
            return None
        return cython.cast(SlotTable, table).find(key)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def store(self, key: bytes, value: object) -> cython.int:
        """Set a key's value; 1 when the key is new. Its expiry stays as it is."""
        number: cython.int = slot(key)
        table: object = self.slots[number]
        new: cython.int
        if table is None:
            table = SlotTable()
            self.slots[number] = table
        new = cython.cast(SlotTable, table).store(key, value)
        self.size += new
        return new

    @cython.cfunc
    def remove(self, key: bytes) -> object:
        """Take a key and its expiry out; its value, or None if it was not there."""
        number: cython.int = slot(key)
        table: object = self.slots[number]
        value: object
        if table is None:
            return None
        value = cython.cast(SlotTable, table).remove(key)
        if value is None:
            return None
        self.size -= 1
        if cython.cast(SlotTable, table).count == 0:
            self.slots[number] = None
        self._forget_expiry(number, key)
        return value

    @cython.cfunc
    def _forget_expiry(self, slot: cython.int, key: bytes) -> cython.bint:
        table: object = self.expires[slot]
        if table is None:
            return False
        if cython.cast(dict, table).pop(key, None) is None:
            return False
        self.volatile -= 1
        if not cython.cast(dict, table):
            self.expires[slot] = None
        return True

    @cython.cfunc
    @cython.exceptval(-2, check=True)
    def expiry(self, key: bytes) -> cython.longlong:
        """Unix ms at which the key expires, -1 if never."""
        table: object = self.expires[slot(key)]
        found: object
        if table is None:
            return -1
        found = cython.cast(dict, table).get(key)
        return -1 if found is None else found

    # The same for Python callers: loaders, snapshots, tests.

    def get(self, key: bytes):
        """The stored value whatever its expiry, or None."""
        return self.find(key)

    def set(self, key: bytes, value):
        """Store a value; the key's expiry stays."""
        return self.store(key, value)

    def pop(self, key: bytes):
        """Remove a key; its value or None."""
        return self.remove(key)

    def expires_at(self, key: bytes) -> int:
        """Unix ms, or -1."""
        return self.expiry(key)

    def expire(self, key: bytes, at_ms: cython.longlong):
        """Set the expiry of a key that is there."""
        number: cython.int = slot(key)
        table: object = self.expires[number]
        if table is None:
            self.expires[number] = {key: at_ms}
            self.volatile += 1
        else:
            if key not in cython.cast(dict, table):
                self.volatile += 1
            cython.cast(dict, table)[key] = at_ms

    def duplicate(self, key: bytes, value):
        """A value of its own for another key, from one that stays where it is."""
        if isinstance(value, bytes):
            return value
        return bytearray(value) if isinstance(value, bytearray) else value.copy()

    def persist(self, key: bytes) -> bool:
        """Drop a key's expiry; whether it had one."""
        return self._forget_expiry(slot(key), key)

    def items(self):
        """(key, value, expiry in ms or -1) of every key, slot by slot."""
        for number in range(16384):
            table = self.slots[number]
            if table is None:
                continue
            times = self.expires[number]
            for key, value in table.items():
                yield key, value, (-1 if times is None else times.get(key, -1))

    def __len__(self):
        return self.size
