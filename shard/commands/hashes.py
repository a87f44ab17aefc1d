"""Hash commands. Compiled; expiry of fields is in `hash_expiry`."""

import cython
from cython.cimports.cluster.glob import match_bytes
from cython.cimports.cluster.numbers import long_double_text, parse_int, string_to_long_double, string_to_longlong
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.shard.commands.hash_expiry import live_hash
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.values.hashes import HashValue
from cython.cimports.shard.values.taker import LIST, MAP, Taker

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_cursor, parse_range
from cluster.replies import OK
from shard.commands.scan import Options
from shard.registry import handles
from shard.signals import N_GENERIC, N_HASH
from shard.values.hashes import HashValue as _HashValue

HASH = cython.declare(cython.int, N_HASH)
GENERIC = cython.declare(cython.int, N_GENERIC)
LONG_MAX = (1 << 63) - 1


@cython.cfunc
def _create(engine: Engine, key: bytes) -> HashValue:
    """The live hash at a key, made if there is none. WRONGTYPE."""
    value: HashValue = live_hash(engine, key)
    if value is None:
        value = _HashValue()
        engine.put(key, value)
    return value


@cython.cfunc
def _store(engine: Engine, args: list) -> object:
    """Set the pairs from args[2] on; how many fields are new. A field set loses its expiry."""
    value: HashValue = _create(engine, args[1])
    added: cython.longlong = 0
    i: cython.Py_ssize_t
    for i in range(2, len(args), 2):
        added += value.set(args[i], args[i + 1])
        if value.times is not None:
            value.persist(args[i])
    engine.changed(args[1], b"hset", HASH, (len(args) - 2) // 2)
    return added


@handles("HSET")
def hset(engine: Engine, args: list):
    """HSET key field value [field value ...]"""
    if len(args) & 1:
        raise errors.wrong_arity("hset")
    return _store(engine, args)


@handles("HMSET")
def hmset(engine: Engine, args: list):
    """HMSET key field value [field value ...]"""
    if len(args) & 1:
        raise errors.wrong_arity("hmset")
    _store(engine, args)
    return OK


@handles("HSETNX")
def hsetnx(engine: Engine, args: list):
    """HSETNX key field value"""
    value: HashValue = live_hash(engine, args[1])
    if value is not None and value.has(args[2]):
        return 0
    value = _create(engine, args[1])
    value.set(args[2], args[3])
    engine.changed(args[1], b"hset", HASH)
    return 1


@handles("HGET")
def hget(engine: Engine, args: list):
    """HGET key field"""
    value: HashValue = live_hash(engine, args[1])
    return None if value is None else value.get(args[2])


@handles("HMGET")
def hmget(engine: Engine, args: list):
    """HMGET key field [field ...]"""
    value: HashValue = live_hash(engine, args[1])
    if value is None:
        return [None] * (len(args) - 2)
    return [value.get(field) for field in args[2:]]


@cython.cfunc
def _all(engine: Engine, key: bytes, fields: cython.bint, values: cython.bint) -> object:
    value: HashValue = live_hash(engine, key)
    taker: Taker = engine.taker()
    shape: cython.int = MAP if fields and values else LIST
    if value is None:
        taker.open(0, shape)
        taker.close()
    else:
        value.give(fields, values, taker, shape)
    return taker.taken


@handles("HGETALL")
def hgetall(engine: Engine, args: list):
    """HGETALL key"""
    return _all(engine, args[1], True, True)


@handles("HKEYS")
def hkeys(engine: Engine, args: list):
    """HKEYS key"""
    return _all(engine, args[1], True, False)


@handles("HVALS")
def hvals(engine: Engine, args: list):
    """HVALS key"""
    return _all(engine, args[1], False, True)


@handles("HLEN")
def hlen(engine: Engine, args: list):
    """HLEN key"""
    value: HashValue = live_hash(engine, args[1])
    return 0 if value is None else value.length()


@handles("HEXISTS")
def hexists(engine: Engine, args: list):
    """HEXISTS key field"""
    value: HashValue = live_hash(engine, args[1])
    return 1 if value is not None and value.has(args[2]) else 0


@handles("HSTRLEN")
def hstrlen(engine: Engine, args: list):
    """HSTRLEN key field"""
    value: HashValue = live_hash(engine, args[1])
    found = None if value is None else value.get(args[2])
    return 0 if found is None else len(found)


@handles("HDEL")
def hdel(engine: Engine, args: list):
    """HDEL key field [field ...]"""
    value: HashValue = live_hash(engine, args[1])
    removed: cython.longlong = 0
    i: cython.Py_ssize_t
    if value is None:
        return 0
    for i in range(2, len(args)):
        removed += value.delete(args[i])
    if removed:
        engine.changed(args[1], b"hdel", HASH, removed)
        if value.length() == 0:
            engine.delete(args[1])
            engine.notify(GENERIC, b"del", args[1])
    return removed


@handles("HINCRBY")
def hincrby(engine: Engine, args: list):
    """HINCRBY key field increment"""
    increment: cython.longlong = parse_int(args[3])
    value: HashValue = live_hash(engine, args[1])
    old: bytes = None if value is None else value.get(args[2])
    current: cython.longlong = 0
    if old is not None and not string_to_longlong(
        PyBytes_AS_STRING(old), PyBytes_GET_SIZE(old), cython.address(current)
    ):
        raise CommandError("ERR hash value is not an integer")
    total: object = int(current) + int(increment)
    if not -LONG_MAX - 1 <= total <= LONG_MAX:
        raise CommandError(errors.OVERFLOW)
    value = _create(engine, args[1])
    value.set(args[2], b"%d" % total)
    engine.changed(args[1], b"hincrby", HASH)
    return total


@handles("HINCRBYFLOAT")
def hincrbyfloat(engine: Engine, args: list):
    """HINCRBYFLOAT key field increment"""
    increment: cython.longdouble = 0
    current: cython.longdouble = 0
    total: cython.longdouble
    if not string_to_long_double(args[3], cython.address(increment)):
        raise errors.not_float()
    if increment - increment != 0:
        raise CommandError("ERR value is NaN or Infinity")
    value: HashValue = live_hash(engine, args[1])
    old: bytes = None if value is None else value.get(args[2])
    if old is not None and not string_to_long_double(old, cython.address(current)):
        raise CommandError("ERR hash value is not a float")
    total = current + increment
    if total - total != 0:
        raise CommandError(errors.NAN_OR_INF)
    text: bytes = long_double_text(total)
    value = _create(engine, args[1])
    value.set(args[2], text)
    engine.effect(b"HSET", args[1], args[2], text)
    at_ms = value.expire_at(args[2])
    if at_ms >= 0:  # the HSET takes it away
        engine.effect(b"HPEXPIREAT", args[1], at_ms, b"FIELDS", 1, args[2])
    engine.changed(args[1], b"hincrbyfloat", HASH)
    return text


@handles("HRANDFIELD")
def hrandfield(engine: Engine, args: list):
    """HRANDFIELD key [count [WITHVALUES]]: distinct fields, or |count| draws when negative."""
    value: HashValue
    count = 1
    with_values = False
    if len(args) > 2:
        count = parse_range(args[2], -LONG_MAX, LONG_MAX)
        if len(args) > 4 or (len(args) == 4 and args[3].upper() != b"WITHVALUES"):
            raise errors.syntax_error()
        with_values = len(args) == 4
        if with_values and not -LONG_MAX // 2 <= count <= LONG_MAX // 2:
            raise CommandError("ERR value is out of range")
    value = live_hash(engine, args[1])
    if len(args) == 2:
        return None if value is None else value.random(engine.rng)[0]
    if value is None or count == 0:
        return []
    if count < 0:
        pairs = [value.random(engine.rng) for _ in range(-count)]
    elif count >= value.length():
        pairs = list(value.items())
    elif count * 3 > value.length():
        pairs = engine.rng.sample(list(value.items()), count)
    else:
        chosen: dict = {}
        while len(chosen) < count:
            field, content = value.random(engine.rng)
            chosen[field] = content
        pairs = list(chosen.items())
    if not with_values:
        return [field for field, _ in pairs]
    if engine.resp >= 3:
        return [list(pair) for pair in pairs]
    return [part for pair in pairs for part in pair]


@handles("HSCAN")
def hscan(engine: Engine, args: list):
    """HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]"""
    cursor = parse_cursor(args[2])
    value: HashValue = live_hash(engine, args[1])
    if value is None:
        return [b"0", []]
    rest = args[3:]
    names_only = bool(rest) and rest[-1].upper() == b"NOVALUES" and len(rest) % 2 == 1
    options = Options(rest[:-1] if names_only else rest)
    if options.type is not None:
        raise errors.syntax_error()
    following, flat = value.scan(cursor, options.count)
    found: list = []
    for at in range(0, len(flat), 2):
        field: bytes = flat[at]
        if options.pattern is None or match_bytes(options.pattern, field, False):
            found.append(field)
            if not names_only:
                found.append(flat[at + 1])
    return [b"%d" % following, found]
