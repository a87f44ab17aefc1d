"""Set commands on single keys. Compiled; unions and the like are in `set_algebra`."""

import cython
from cython.cimports.cluster.glob import match_bytes
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.values.sets import SetValue
from cython.cimports.shard.values.taker import SET as SHAPE_SET
from cython.cimports.shard.values.taker import Taker

from cluster import errors
from cluster.numbers import parse_cursor, parse_range
from cluster.replies import SetReply
from shard.commands.scan import Options
from shard.registry import handles
from shard.signals import N_GENERIC, N_SET
from shard.values.sets import SetValue as _SetValue

SET = cython.declare(cython.int, N_SET)
GENERIC = cython.declare(cython.int, N_GENERIC)
LONG_MAX = (1 << 63) - 1
EFFECT_MEMBERS_MAX = 1024  # of one SREM that stands for a SPOP


@cython.cfunc
@cython.inline
def _set(engine: Engine, key: bytes) -> SetValue:
    """The live set at a key or None. WRONGTYPE."""
    value: object = engine.lookup(key)
    if value is not None and type(value) is not _SetValue:
        raise errors.wrong_type()
    return value


@cython.cfunc
def _forget(engine: Engine, key: bytes) -> object:
    """A set without members is no key."""
    engine.delete(key)
    engine.notify(GENERIC, b"del", key)


@handles("SADD")
def sadd(engine: Engine, args: list):
    """SADD key member [member ...]"""
    key: bytes = args[1]
    value: SetValue = _set(engine, key)
    added: cython.longlong = 0
    i: cython.Py_ssize_t
    if value is None:
        value = _SetValue()
        engine.put(key, value)
    for i in range(2, len(args)):
        added += value.add(args[i])
    if added:
        engine.changed(key, b"sadd", SET, added)
    return added


@handles("SREM")
def srem(engine: Engine, args: list):
    """SREM key member [member ...]"""
    key: bytes = args[1]
    value: SetValue = _set(engine, key)
    removed: cython.longlong = 0
    i: cython.Py_ssize_t
    if value is None:
        return 0
    for i in range(2, len(args)):
        removed += value.remove(args[i])
    if removed:
        engine.changed(key, b"srem", SET, removed)
        if value.length() == 0:
            _forget(engine, key)
    return removed


@handles("SMOVE")
def smove(engine: Engine, args: list):
    """SMOVE source destination member"""
    source: SetValue = _set(engine, args[1])
    target: SetValue
    if source is None:
        return 0
    target = _set(engine, args[2])
    if args[1] == args[2]:
        return 1 if source.has(args[3]) else 0
    if not source.remove(args[3]):
        return 0
    engine.changed(args[1], b"srem", SET)
    if source.length() == 0:
        _forget(engine, args[1])
    if target is None:
        target = _SetValue()
        engine.put(args[2], target)
    if target.add(args[3]):
        engine.changed(args[2], b"sadd", SET)
    if engine.staged is not None:  # owners apart: each gets its part, not its whole set anew
        engine.effect(b"SREM", args[1], args[3])
        engine.effect(b"SADD", args[2], args[3])
    return 1


@handles("SISMEMBER")
def sismember(engine: Engine, args: list):
    """SISMEMBER key member"""
    value: SetValue = _set(engine, args[1])
    return 1 if value is not None and value.has(args[2]) else 0


@handles("SMISMEMBER")
def smismember(engine: Engine, args: list):
    """SMISMEMBER key member [member ...]"""
    value: SetValue = _set(engine, args[1])
    return [1 if value is not None and value.has(member) else 0 for member in args[2:]]


@handles("SCARD")
def scard(engine: Engine, args: list):
    """SCARD key"""
    value: SetValue = _set(engine, args[1])
    return 0 if value is None else value.length()


@handles("SMEMBERS")
def smembers(engine: Engine, args: list):
    """SMEMBERS key"""
    value: SetValue = _set(engine, args[1])
    taker: Taker = engine.taker()
    if value is None:
        taker.open(0, SHAPE_SET)
        taker.close()
    else:
        value.give(taker, SHAPE_SET)
    return taker.taken


@handles("SPOP")
def spop(engine: Engine, args: list):
    """SPOP key [count]"""
    key: bytes = args[1]
    value: SetValue
    i: cython.Py_ssize_t
    if len(args) > 3:
        raise errors.syntax_error()
    if len(args) == 2:
        value = _set(engine, key)
        if value is None:
            return None
        member = value.pop(engine.rng)
        engine.effect(b"SREM", key, member)
        engine.changed(key, b"spop", SET)
        if value.length() == 0:
            _forget(engine, key)
        return member
    count = parse_range(args[2], 0, LONG_MAX, errors.NOT_POSITIVE)
    value = _set(engine, key)
    if value is None or count == 0:
        return SetReply()
    if count >= value.length():
        found = value.members()
        engine.effect(b"DEL", key)
        engine.changed(key, b"spop", SET, len(found))
        _forget(engine, key)
        return SetReply(found)
    found = [value.pop(engine.rng) for _ in range(count)]
    for i in range(0, len(found), EFFECT_MEMBERS_MAX):
        engine.effect(b"SREM", key, *found[i : i + EFFECT_MEMBERS_MAX])
    engine.changed(key, b"spop", SET, len(found))
    return SetReply(found)


@handles("SRANDMEMBER")
def srandmember(engine: Engine, args: list):
    """SRANDMEMBER key [count]: distinct members, or |count| draws when it is negative."""
    value: SetValue
    if len(args) > 3:
        raise errors.syntax_error()
    if len(args) == 2:
        value = _set(engine, args[1])
        return None if value is None else value.random(engine.rng)
    count = parse_range(args[2], -LONG_MAX, LONG_MAX)
    value = _set(engine, args[1])
    if value is None or count == 0:
        return []
    if count < 0:
        return [value.random(engine.rng) for _ in range(-count)]
    if count >= value.length():
        return value.members()
    if count * 3 > value.length():
        return engine.rng.sample(value.members(), count)
    found: dict = {}
    while len(found) < count:
        found[value.random(engine.rng)] = None
    return list(found)


@handles("SSCAN")
def sscan(engine: Engine, args: list):
    """SSCAN key cursor [MATCH pattern] [COUNT count]"""
    cursor = parse_cursor(args[2])
    value: SetValue = _set(engine, args[1])
    if value is None:
        return [b"0", []]
    options = Options(args[3:])
    if options.type is not None:
        raise errors.syntax_error()
    following, found = value.scan(cursor, options.count)
    if options.pattern is not None:
        pattern: bytes = options.pattern
        found = [member for member in found if match_bytes(pattern, member, False)]
    return [b"%d" % following, found]
