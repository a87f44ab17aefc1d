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
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any

from cluster.numbers import format_double
from cluster.wire import command, parse_commands

LARGE = 1 << 20  # bytes of memory from which on a value goes in pieces
PIECE = 1 << 17  # bytes of a piece, about: some milliseconds of work on either side
MEMBERS_MAX = 4096  # of a piece
IDS_MAX = 1024  # of a command about a stream's entries or consumers
CLAIMED = 8  # an XCLAIM, which is short, takes so many times as long as other commands of its bytes

Place = tuple[int, bytes]


def is_large(value: Any) -> bool:
    """Whether a value is to go in pieces."""
    size = len(value) if isinstance(value, (bytes, bytearray)) else value.memory()
    return bool(size > LARGE)


def is_journalled(raw: bytes) -> bool:
    """Whether a piece may stand in a journal. When consumers were seen is said in no command of Redis's."""
    return raw.find(b"$10\r\nSHARD.SEEN\r\n", 0, 40) < 0


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
    """What is pending although the stream has it no more is added as well, since only what is there can be made pending,
    and taken away at the end: in front by XTRIM, which leaves the highest deleted id as it is, elsewhere by XDEL."""
    deleted: list[bytes] = []
    yield from _joined(_entries(key, value, deleted), PIECE)
    for name, group in value.groups.items():
        yield from _joined(_group(key, name, group), PIECE // CLAIMED)
    if value.groups:
        yield command(b"XTRIM", key, *((b"MINID", _text(value.first_id)) if len(value) else (b"MAXLEN", 0)))
    for at in range(0, len(deleted), IDS_MAX):
        yield command(b"XDEL", key, *deleted[at : at + IDS_MAX])
    highest = _text(value.max_deleted_id)
    top = _text(max(value.last_id, value.max_deleted_id))
    yield command(b"XSETID", key, top, b"ENTRIESADDED", value.added, b"MAXDELETEDID", highest)
    if value.last_id < value.max_deleted_id:  # XSETID has set it back
        yield command(b"XSETID", key, _text(value.last_id), b"ENTRIESADDED", value.added)
    for name, group in value.groups.items():
        consumers = list(group.consumers.values())
        for at in range(0, len(consumers), IDS_MAX):
            words = [word for one in consumers[at : at + IDS_MAX] for word in (one.name, one.seen, one.active)]
            yield command(b"SHARD.SEEN", key, name, *words)


def _entries(key: bytes, value: Any, deleted: list[bytes]) -> Iterator[bytes]:
    """`deleted` gets the ids of what has to be taken away by XDEL."""
    last = None
    pending = [_ids(group.pel) for group in value.groups.values() if len(group.pel)]
    for name, fields in merge(value, *pending, key=itemgetter(0)):
        if name == last:
            continue
        last = name
        if fields is None and len(value) and name > value.first_id:
            if value.max_deleted_id == (0, 0):
                continue  # trimmed before XSETID set the ids back, and no XDEL may be seen: let go, as by the next XCLAIM
            deleted.append(_text(name))
        yield command(b"XADD", key, _text(name), *(fields or (b"", b"")))


def _ids(pel: Any) -> Iterator[tuple[tuple[int, int], None]]:
    for number in range(pel.chunk_count):
        for row in pel.chunk(number):
            yield row[0], None


def _group(key: bytes, name: bytes, group: Any) -> Iterator[bytes]:
    """A group, its consumers, and what each has pending, in Redis's own way of rewriting a journal."""
    last, read = _text(group.last_id), group.entries_read
    yield command(b"XGROUP", b"CREATE", key, name, last, b"MKSTREAM", b"ENTRIESREAD", read)
    for consumer in group.consumers:
        yield command(b"XGROUP", b"CREATECONSUMER", key, name, consumer)
    for number in range(group.pel.chunk_count):
        for (at_ms, tries, owner), rows in groupby(group.pel.chunk(number), itemgetter(1, 2, 3)):
            ids = [_text(row[0]) for row in rows]
            how = (b"TIME", at_ms, b"RETRYCOUNT", tries, b"FORCE", b"JUSTID")
            yield command(b"XCLAIM", key, name, owner.name, 0, *ids, *how)


def _text(name: tuple[int, int]) -> bytes:
    return b"%d-%d" % name


def _joined(commands: Iterator[bytes], most: int) -> Iterator[bytes]:
    """Pieces of short commands, of about so many bytes."""
    made: list[bytes] = []
    size = 0
    for raw in commands:
        made.append(raw)
        size += len(raw)
        if size >= most:
            yield b"".join(made)
            made.clear()
            size = 0
    if made:
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
    values that its commands have got. busy: whether there is anything of all this.
    """

    def __init__(self) -> None:
        self.sent: dict[tuple[bytes, int, bytes], Iterator[bytes]] = {}
        self.made: dict[tuple[bytes, int, bytes], tuple[Any, int]] = {}
        self.taken: dict[tuple[bytes, int, bytes], list[bytes]] = {}
        self.lent: dict[bytes, list[Any]] = {}
        self.busy = False
        self.beside: Any = None  # the engine on whose keyspace they are put together

    def clear(self) -> None:
        """No operation is under way any more."""
        self.sent.clear()
        self.made.clear()
        self.taken.clear()
        self.lent.clear()
        self.beside = None
        self.busy = False

    def offer(self, op: bytes, db: int, key: bytes, value: Any, at_ms: int) -> None:
        """An operation will fetch a value of this shard."""
        self.busy = True
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
        self.busy = True
        taken = self.taken.setdefault((op, db, key), [])
        if keep and is_journalled(raw):
            taken.append(raw)
        for args in parse_commands(raw)[0]:
            beside.apply(args)
        beside.unit = []
        beside.events.clear()

    def keep(self, op: bytes, db: int, key: bytes, raw: bytes) -> None:
        """A piece of a value that was made here and stays here: for the journal."""
        self.busy = True
        kept = self.taken.setdefault((op, db, key), [])
        if is_journalled(raw):
            kept.append(raw)

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
        for places in (self.sent, self.made):
            for place in [place for place in places if place[0] == op]:
                del places[place]
        for _, db, key in [place for place in self.taken if place[0] == op]:
            del self.taken[op, db, key]
            if self.beside is not None:
                engine.free(self.beside.dbs[db].pop(key))
        for value in self.lent.pop(op, ()):
            engine.free(value)
        self.busy = bool(self.sent or self.made or self.taken or self.lent)
