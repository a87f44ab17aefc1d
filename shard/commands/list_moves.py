"""List commands that pop and move, also those that wait for an element. Compiled.

What a waiting command does in the end is journalled as the command that does not wait.
"""

import cython
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.values.lists import ListValue

from cluster import errors
from cluster.numbers import parse_range, parse_timeout
from cluster.replies import NIL_ARRAY
from shard.registry import handles
from shard.signals import N_GENERIC, N_LIST, Block
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
def _popped(engine: Engine, key: bytes, value: ListValue, left: cython.bint, count: cython.longlong) -> object:
    """Say that `count` elements were popped."""
    engine.changed(key, b"lpop" if left else b"rpop", LIST, count)
    if value.size == 0:
        engine.delete(key)
        engine.notify(GENERIC, b"del", key)


@cython.cfunc
def _take(engine: Engine, key: bytes, value: ListValue, left: cython.bint, count: cython.longlong) -> list:
    """Pop up to `count` elements, nearest the end first."""
    found: list = []
    if count > value.size:
        count = value.size
    if left:
        found = value.range(0, count - 1)
        value.delete_range(0, count - 1)
    else:
        while len(found) < count:
            found.append(value.pop_right())
    if count > 0:
        _popped(engine, key, value, left, count)
    return found


@cython.cfunc
def _pop(engine: Engine, args: list, left: cython.bint) -> object:
    value: ListValue
    item: bytes
    if len(args) == 2:
        value = _list(engine, args[1])
        if value is None:
            return None
        item = value.pop_left() if left else value.pop_right()
        _popped(engine, args[1], value, left, 1)
        return item
    if len(args) > 3:
        raise errors.wrong_arity("lpop" if left else "rpop")
    count = parse_range(args[2], 0, LONG_MAX, errors.NOT_POSITIVE)
    value = _list(engine, args[1])
    if value is None:
        return NIL_ARRAY
    return _take(engine, args[1], value, left, count)


@handles("LPOP")
def lpop(engine: Engine, args: list):
    """LPOP key [count]"""
    return _pop(engine, args, True)


@handles("RPOP")
def rpop(engine: Engine, args: list):
    """RPOP key [count]"""
    return _pop(engine, args, False)


@cython.cfunc
def _first_pop(engine: Engine, args: list, left: cython.bint) -> object:
    timeout_ms = parse_timeout(args[-1], engine.now)
    value: ListValue
    keys: list = args[1:-1]
    for key in keys:
        value = _list(engine, key)
        if value is not None:
            item = value.pop_left() if left else value.pop_right()
            engine.effect(b"LPOP" if left else b"RPOP", key)
            _popped(engine, key, value, left, 1)
            return [key, item]
    raise Block(keys, timeout_ms, NIL_ARRAY, args)


@handles("BLPOP")
def blpop(engine: Engine, args: list):
    """BLPOP key [key ...] timeout"""
    return _first_pop(engine, args, True)


@handles("BRPOP")
def brpop(engine: Engine, args: list):
    """BRPOP key [key ...] timeout"""
    return _first_pop(engine, args, False)


@cython.cfunc
def _is_left(raw: bytes) -> object:
    raw = raw.upper()
    if raw == b"LEFT":
        return True
    if raw == b"RIGHT":
        return False
    raise errors.syntax_error()


@cython.cfunc
def _move(
    engine: Engine, source: bytes, target: bytes, value: ListValue, pop_left: cython.bint, push_left: cython.bint
) -> object:
    """Move one element of the list at `source`."""
    other: ListValue = _list(engine, target)
    item: bytes = value.pop_left() if pop_left else value.pop_right()
    if other is None:
        other = _ListValue()
        engine.put(target, other)
    if push_left:
        other.push_left(item)
    else:
        other.push_right(item)
    engine.changed(target, b"lpush" if push_left else b"rpush", LIST)
    _popped(engine, source, value, pop_left, 1)
    if engine.staged is not None:  # owners apart: each gets its part, not its whole list anew
        engine.effect(b"LPOP" if pop_left else b"RPOP", source)
        engine.effect(b"LPUSH" if push_left else b"RPUSH", target, item)
    return item


@handles("LMOVE")
def lmove(engine: Engine, args: list):
    """LMOVE source destination LEFT|RIGHT LEFT|RIGHT"""
    pop_left, push_left = _is_left(args[3]), _is_left(args[4])
    value: ListValue = _list(engine, args[1])
    if value is None:
        return None
    return _move(engine, args[1], args[2], value, pop_left, push_left)


@handles("RPOPLPUSH")
def rpoplpush(engine: Engine, args: list):
    """RPOPLPUSH source destination"""
    value: ListValue = _list(engine, args[1])
    if value is None:
        return None
    return _move(engine, args[1], args[2], value, False, True)


@handles("BLMOVE")
def blmove(engine: Engine, args: list):
    """BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout"""
    pop_left, push_left = _is_left(args[3]), _is_left(args[4])
    timeout_ms = parse_timeout(args[5], engine.now)
    value: ListValue = _list(engine, args[1])
    if value is None:
        raise Block([args[1]], timeout_ms, NIL_ARRAY, args, denied=None)
    item = _move(engine, args[1], args[2], value, pop_left, push_left)
    if engine.staged is None:
        engine.effect(b"LMOVE", *args[1:5])
    return item


@handles("BRPOPLPUSH")
def brpoplpush(engine: Engine, args: list):
    """BRPOPLPUSH source destination timeout"""
    timeout_ms = parse_timeout(args[3], engine.now)
    value: ListValue = _list(engine, args[1])
    if value is None:
        raise Block([args[1]], timeout_ms, NIL_ARRAY, args, denied=None)
    item = _move(engine, args[1], args[2], value, False, True)
    if engine.staged is None:
        engine.effect(b"RPOPLPUSH", args[1], args[2])
    return item


@cython.cfunc
def _pop_several(engine: Engine, args: list, at: cython.Py_ssize_t, timeout: object = None) -> tuple:
    """(reply or None, keys) of `numkeys key ... LEFT|RIGHT [COUNT count]` from args[at] on.
    Redis reads a timeout last."""
    size = parse_range(args[at], 1, LONG_MAX, "ERR numkeys should be greater than 0")
    count = -1
    value: ListValue
    if at + size + 1 >= len(args):
        raise errors.syntax_error()
    keys: list = args[at + 1 : at + 1 + size]
    left: cython.bint = _is_left(args[at + 1 + size])
    at += size + 2
    while at < len(args):
        if count != -1 or args[at].upper() != b"COUNT" or at + 1 >= len(args):
            raise errors.syntax_error()
        count = parse_range(args[at + 1], 1, LONG_MAX, "ERR count should be greater than 0")
        at += 2
    if timeout is not None:
        parse_timeout(timeout, engine.now)
    count = max(count, 1)
    for key in keys:
        value = _list(engine, key)
        if value is not None:
            count = min(count, value.size)
            engine.effect(b"LPOP" if left else b"RPOP", key, count)
            return [key, _take(engine, key, value, left, count)], keys
    return None, keys


@handles("LMPOP")
def lmpop(engine: Engine, args: list):
    """LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]"""
    reply, _ = _pop_several(engine, args, 1)
    return NIL_ARRAY if reply is None else reply


@handles("BLMPOP")
def blmpop(engine: Engine, args: list):
    """BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]"""
    reply, keys = _pop_several(engine, args, 2, args[1])
    if reply is None:
        timeout_ms = parse_timeout(args[1], engine.now)
        raise Block(keys, timeout_ms, NIL_ARRAY, args)
    return reply
