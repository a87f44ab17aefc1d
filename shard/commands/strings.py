"""String commands. Compiled: GET, SET and INCR are the hottest handlers of all.

A string is `bytes`, or a `bytearray` once it was changed in place (APPEND, SETRANGE, SETBIT).
A handler never replies with the bytearray itself: a later command of the same transaction
could change it before the reply is encoded.
"""

import cython
from cython.cimports.cluster.numbers import longlong_text, parse_int, string_to_longlong
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.shard.engine import Engine

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import add_long_doubles
from cluster.replies import OK as _OK
from shard.registry import handles
from shard.signals import N_GENERIC, N_STRING

OK = cython.declare(object, _OK)
STRING = cython.declare(cython.int, N_STRING)
GENERIC = cython.declare(cython.int, N_GENERIC)

S_NX = cython.declare(cython.int, 1)
S_XX = cython.declare(cython.int, 2)
S_GET = cython.declare(cython.int, 4)
S_KEEPTTL = cython.declare(cython.int, 8)
S_PERSIST = cython.declare(cython.int, 16)
S_EX = cython.declare(cython.int, 32)
S_PX = cython.declare(cython.int, 64)
S_EXAT = cython.declare(cython.int, 128)
S_PXAT = cython.declare(cython.int, 256)
# What contradicts each option; saying the same one twice is allowed, the last value counts.
S_TIMES = cython.declare(cython.int, 32 + 64 + 128 + 256)
OPTIONS = {
    b"NX": (1, 2, False),
    b"XX": (2, 1, False),
    b"GET": (4, 0, False),
    b"KEEPTTL": (8, 16 + 32 + 64 + 128 + 256, False),
    b"PERSIST": (16, 8 + 32 + 64 + 128 + 256, False),
    b"EX": (32, 8 + 16 + 64 + 128 + 256, True),
    b"PX": (64, 8 + 16 + 32 + 128 + 256, True),
    b"EXAT": (128, 8 + 16 + 32 + 64 + 256, True),
    b"PXAT": (256, 8 + 16 + 32 + 64 + 128, True),
}
INT64_MAX = cython.declare(cython.longlong, 9223372036854775807)


@cython.cfunc
@cython.inline
def _string(engine: Engine, key: bytes) -> object:
    """The live string at a key or None. WRONGTYPE."""
    value: object = engine.lookup(key)
    if value is None or type(value) is bytes or type(value) is bytearray:
        return value
    raise errors.wrong_type()


@cython.cfunc
@cython.inline
def _reply(value: object) -> object:
    return bytes(value) if type(value) is bytearray else value


@cython.cfunc
def _options(args: list, at: cython.Py_ssize_t, allowed: cython.int) -> tuple:
    """(flags, raw expire argument or None) of the options from args[at] on."""
    flags: cython.int = 0
    bit: cython.int
    against: cython.int
    count: cython.Py_ssize_t = len(args)
    expire: object = None
    while at < count:
        option = OPTIONS.get(args[at].upper())
        if option is None:
            raise errors.syntax_error()
        bit, against, valued = option
        if not bit & allowed or flags & against:
            raise errors.syntax_error()
        flags |= bit
        if valued:
            at += 1
            if at >= count:
                raise errors.syntax_error()
            expire = args[at]
        at += 1
    return flags, expire


@cython.cfunc
@cython.exceptval(-1, check=True)
def _expire_ms(engine: Engine, raw: bytes, flags: cython.int, name: str) -> cython.longlong:
    """Unix ms that an EX, PX, EXAT or PXAT argument means."""
    at: cython.longlong = parse_int(raw)
    seconds: cython.bint = (flags & (S_EX | S_EXAT)) != 0
    if at <= 0 or (seconds and at > INT64_MAX // 1000):
        raise errors.invalid_expire(name)
    if seconds:
        at *= 1000
    if flags & (S_EX | S_PX):
        if at > INT64_MAX - engine.now:
            raise errors.invalid_expire(name)
        at += engine.now
    return at


@handles("GET")
def get(engine: Engine, args: list):
    """GET key"""
    value: object = engine.lookup(args[1])
    if value is None or type(value) is bytes:
        return value
    if type(value) is bytearray:
        return bytes(value)
    raise errors.wrong_type()


@handles("SET")
def set_(engine: Engine, args: list):
    """SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]"""
    if len(args) == 3:
        engine.overwrite(args[1], args[2])
        engine.changed(args[1], b"set", STRING)
        return OK
    return _set_with_options(engine, args)


@cython.cfunc
def _set_with_options(engine: Engine, args: list) -> object:
    flags: cython.int
    key: bytes = args[1]
    at: cython.longlong = -1
    flags, expire = _options(args, 3, 1 + 2 + 4 + 8 + S_TIMES)
    if expire is not None:
        at = _expire_ms(engine, expire, flags, "set")
    before: object = None
    if flags & S_GET:
        engine.reading = True
        before = _reply(_string(engine, key))
        engine.reading = False
    if flags & (S_NX | S_XX):
        if (engine.lookup(key) is not None) == ((flags & S_NX) != 0):
            return before
    elif flags & S_KEEPTTL:
        engine.lookup(key)  # a key whose time has come has none to keep
    _store(engine, key, args[2], at, flags & S_KEEPTTL)
    if at >= 0:
        engine.effect(b"SET", key, args[2], b"PXAT", at)
    elif flags & S_GET:
        engine.effect(*[arg for i, arg in enumerate(args) if i < 3 or arg.upper() != b"GET"])
    return before if flags & S_GET else OK


@cython.cfunc
def _store(engine: Engine, key: bytes, value: bytes, at: cython.longlong, keep_ttl: cython.bint) -> object:
    """What SET does, with its two events. `at`: expiry in unix ms or -1."""
    if keep_ttl:
        engine.put(key, value)
    else:
        engine.overwrite(key, value)
    if at >= 0:
        engine.set_expire(key, at)
    engine.changed(key, b"set", STRING)
    if at >= 0:
        engine.notify(GENERIC, b"expire", key)


@handles("SETEX")
def setex(engine: Engine, args: list):
    """SETEX key seconds value"""
    return _set_for(engine, args, S_EX, "setex")


@handles("PSETEX")
def psetex(engine: Engine, args: list):
    """PSETEX key milliseconds value"""
    return _set_for(engine, args, S_PX, "psetex")


@cython.cfunc
def _set_for(engine: Engine, args: list, unit: cython.int, name: str) -> object:
    at: cython.longlong = _expire_ms(engine, args[2], unit, name)
    _store(engine, args[1], args[3], at, False)
    engine.effect(b"SET", args[1], args[3], b"PXAT", at)
    return OK


@handles("SETNX")
def setnx(engine: Engine, args: list):
    """SETNX key value"""
    if engine.lookup(args[1]) is not None:
        return 0
    _store(engine, args[1], args[2], -1, False)
    return 1


@handles("GETSET")
def getset(engine: Engine, args: list):
    """GETSET key value"""
    before: object = _reply(_string(engine, args[1]))
    _store(engine, args[1], args[2], -1, False)
    engine.effect(b"SET", args[1], args[2])
    return before


@handles("GETDEL")
def getdel(engine: Engine, args: list):
    """GETDEL key"""
    value: object = _string(engine, args[1])
    if value is None:
        return None
    engine.delete(args[1])
    engine.changed(args[1], b"del", GENERIC)
    engine.effect(b"DEL", args[1])
    return _reply(value)


@handles("GETEX")
def getex(engine: Engine, args: list):
    """GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]"""
    flags: cython.int
    at: cython.longlong
    key: bytes = args[1]
    flags, expire = _options(args, 2, S_TIMES + S_PERSIST)
    value: object = _reply(_string(engine, key))
    if value is None or not flags:
        return value
    if expire is None:
        if engine.persist(key):
            engine.changed(key, b"persist", GENERIC)
            engine.effect(b"PERSIST", key)
        return value
    at = _expire_ms(engine, expire, flags, "getex")
    if at <= engine.now and not engine.replaying:
        engine.delete(key)
        engine.changed(key, b"del", GENERIC)
        engine.effect(b"DEL", key)
    else:
        engine.set_expire(key, at)
        engine.changed(key, b"expire", GENERIC)
        engine.effect(b"PEXPIREAT", key, at)
    return value


@handles("MGET")
def mget(engine: Engine, args: list):
    """MGET key [key ...]"""
    found: list = []
    i: cython.Py_ssize_t
    for i in range(1, len(args)):
        value: object = engine.lookup(args[i])
        if type(value) is bytearray:
            value = bytes(value)
        found.append(value if type(value) is bytes else None)
    return found


@handles("MSET")
def mset(engine: Engine, args: list):
    """MSET key value [key value ...]"""
    i: cython.Py_ssize_t
    if len(args) % 2 == 0:
        raise errors.wrong_arity("mset")
    for i in range(1, len(args), 2):
        engine.overwrite(args[i], args[i + 1])
        engine.changed(args[i], b"set", STRING)
    return OK


@handles("MSETNX")
def msetnx(engine: Engine, args: list):
    """MSETNX key value [key value ...]"""
    i: cython.Py_ssize_t
    if len(args) % 2 == 0:
        raise errors.wrong_arity("msetnx")
    for i in range(1, len(args), 2):
        if engine.lookup(args[i]) is not None:
            return 0
    for i in range(1, len(args), 2):
        _store(engine, args[i], args[i + 1], -1, False)
    return 1


@cython.cfunc
def _add(engine: Engine, key: bytes, delta: cython.longlong) -> object:
    value: object = _string(engine, key)
    number: cython.longlong = 0
    text: bytes
    if value is not None:
        text = value if type(value) is bytes else bytes(value)
        if not string_to_longlong(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), cython.address(number)):
            raise errors.not_integer()
    if (delta < 0 and number < -INT64_MAX - 1 - delta) or (delta > 0 and number > INT64_MAX - delta):
        raise CommandError(errors.OVERFLOW)
    number += delta
    engine.put(key, longlong_text(number))
    engine.changed(key, b"incrby", STRING)
    return number


@handles("INCR")
def incr(engine: Engine, args: list):
    """INCR key"""
    return _add(engine, args[1], 1)


@handles("DECR")
def decr(engine: Engine, args: list):
    """DECR key"""
    return _add(engine, args[1], -1)


@handles("INCRBY")
def incrby(engine: Engine, args: list):
    """INCRBY key increment"""
    return _add(engine, args[1], parse_int(args[2]))


@handles("DECRBY")
def decrby(engine: Engine, args: list):
    """DECRBY key decrement"""
    delta: cython.longlong = parse_int(args[2])
    if delta == -INT64_MAX - 1:
        raise CommandError(errors.DECREMENT_OVERFLOW)
    return _add(engine, args[1], -delta)


@handles("INCRBYFLOAT")
def incrbyfloat(engine: Engine, args: list):
    """INCRBYFLOAT key increment"""
    value: object = _string(engine, args[1])
    total: bytes = add_long_doubles(b"0" if value is None else value, args[2])
    engine.put(args[1], total)
    engine.changed(args[1], b"incrbyfloat", STRING)
    engine.effect(b"SET", args[1], total, b"KEEPTTL")
    return total


@handles("STRLEN")
def strlen(engine: Engine, args: list):
    """STRLEN key"""
    value: object = _string(engine, args[1])
    return 0 if value is None else len(value)


@cython.cfunc
@cython.exceptval(-1, check=True)
def _check_length(engine: Engine, size: cython.longlong) -> cython.int:
    """No string grows over proto-max-bulk-len."""
    if size > engine.config.get("proto-max-bulk-len", 536870912):
        raise CommandError(errors.STRING_TOO_LONG)
    return 0


@handles("APPEND")
def append(engine: Engine, args: list):
    """APPEND key value"""
    key: bytes = args[1]
    value: object = _string(engine, key)
    if value is None:
        engine.put(key, args[2])
        engine.changed(key, b"append", STRING)
        return len(args[2])
    _check_length(engine, len(value) + len(args[2]))
    if type(value) is not bytearray:
        value = bytearray(value)
        engine.put(key, value)
    value += args[2]
    engine.changed(key, b"append", STRING)
    return len(value)


@handles("SETRANGE")
def setrange(engine: Engine, args: list):
    """SETRANGE key offset value"""
    key: bytes = args[1]
    part: bytes = args[3]
    offset: cython.longlong = parse_int(args[2])
    end: cython.longlong
    if offset < 0:
        raise CommandError(errors.OFFSET_RANGE)
    value: object = _string(engine, key)
    if not part:
        return 0 if value is None else len(value)
    if offset > INT64_MAX - len(part):
        raise CommandError(errors.STRING_TOO_LONG)
    end = offset + len(part)
    _check_length(engine, end)
    if type(value) is not bytearray:
        value = bytearray() if value is None else bytearray(value)
        engine.put(key, value)
    if len(value) < end:
        value.extend(bytes(end - len(value)))
    value[offset:end] = part
    engine.changed(key, b"setrange", STRING)
    return len(value)


@handles("GETRANGE", "SUBSTR")
def getrange(engine: Engine, args: list):
    """GETRANGE key start end"""
    start: cython.longlong = parse_int(args[2])
    end: cython.longlong = parse_int(args[3])
    value: object = _string(engine, args[1])
    size: cython.longlong
    if value is None:
        return b""
    size = len(value)
    if start < 0 and end < 0 and start > end:
        return b""
    if start < 0:
        start = max(size + start, 0)
    if end < 0:
        end = max(size + end, 0)
    if end >= size:
        end = size - 1
    if start > end or size == 0:
        return b""
    return bytes(value[start : end + 1])
