"""List commands. Compiled; popping, moving and blocking are in `list_moves`."""

import cython
from cython.cimports.cluster.numbers import parse_int
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.values.lists import ListValue
from cython.cimports.shard.values.taker import Taker

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_range
from cluster.replies import OK
from shard.registry import handles
from shard.signals import N_GENERIC, N_LIST
from shard.values.lists import ListValue as _ListValue

LIST = cython.declare(cython.int, N_LIST)
GENERIC = cython.declare(cython.int, N_GENERIC)
LONG_MAX = (1 << 63) - 1


@cython.cfunc
@cython.inline
def _list(engine: Engine, key: bytes) -> ListValue:
    """The live list at a key or None. WRONGTYPE."""
    value: object = engine.lookup(key)
    if value is not None and type(value) is not _ListValue:
        raise errors.wrong_type()
    return value


@cython.cfunc
def _push(engine: Engine, args: list, left: cython.bint, create: cython.bint) -> object:
    key: bytes = args[1]
    value: ListValue = _list(engine, key)
    i: cython.Py_ssize_t
    if value is None:
        if not create:
            return 0
        value = _ListValue()
        engine.put(key, value)
    for i in range(2, len(args)):
        if left:
            value.push_left(args[i])
        else:
            value.push_right(args[i])
    engine.changed(key, b"lpush" if left else b"rpush", LIST, len(args) - 2)
    return value.size


@handles("LPUSH")
def lpush(engine: Engine, args: list):
    """LPUSH key element [element ...]"""
    return _push(engine, args, True, True)


@handles("RPUSH")
def rpush(engine: Engine, args: list):
    """RPUSH key element [element ...]"""
    return _push(engine, args, False, True)


@handles("LPUSHX")
def lpushx(engine: Engine, args: list):
    """LPUSHX key element [element ...]"""
    return _push(engine, args, True, False)


@handles("RPUSHX")
def rpushx(engine: Engine, args: list):
    """RPUSHX key element [element ...]"""
    return _push(engine, args, False, False)


@handles("LLEN")
def llen(engine: Engine, args: list):
    """LLEN key"""
    value: ListValue = _list(engine, args[1])
    return 0 if value is None else value.size


@handles("LRANGE")
def lrange(engine: Engine, args: list):
    """LRANGE key start stop"""
    start: cython.longlong = parse_int(args[2])
    stop: cython.longlong = parse_int(args[3])
    value: ListValue = _list(engine, args[1])
    if value is None:
        return []
    if start < 0:
        start = max(start + value.size, 0)
    if stop < 0:
        stop += value.size
    taker: Taker = engine.taker()
    value.give(start, stop, taker)
    return taker.taken


@handles("LINDEX")
def lindex(engine: Engine, args: list):
    """LINDEX key index"""
    value: ListValue = _list(engine, args[1])
    if value is None:
        return None
    return value.get(parse_int(args[2]))


@handles("LSET")
def lset(engine: Engine, args: list):
    """LSET key index element"""
    value: ListValue = _list(engine, args[1])
    if value is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if not value.set(parse_int(args[2]), args[3]):
        raise CommandError(errors.INDEX_RANGE)
    engine.changed(args[1], b"lset", LIST)
    return OK


@handles("LINSERT")
def linsert(engine: Engine, args: list):
    """LINSERT key BEFORE|AFTER pivot element"""
    where: bytes = args[2].upper()
    if where != b"BEFORE" and where != b"AFTER":
        raise errors.syntax_error()
    value: ListValue = _list(engine, args[1])
    if value is None:
        return 0
    found: list = value.find(args[3], 1, 1, 0)
    if not found:
        return -1
    value.insert(found[0] + (where == b"AFTER"), args[4])
    engine.changed(args[1], b"linsert", LIST)
    return value.size


@handles("LREM")
def lrem(engine: Engine, args: list):
    """LREM key count element"""
    count = parse_range(args[2], -LONG_MAX, LONG_MAX)
    value: ListValue = _list(engine, args[1])
    if value is None:
        return 0
    removed: cython.Py_ssize_t = value.remove(args[3], count)
    if removed:
        engine.changed(args[1], b"lrem", LIST, removed)
        forget_if_empty(engine, args[1], value)
    return removed


@handles("LTRIM")
def ltrim(engine: Engine, args: list):
    """LTRIM key start stop"""
    start: cython.longlong = parse_int(args[2])
    stop: cython.longlong = parse_int(args[3])
    value: ListValue = _list(engine, args[1])
    size: cython.longlong
    if value is None:
        return OK
    size = value.size
    if start < 0:
        start = max(start + size, 0)
    if stop < 0:
        stop += size
    if stop >= size:
        stop = size - 1
    if start > stop:
        start = size
        stop = size - 1
    value.delete_range(stop + 1, size - 1)
    value.delete_range(0, start - 1)
    # An event, and a change to who watches, also when nothing was cut: Redis's own behaviour.
    engine.changed(args[1], b"ltrim", LIST, size - value.size)
    forget_if_empty(engine, args[1], value)
    return OK


@handles("LPOS")
def lpos(engine: Engine, args: list):
    """LPOS key element [RANK rank] [COUNT count] [MAXLEN length]"""
    rank, count, limit = 1, -1, 0
    for at in range(3, len(args), 2):
        name = args[at].upper()
        if at + 1 >= len(args):
            raise errors.syntax_error()
        if name == b"RANK":
            rank = parse_range(args[at + 1], -LONG_MAX, LONG_MAX)
            if rank == 0:
                raise CommandError(errors.LPOS_RANK)
        elif name == b"COUNT":
            count = parse_range(args[at + 1], 0, LONG_MAX, "ERR COUNT can't be negative")
        elif name == b"MAXLEN":
            limit = parse_range(args[at + 1], 0, LONG_MAX, "ERR MAXLEN can't be negative")
        else:
            raise errors.syntax_error()
    value: ListValue = _list(engine, args[1])
    if value is None:
        return None if count < 0 else []
    found: list = value.find(args[2], rank, 1 if count < 0 else count, limit)
    if count >= 0:
        return found
    return found[0] if found else None


@cython.ccall
def forget_if_empty(engine: Engine, key: bytes, value: ListValue) -> object:
    """A list without elements is no key."""
    if value.size == 0:
        engine.delete(key)
        engine.notify(GENERIC, b"del", key)
