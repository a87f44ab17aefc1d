"""Commands on keys of any type: DEL, EXISTS, TYPE, RENAME, COPY, MOVE, KEYS, ... Compiled."""

import cython
from cython.cimports.cluster.glob import match_bytes
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.keyspace import Database

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_range
from cluster.replies import OK, Status
from shard import staged_keyspace
from shard.registry import handles
from shard.signals import N_GENERIC, STAGED

GENERIC = cython.declare(cython.int, N_GENERIC)


@cython.ccall
def peek(engine: Engine, key: bytes) -> object:
    """The live value, without counting as an access to it."""
    before: cython.bint = engine.no_touch
    engine.no_touch = True
    value: object = engine.lookup(key)
    engine.no_touch = before
    return value


def type_name(value) -> bytes:
    """The type of a stored value as TYPE says it."""
    return b"string" if isinstance(value, (bytes, bytearray)) else value.type_name


@handles("DEL", "UNLINK")
def delete(engine: Engine, args: list):
    """DEL key [key ...]. Large values are always freed a little at a time."""
    i: cython.Py_ssize_t
    removed: cython.int = 0
    for i in range(1, len(args)):
        if engine.delete(args[i]):
            engine.changed(args[i], b"del", GENERIC)
            removed += 1
    return removed


@handles("EXISTS")
def exists(engine: Engine, args: list):
    """EXISTS key [key ...]"""
    i: cython.Py_ssize_t
    found: cython.int = 0
    for i in range(1, len(args)):
        if peek(engine, args[i]) is not None:
            found += 1
    return found


@handles("TOUCH")
def touch(engine: Engine, args: list):
    """TOUCH key [key ...]"""
    i: cython.Py_ssize_t
    found: cython.int = 0
    for i in range(1, len(args)):
        if engine.lookup(args[i]) is not None:
            found += 1
    return found


@handles("TYPE")
def type_(engine: Engine, args: list):
    """TYPE key"""
    value: object = peek(engine, args[1])
    return Status(b"none" if value is None else type_name(value))


def take(engine, key: bytes):
    """Remove a live key and keep its value whole: (value, expiry in unix ms or -1)."""
    at = engine.expire_at(key)
    return engine.db.pop(key), at


def place(engine, key: bytes, value, at: int):
    """Store a value under a key that is free or to be replaced, with its expiry (-1: none)."""
    engine.delete(key)
    engine.put(key, value)
    if at >= 0:
        engine.set_expire(key, at)


@handles("RENAME")
def rename(engine: Engine, args: list):
    """RENAME key newkey"""
    _rename(engine, args[1], args[2], True)
    return OK


@handles("RENAMENX")
def renamenx(engine: Engine, args: list):
    """RENAMENX key newkey"""
    return int(_rename(engine, args[1], args[2], False))


def _rename(engine: Engine, source: bytes, target: bytes, replace: bool) -> bool:
    if engine.lookup(source) is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if source == target:
        return False
    if not replace and engine.lookup(target) is not None:
        return False
    value, at = take(engine, source)
    place(engine, target, value, at)
    engine.changed(source, b"rename_from", GENERIC)
    engine.changed(target, b"rename_to", GENERIC, 0)
    return True


def _database(engine: Engine, raw: bytes) -> Database:
    number = parse_range(raw, -(1 << 31), (1 << 31) - 1)
    if not 0 <= number < len(engine.dbs):
        raise CommandError(errors.DB_RANGE)
    return engine.dbs[number]


@handles("MOVE")
def move(engine: Engine, args: list):
    """MOVE key db"""
    key: bytes = args[1]
    home: Database = engine.db
    other: Database = _database(engine, args[2])
    if other is home:
        raise CommandError(errors.SAME_OBJECT)
    if engine.lookup(key) is None:
        return 0
    engine.db = other
    try:
        if engine.lookup(key) is not None:
            return 0
        engine.db = home
        value, at = take(engine, key)
        engine.changed(key, b"move_from", GENERIC)
        engine.db = other
        place(engine, key, value, at)
        engine.changed(key, b"move_to", GENERIC, 0)
    finally:
        engine.db = home
    return 1


@handles("COPY")
def copy(engine: Engine, args: list):
    """COPY source destination [DB destination-db] [REPLACE]"""
    home: Database = engine.db
    other: Database = home
    replace = False
    at = 3
    while at < len(args):
        option = args[at].upper()
        if option == b"REPLACE":
            replace = True
        elif option == b"DB" and at + 1 < len(args):
            at += 1
            other = _database(engine, args[at])
        else:
            raise errors.syntax_error()
        at += 1
    if other is home and args[1] == args[2]:
        raise CommandError(errors.SAME_OBJECT)
    value = engine.lookup(args[1])
    if value is None:
        return 0
    expiry = engine.expire_at(args[1])
    engine.db = other
    engine.reading = False  # the target is looked up to be written: its absence is no miss
    try:
        if not replace and engine.lookup(args[2]) is not None:
            return 0
        place(engine, args[2], other.duplicate(args[2], value), expiry)
        engine.changed(args[2], b"copy_to", GENERIC)
    finally:
        engine.db = home
    return 1


@handles("KEYS")
def keys(engine: Engine, args: list):
    """KEYS pattern"""
    if engine.listening & STAGED:
        return staged_keyspace.keys(engine, args[1])
    return matching(engine.db, args[1], engine.now)


@cython.ccall
def matching(db: Database, pattern: bytes, now: cython.longlong) -> list:
    """The live keys of this shard's part of a database that match a pattern."""
    everything: cython.bint = pattern == b"*"
    slot: cython.int
    found: list = []
    for slot in range(16384):
        table = db.slots[slot]
        if table is None:
            continue
        times = db.expires[slot]
        for key in table:
            if everything or match_bytes(pattern, key, False):
                if times is None or not 0 <= times.get(key, -1) <= now:
                    found.append(key)
    return found
