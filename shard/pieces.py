"""Large values in pieces: they go from shard to shard, and into the journal, a little at a time.

    cut(key, value, expiry)  ->  SADD key m1 ... m4096 | SADD key ... | PEXPIREAT key ms
    Pieces.take(...)         <-  the same, on a keyspace beside the real one
    Pieces.adopt(...)            the whole value, and the pieces as what is journalled of it

A piece is some commands in RESP that make a part of the value, as Redis writes them in a journal: they build it on
whichever shard gets them, and stand in that one's journal as they are. Whoever cuts or takes a value is in an operation
that holds its key (shard/holds.py), so it stays as it is between two pieces. A core.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cluster.numbers import format_double
from cluster.wire import command, parse_commands

LARGE = 1 << 20  # bytes of memory from which on a value goes in pieces
PIECE = 1 << 17  # bytes of a piece, about: some milliseconds of work on either side
MEMBERS_MAX = 4096  # of a piece

Place = tuple[int, bytes]


def is_large(value: Any) -> bool:
    """Whether a value is to go in pieces. A stream with groups goes whole: commands cannot say all that they know."""
    if isinstance(value, (bytes, bytearray)):
        return len(value) > LARGE
    return value.memory() > LARGE and not (value.type_name == b"stream" and value.groups)


def cut(key: bytes, value: Any, at_ms: int) -> Iterator[bytes]:
    """Commands that make the value of `key` where it is not there, in pieces. at_ms: unix ms, -1 for no expiry."""
    if isinstance(value, (bytes, bytearray)):
        pieces = _string(key, value)
    else:
        count = min(max(1, PIECE * len(value) // max(value.memory(), 1)), MEMBERS_MAX)
        pieces = _CUTS[value.type_name](key, value, count)
    yield from pieces
    if at_ms >= 0:
        yield command(b"PEXPIREAT", key, at_ms)


def _string(key: bytes, value: Any) -> Iterator[bytes]:
    yield command(b"SET", key, bytes(value[:PIECE]))
    for at in range(PIECE, len(value), PIECE):
        yield command(b"APPEND", key, bytes(value[at : at + PIECE]))


def _list(key: bytes, value: Any, count: int) -> Iterator[bytes]:
    for at in range(0, len(value), count):
        yield command(b"RPUSH", key, *value.range(at, min(at + count, len(value)) - 1))


def _set(key: bytes, value: Any, count: int) -> Iterator[bytes]:
    for members in _scanned(value, count):
        yield command(b"SADD", key, *members)


def _hash(key: bytes, value: Any, count: int) -> Iterator[bytes]:
    for flat in _scanned(value, count):
        made = [command(b"HSET", key, *flat)]
        if value.has_expiries():
            times = ((field, value.expire_at(field)) for field in flat[::2])
            made += [command(b"HPEXPIREAT", key, at_ms, b"FIELDS", 1, field) for field, at_ms in times if at_ms >= 0]
        yield b"".join(made)


def _zset(key: bytes, value: Any, count: int) -> Iterator[bytes]:
    for at in range(0, len(value), count):
        pairs = value.pairs(at, count)
        yield command(b"ZADD", key, *[word for member, score in pairs for word in (format_double(score), member)])


def _stream(key: bytes, value: Any, count: int) -> Iterator[bytes]:
    made: list[bytes] = []
    for (ms, seq), fields in value:
        made.append(command(b"XADD", key, b"%d-%d" % (ms, seq), *fields))
        if len(made) == count:
            yield b"".join(made)
            made = []
    last, deleted = b"%d-%d" % value.last_id, b"%d-%d" % value.max_deleted_id
    made.append(command(b"XSETID", key, last, b"ENTRIESADDED", value.added, b"MAXDELETEDID", deleted))
    yield b"".join(made)


_CUTS = {b"list": _list, b"set": _set, b"hash": _hash, b"zset": _zset, b"stream": _stream}


def _scanned(value: Any, count: int) -> Iterator[list[bytes]]:
    """What a set or a hash has, by its cursor: it does not change meanwhile, so each is met once or, harmlessly, twice."""
    cursor = 0
    while True:
        cursor, found = value.scan(cursor, count)
        if found:
            yield found
        if not cursor:
            return


class Pieces:
    """The large values that operations are moving from or to this shard.

    sent: (operation, database, key) -> the rest of its pieces. made: values that an operation has made of its own here.
    taken: what of a value has come, for the journal, empty where it is only borrowed. lent: operation -> the borrowed
    values that its commands have got.
    """

    def __init__(self) -> None:
        self.sent: dict[tuple[bytes, int, bytes], Iterator[bytes]] = {}
        self.made: dict[tuple[bytes, int, bytes], tuple[Any, int]] = {}
        self.taken: dict[tuple[bytes, int, bytes], list[bytes]] = {}
        self.lent: dict[bytes, list[Any]] = {}
        self.beside: Any = None  # the engine on whose keyspace they are put together

    def clear(self) -> None:
        """No operation is under way any more."""
        self.sent.clear()
        self.made.clear()
        self.taken.clear()
        self.lent.clear()
        self.beside = None

    def offer(self, op: bytes, db: int, key: bytes, value: Any, at_ms: int) -> None:
        """An operation will fetch a value of this shard."""
        self.sent[op, db, key] = cut(key, value, at_ms)

    def offer_made(self, op: bytes, db: int, key: bytes, value: Any, at_ms: int) -> None:
        """The same, for a value that it has made here, which may be this shard's own from its commit on."""
        self.made[op, db, key] = (value, at_ms)
        self.offer(op, db, key, value, at_ms)

    def give(self, op: bytes, db: int, key: bytes) -> bytes:
        """The next piece; empty when there are no more."""
        return next(self.sent[op, db, key], b"")

    def take(self, engine: Any, op: bytes, db: int, key: bytes, raw: bytes, keep: bool) -> None:
        """A piece of a value has come. `keep`: it is to be adopted, and journalled then."""
        if self.beside is None:
            self.beside = type(engine)(engine.config)
        beside = self.beside
        beside.now = engine.now
        beside.db = beside.dbs[db]
        taken = self.taken.setdefault((op, db, key), [])
        if keep:
            taken.append(raw)
        for args in parse_commands(raw)[0]:
            beside.apply(args)
        beside.unit = []
        beside.events.clear()

    def keep(self, op: bytes, db: int, key: bytes, raw: bytes) -> None:
        """A piece of a value that was made here and stays here: for the journal."""
        self.taken.setdefault((op, db, key), []).append(raw)

    def borrowed(self, op: bytes) -> list[tuple[int, bytes, Any, int]]:
        """(database, key, value, expiry in ms) of all that has come for an operation."""
        found = []
        for _, db, key in [place for place in self.taken if place[0] == op]:
            del self.taken[op, db, key]
            beside = self.beside.dbs[db]
            at_ms = beside.expires_at(key)
            found.append((db, key, beside.pop(key), at_ms))
        if found:
            self.lent[op] = [value for _, _, value, _ in found]
        return found

    def adopt(self, op: bytes, db: int, key: bytes) -> tuple[Any, int, list[bytes]]:
        """(value, expiry in ms or -1, its pieces) of a value that is whole; it belongs to the caller. KeyError."""
        raws = self.taken.pop((op, db, key))
        if (op, db, key) in self.made:
            value, at_ms = self.made.pop((op, db, key))
            self.lent[op] = [other for other in self.lent.get(op, ()) if other is not value]
        else:
            beside = self.beside.dbs[db]
            at_ms = beside.expires_at(key)
            value = beside.pop(key)
        return value, at_ms, raws

    def release(self, engine: Any, op: bytes) -> None:
        """An operation has ended: what is left of it goes, a little at a time."""
        if not (self.sent or self.made or self.taken or self.lent):
            return
        for places in (self.sent, self.made):
            for place in [place for place in places if place[0] == op]:
                del places[place]
        for _, db, key in [place for place in self.taken if place[0] == op]:
            del self.taken[op, db, key]
            if self.beside is not None:
                engine.free(self.beside.dbs[db].pop(key))
        for value in self.lent.pop(op, ()):
            engine.free(value)
