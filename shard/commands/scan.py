"""Walking the keyspace: SHARD.SCAN and SHARD.RANDOMKEY, a shard's parts of SCAN and RANDOMKEY. Compiled.

A cursor is slot << 24 | position. Within a slot keys go by the low 24 bits of their CRC-32, so
a position means the same whatever comes and goes meanwhile: a key that is there from start to
end has one place, and the walk passes it. Keys of equal place are given together.

A slot with many keys (one hash tag) is sorted once, when a walk enters it; walks that go on in
it use the newest such list, which has every key that was there when they entered.
"""

import zlib
from bisect import bisect_left

import cython
from cython.cimports.cluster.glob import match_bytes
from cython.cimports.shard.engine import Engine

from cluster import errors
from cluster.numbers import parse_cursor, parse_int
from shard import staged_keyspace
from shard.commands.generic import type_name
from shard.registry import handles
from shard.signals import STAGED

POSITION_BITS = 24
WHOLE_SLOT = 64  # a slot with so few keys is given in one go whatever COUNT says


def place(key: bytes) -> int:
    """A key's position in its slot."""
    return zlib.crc32(key) & 0xFFFFFF


class Options:
    """MATCH pattern, COUNT n, TYPE name."""

    def __init__(self, args: list):
        self.pattern = None
        self.count = 10
        self.type = None
        at = 0
        while at < len(args):
            name = args[at].upper()
            if at + 1 >= len(args):
                raise errors.syntax_error()
            if name == b"COUNT":
                self.count = parse_int(args[at + 1])
                if self.count < 1:
                    raise errors.syntax_error()
            elif name == b"MATCH":
                self.pattern = None if args[at + 1] == b"*" else args[at + 1]
            elif name == b"TYPE":
                self.type = args[at + 1].lower()
            else:
                raise errors.syntax_error()
            at += 2


@handles("SHARD.SCAN")
def scan(engine: Engine, args: list):
    """SHARD.SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]: [next cursor, keys, how much of count is left].

    The next cursor is 0 when this shard has no more keys.
    """
    cursor = parse_cursor(args[1])
    options = Options(args[2:])
    slot: cython.longlong = min(cursor >> POSITION_BITS, 16384)
    position: cython.longlong = cursor & ((1 << POSITION_BITS) - 1)
    left: cython.longlong = options.count
    found: list = []
    while slot < 16384 and left > 0:
        table = engine.db.slots[slot]
        if table is not None:
            keys, position = _some(engine, slot, table, position, left)
            left -= len(keys)
            _filter(engine, slot, table, keys, options, found)
            if position:
                return [b"%d" % (slot << POSITION_BITS | position), found, max(left, 0)]
        else:
            position = 0
        slot += 1
    while slot < 16384 and engine.db.slots[slot] is None:
        slot += 1
    return [b"%d" % (slot << POSITION_BITS if slot < 16384 else 0), found, max(left, 0)]


def _some(engine: Engine, slot: int, table, position: int, count: int) -> tuple:
    """(keys of a slot from a position on, position to go on from, 0 when the slot is through)."""
    if len(table) <= max(count, WHOLE_SLOT):
        if position == 0:
            return list(table), 0
        return [key for key in table if place(key) >= position], 0
    snapshot = engine.scan_snapshot
    if position == 0 or snapshot is None or snapshot[0] is not table:
        ordered = sorted((place(key), key) for key in table)
        engine.scan_snapshot = snapshot = (table, ordered)
    ordered = snapshot[1]
    first = bisect_left(ordered, (position, b""))
    last = min(first + count, len(ordered))
    while 0 < last < len(ordered) and ordered[last][0] == ordered[last - 1][0]:
        last += 1
    if last == len(ordered):
        engine.scan_snapshot = None
        return [key for _, key in ordered[first:]], 0
    return [key for _, key in ordered[first:last]], ordered[last][0]


def _filter(engine: Engine, slot: int, table, keys: list, options, found: list):
    """Append the live keys that the options let through."""
    now: cython.longlong = engine.now
    times = engine.db.expires[slot]
    for key in keys:
        if options.pattern is not None and not match_bytes(options.pattern, key, False):
            continue
        if times is not None and 0 <= times.get(key, -1) <= now:
            continue
        value = table.get(key)
        if value is None or (options.type is not None and type_name(value) != options.type):
            continue
        found.append(key)


@handles("SCAN")
def scan_all(engine: Engine, args: list):
    """SCAN cursor ..., where a shard answers it itself: it has all keys, or an operation holds all shards."""
    if engine.listening & STAGED:
        return staged_keyspace.scan(engine, args)
    return scan(engine, args)[:2]


@handles("RANDOMKEY")
def randomkey_all(engine: Engine, args: list):
    """RANDOMKEY, as SCAN."""
    if engine.listening & STAGED:
        return staged_keyspace.randomkey(engine)
    return randomkey(engine, args)[0]


@handles("SHARD.RANDOMKEY")
def randomkey(engine: Engine, args: list):
    """SHARD.RANDOMKEY: [a random live key or nil, number of keys in this database]."""
    db = engine.db
    size = db.size
    for _ in range(100):
        if db.size == 0:
            break
        key = any_key(engine, db)
        if engine.lookup(key) is not None:
            return [key, size]
    return [None, size]


def any_key(engine: Engine, db) -> bytes:
    """A uniformly chosen key: the n-th of all, slot by slot."""
    n: cython.longlong = engine.rng.randrange(db.size)
    slot: cython.int
    for slot in range(16384):
        table = db.slots[slot]
        if table is None:
            continue
        if n < len(table):
            return table.keys()[n]
        n -= len(table)
    raise AssertionError("the database is smaller than it says")
