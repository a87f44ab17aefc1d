"""Intersections, unions and differences of sets. Compiled."""

import cython
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.values.sets import SetValue

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_range
from cluster.replies import SetReply
from shard.registry import handles
from shard.signals import N_GENERIC, N_SET
from shard.values.sets import SetValue as _SetValue

SET = cython.declare(cython.int, N_SET)
GENERIC = cython.declare(cython.int, N_GENERIC)
LONG_MAX = (1 << 63) - 1


@cython.cfunc
def _sets(engine: Engine, keys: list) -> list:
    """The live set or None of each key. WRONGTYPE if any is something else."""
    found: list = []
    for key in keys:
        value = engine.lookup(key)
        if value is not None and type(value) is not _SetValue:
            raise errors.wrong_type()
        found.append(value)
    return found


@cython.cfunc
def _intersection(sets: list, limit: cython.longlong) -> list:
    """Members of all sets, at most `limit` (0: all)."""
    first: SetValue
    other: SetValue
    found: list = []
    if None in sets:
        return found
    ordered = sorted(sets, key=len)
    first = ordered[0]
    for member in first.members():
        for other in ordered[1:]:
            if not other.has(member):
                break
        else:
            found.append(member)
            if limit and len(found) >= limit:
                break
    return found


@cython.cfunc
def _union(sets: list) -> list:
    found: dict = {}
    value: SetValue
    for value in sets:
        if value is not None:
            found.update(dict.fromkeys(value.members()))
    return list(found)


@cython.cfunc
def _difference(sets: list) -> list:
    """Members of the first set that are in no other."""
    other: SetValue
    first: SetValue = sets[0]
    found: list = []
    if first is None:
        return found
    others = [value for value in sets[1:] if value is not None]
    for member in first.members():
        for other in others:
            if other.has(member):
                break
        else:
            found.append(member)
    return found


@cython.cfunc
def _removed(sets: list) -> object:
    """The same, by taking what the others have out of a copy: Redis's way where the first set is much the largest, whose
    encoding the result then has. None: it is not."""
    other: SetValue
    first: SetValue = sets[0]
    found: SetValue
    if first is None or any(other is first for other in sets[1:]):
        return None
    others = [value for value in sets[1:] if value is not None]
    if len(first) * (len(others) + 1) // 2 <= len(first) + sum(map(len, others)):
        return None
    found = _SetValue.load(first.members())
    for other in others:
        for member in other.members():
            found.remove(member)
    return found


@cython.cfunc
def _store(engine: Engine, target: bytes, members: list, event: bytes) -> object:
    """Make `target` a set of these members, or no key when there are none."""
    return _put(engine, target, _SetValue.load(members), event)


@cython.cfunc
def _put(engine: Engine, target: bytes, value: SetValue, event: bytes) -> object:
    """Give `target` a set, or delete it where that is empty."""
    size: cython.Py_ssize_t = len(value)
    if not size:
        if engine.delete(target):
            engine.changed(target, b"del", GENERIC)
        return 0
    engine.overwrite(target, value)
    engine.changed(target, event, SET, size)
    return size


@cython.cfunc
def _reply(engine: Engine, found: list) -> object:
    return found if engine.resp < 3 else SetReply(found)


@handles("SINTER")
def sinter(engine: Engine, args: list):
    """SINTER key [key ...]"""
    return _reply(engine, _intersection(_sets(engine, args[1:]), 0))


@handles("SUNION")
def sunion(engine: Engine, args: list):
    """SUNION key [key ...]"""
    return _reply(engine, _union(_sets(engine, args[1:])))


@handles("SDIFF")
def sdiff(engine: Engine, args: list):
    """SDIFF key [key ...]"""
    return _reply(engine, _difference(_sets(engine, args[1:])))


@handles("SINTERSTORE")
def sinterstore(engine: Engine, args: list):
    """SINTERSTORE destination key [key ...]"""
    return _store(engine, args[1], _intersection(_sets(engine, args[2:]), 0), b"sinterstore")


@handles("SUNIONSTORE")
def sunionstore(engine: Engine, args: list):
    """SUNIONSTORE destination key [key ...]"""
    return _store(engine, args[1], _union(_sets(engine, args[2:])), b"sunionstore")


@handles("SDIFFSTORE")
def sdiffstore(engine: Engine, args: list):
    """SDIFFSTORE destination key [key ...]"""
    sets = _sets(engine, args[2:])
    value = _removed(sets)
    if value is not None:
        return _put(engine, args[1], value, b"sdiffstore")
    return _store(engine, args[1], _difference(sets), b"sdiffstore")


@handles("SINTERCARD")
def sintercard(engine: Engine, args: list):
    """SINTERCARD numkeys key [key ...] [LIMIT limit]"""
    size = parse_range(args[1], 1, LONG_MAX, "ERR numkeys should be greater than 0")
    limit = 0
    if size > len(args) - 2:
        raise CommandError("ERR Number of keys can't be greater than number of args")
    at = 2 + size
    while at < len(args):
        if args[at].upper() != b"LIMIT" or at + 1 >= len(args):
            raise errors.syntax_error()
        limit = parse_range(args[at + 1], 0, LONG_MAX, "ERR LIMIT can't be negative")
        at += 2
    return len(_intersection(_sets(engine, args[2 : 2 + size]), limit))
