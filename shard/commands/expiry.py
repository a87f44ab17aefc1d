"""EXPIRE, TTL and their kin. Compiled."""

import cython
from cython.cimports.cluster.numbers import parse_int
from cython.cimports.shard.engine import Engine

from cluster import errors
from cluster.errors import CommandError
from shard.commands.generic import peek
from shard.registry import handles
from shard.signals import N_GENERIC

GENERIC = cython.declare(cython.int, N_GENERIC)
INT64_MAX = cython.declare(cython.longlong, 9223372036854775807)


@cython.cfunc
@cython.exceptval(-1, check=True)
def _allowed(engine: Engine, key: bytes, options: list, when: cython.longlong) -> cython.bint:
    """Whether NX, XX, GT, LT let the key have this expiry."""
    current: cython.longlong = engine.expire_at(key)
    for option in options:
        if option == b"NX" and current >= 0:
            return False
        if option == b"XX" and current < 0:
            return False
        if option == b"GT" and (current < 0 or when <= current):
            return False
        if option == b"LT" and current >= 0 and when >= current:
            return False
    return True


def _checked(options: list) -> list:
    """The options in upper case. CommandError: unknown or contradictory."""
    found = [raw.upper() for raw in options]
    for raw, option in zip(options, found):
        if option not in (b"NX", b"XX", b"GT", b"LT"):
            raise CommandError(errors.EXPIRE_OPTION.format(option=raw.decode("utf-8", "replace")))
    if b"NX" in found and len(set(found)) > 1:
        raise CommandError(errors.EXPIRE_NX)
    if b"GT" in found and b"LT" in found:
        raise CommandError(errors.EXPIRE_GT_LT)
    return found


@cython.cfunc
def _expire(engine: Engine, args: list, base: cython.longlong, seconds: cython.bint, name: str) -> object:
    key: bytes = args[1]
    options: list = _checked(args[3:]) if len(args) > 3 else None
    when: cython.longlong = parse_int(args[2])
    if seconds:
        if when > INT64_MAX // 1000 or when < -(INT64_MAX // 1000):
            raise errors.invalid_expire(name)
        when *= 1000
    if when > INT64_MAX - base:
        raise errors.invalid_expire(name)
    when += base
    if engine.lookup(key) is None:
        return 0
    if options and not _allowed(engine, key, options, when):
        return 0
    if when <= engine.now and not engine.replaying:
        engine.delete(key)
        engine.effect(b"DEL", key)
        engine.changed(key, b"del", GENERIC)
        return 1
    # A replayed expiry may lie before the epoch's start; the keyspace knows times from 0 on.
    engine.set_expire(key, when if when >= 0 else 0)
    engine.effect(b"PEXPIREAT", key, when)
    engine.changed(key, b"expire", GENERIC)
    return 1


@handles("EXPIRE")
def expire(engine: Engine, args: list):
    """EXPIRE key seconds [NX | XX | GT | LT]"""
    return _expire(engine, args, engine.now, True, "expire")


@handles("PEXPIRE")
def pexpire(engine: Engine, args: list):
    """PEXPIRE key milliseconds [NX | XX | GT | LT]"""
    return _expire(engine, args, engine.now, False, "pexpire")


@handles("EXPIREAT")
def expireat(engine: Engine, args: list):
    """EXPIREAT key unix-time-seconds [NX | XX | GT | LT]"""
    return _expire(engine, args, 0, True, "expireat")


@handles("PEXPIREAT")
def pexpireat(engine: Engine, args: list):
    """PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]"""
    return _expire(engine, args, 0, False, "pexpireat")


@cython.cfunc
@cython.exceptval(-3, check=True)
def _expires_at(engine: Engine, key: bytes) -> cython.longlong:
    """Unix ms; -1: never, -2: no such key."""
    return -2 if peek(engine, key) is None else engine.expire_at(key)


@handles("TTL")
def ttl(engine: Engine, args: list):
    """TTL key"""
    at: cython.longlong = _expires_at(engine, args[1])
    return at if at < 0 else (max(at - engine.now, 0) + 500) // 1000


@handles("PTTL")
def pttl(engine: Engine, args: list):
    """PTTL key"""
    at: cython.longlong = _expires_at(engine, args[1])
    return at if at < 0 else max(at - engine.now, 0)


@handles("EXPIRETIME")
def expiretime(engine: Engine, args: list):
    """EXPIRETIME key"""
    at: cython.longlong = _expires_at(engine, args[1])
    return at if at < 0 else at // 1000 + (at % 1000 >= 500)  # at + 500 may be too large


@handles("PEXPIRETIME")
def pexpiretime(engine: Engine, args: list):
    """PEXPIRETIME key"""
    return _expires_at(engine, args[1])


@handles("PERSIST")
def persist(engine: Engine, args: list):
    """PERSIST key"""
    if engine.lookup(args[1]) is None or not engine.persist(args[1]):
        return 0
    engine.changed(args[1], b"persist", GENERIC)
    return 1
