"""Expiry of hash fields: HEXPIRE and its kin, and what happens when a time has come. Compiled.

A field whose time has come is deleted when its hash is looked up, and by `expire_fields` when
nobody looks; either way the effect is an HDEL. A replica only hides it: it deletes when its
master's HDEL arrives.
"""

import cython
from cython.cimports.cluster.numbers import parse_int
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.values.hashes import HashValue

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_range
from cluster.wire import command as encode
from shard.registry import handles
from shard.signals import N_GENERIC, N_HASH
from shard.values.hashes import HashValue as _HashValue
from shard.values.hashes import expiring_hashes

HASH = cython.declare(cython.int, N_HASH)
GENERIC = cython.declare(cython.int, N_GENERIC)
LONG_MAX = (1 << 63) - 1
TIME_MAX = (1 << 46) - 1  # unix ms; Redis keeps a field's expiry in 46 bits
CONDITIONS = (b"NX", b"XX", b"GT", b"LT")


@cython.cfunc
def live_hash(engine: Engine, key: bytes) -> HashValue:
    """The live hash at a key without its expired fields, or None. WRONGTYPE."""
    value: object = engine.lookup(key)
    if value is None:
        return None
    if type(value) is not _HashValue:
        raise errors.wrong_type()
    found: HashValue = value
    if found.times is not None and found.soonest <= engine.now and not engine.replaying:
        return drop_due(engine, key, found)
    return found


@cython.cfunc
def drop_due(engine: Engine, key: bytes, value: HashValue) -> HashValue:
    """Delete the fields whose time has come; the hash, or None when none is left."""
    fields = value.due(engine.now)
    if not fields:
        return value
    if not engine.master:
        value = value.copy()
        for field in fields:
            value.delete(field)
        return None if value.length() == 0 else value
    for field in fields:
        value.delete(field)
    # Not engine.effect: the command that looked has effects of its own.
    engine.unit.append((engine.db.index, encode(b"HDEL", key, *fields)))
    if engine.listening:
        engine._touched(key)
        engine.notify(HASH, b"hexpired", key)
    if value.length() == 0:
        engine.delete(key)
        engine.notify(GENERIC, b"del", key)
        return None
    return value


def expire_fields(engine: Engine, db: cython.int, slot: cython.int, looked_at_max: int = 20000) -> tuple:
    """Delete due fields of hashes from slot `slot` of database `db` on, looking at about
    `looked_at_max` keys: (database, slot) to go on from. Free when no hash has such fields."""
    looked_at: cython.longlong = 0
    slots: cython.longlong = 0
    value: HashValue
    if expiring_hashes() == 0 or not engine.master:
        return db, slot
    current = engine.db
    while looked_at < looked_at_max and slots < 16384:
        engine.db = engine.dbs[db]
        slots += 1
        table = engine.db.slots[slot] if engine.db.size else None
        if table is not None:
            looked_at += len(table)
            due = []
            for key, found in table.objects(_HashValue):
                value = found
                if value.times is not None and value.soonest <= engine.now:
                    due.append((key, value))
            for key, value in due:
                if not engine.holds.holds(key):
                    drop_due(engine, key, value)
        slot += 1
        if slot >= 16384 or engine.db.size == 0:
            slot = 0
            db = (db + 1) % len(engine.dbs)
    engine.db = current
    return db, slot


@cython.cfunc
def _fields(args: list, at: cython.Py_ssize_t, wrong: str = errors.FIELDS_NUMBER) -> list:
    """The fields of `FIELDS numfields field [field ...]` at args[at]. CommandError; `wrong`: for a number below 1."""
    if args[at].upper() != b"FIELDS":
        raise CommandError(errors.FIELDS_MISSING)
    count = parse_range(args[at + 1], 1, LONG_MAX, wrong) if at + 1 < len(args) else 0
    if count != len(args) - at - 2:
        raise CommandError(errors.NUMFIELDS_MATCH)
    return args[at + 2 :]


@cython.cfunc
def _expire(engine: Engine, args: list, name: str, unit_ms: cython.int, relative: cython.bint) -> list:
    value: HashValue = live_hash(engine, args[1])
    at_ms: object = parse_int(args[2])
    if at_ms < 0:
        raise CommandError(errors.EXPIRE_NEGATIVE)
    at_ms = at_ms * unit_ms + (engine.now if relative else 0)
    if at_ms > TIME_MAX:
        raise errors.invalid_expire(name)
    condition: bytes = args[3].upper()
    at = 3
    if condition in CONDITIONS:
        at = 4
    if at >= len(args):
        raise CommandError(errors.FIELDS_MISSING)
    fields: list = _fields(args, at, errors.NUMFIELDS_RANGE)
    if value is None:
        return [-2] * len(fields)
    reply: list = []
    kept: list = []
    dropped: list = []
    for field in fields:
        if not value.has(field):
            reply.append(-2)
            continue
        old = value.expire_at(field)
        if at == 4 and (
            (condition == b"NX" and old >= 0)
            or (condition == b"XX" and old < 0)
            or (condition == b"GT" and (old < 0 or at_ms <= old))
            or (condition == b"LT" and 0 <= old <= at_ms)
        ):
            reply.append(0)
        elif at_ms <= engine.now and not engine.replaying:
            value.delete(field)
            dropped.append(field)
            reply.append(2)
        else:
            value.set_expire(field, at_ms)
            kept.append(field)
            reply.append(1)
    if kept:
        engine.effect(b"HPEXPIREAT", args[1], at_ms, b"FIELDS", len(kept), *kept)
        engine.changed(args[1], b"hexpire", HASH, len(kept))
    if dropped:
        engine.effect(b"HDEL", args[1], *dropped)
        engine.changed(args[1], b"hdel", HASH, len(dropped))
        if value.length() == 0:
            engine.delete(args[1])
            engine.notify(GENERIC, b"del", args[1])
    return reply


@handles("HEXPIRE")
def hexpire(engine: Engine, args: list):
    """HEXPIRE key seconds [NX|XX|GT|LT] FIELDS numfields field [field ...]"""
    return _expire(engine, args, "hexpire", 1000, True)


@handles("HPEXPIRE")
def hpexpire(engine: Engine, args: list):
    """HPEXPIRE key milliseconds [NX|XX|GT|LT] FIELDS numfields field [field ...]"""
    return _expire(engine, args, "hpexpire", 1, True)


@handles("HEXPIREAT")
def hexpireat(engine: Engine, args: list):
    """HEXPIREAT key unix-time-seconds [NX|XX|GT|LT] FIELDS numfields field [field ...]"""
    return _expire(engine, args, "hexpireat", 1000, False)


@handles("HPEXPIREAT")
def hpexpireat(engine: Engine, args: list):
    """HPEXPIREAT key unix-time-milliseconds [NX|XX|GT|LT] FIELDS numfields field [field ...]"""
    return _expire(engine, args, "hpexpireat", 1, False)


@cython.cfunc
def _times(engine: Engine, args: list, unit_ms: cython.longlong, relative: cython.bint) -> list:
    """-2: no such field; -1: no expiry; else the time, rounded up to the unit."""
    value: HashValue = live_hash(engine, args[1])
    fields: list = _fields(args, 2)
    base: cython.longlong = engine.now if relative else 0
    at_ms: cython.longlong
    reply: list = []
    for field in fields:
        if value is None or not value.has(field):
            reply.append(-2)
            continue
        at_ms = value.expire_at(field)
        reply.append(-1 if at_ms < 0 else (at_ms - base + unit_ms - 1) // unit_ms)
    return reply


@handles("HTTL")
def httl(engine: Engine, args: list):
    """HTTL key FIELDS numfields field [field ...]"""
    return _times(engine, args, 1000, True)


@handles("HPTTL")
def hpttl(engine: Engine, args: list):
    """HPTTL key FIELDS numfields field [field ...]"""
    return _times(engine, args, 1, True)


@handles("HEXPIRETIME")
def hexpiretime(engine: Engine, args: list):
    """HEXPIRETIME key FIELDS numfields field [field ...]"""
    return _times(engine, args, 1000, False)


@handles("HPEXPIRETIME")
def hpexpiretime(engine: Engine, args: list):
    """HPEXPIRETIME key FIELDS numfields field [field ...]"""
    return _times(engine, args, 1, False)


@handles("HPERSIST")
def hpersist(engine: Engine, args: list):
    """HPERSIST key FIELDS numfields field [field ...]"""
    value: HashValue = live_hash(engine, args[1])
    fields: list = _fields(args, 2)
    reply: list = []
    for field in fields:
        if value is None or not value.has(field):
            reply.append(-2)
        else:
            reply.append(1 if value.persist(field) else -1)
    if 1 in reply:
        engine.changed(args[1], b"hpersist", HASH, reply.count(1))
    return reply
