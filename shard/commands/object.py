"""OBJECT and MEMORY USAGE: what a value looks like inside."""

from __future__ import annotations

import sys
from typing import Any

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_int, try_int
from shard import slot_table
from shard.commands.generic import peek
from shard.registry import handles

EMBEDDED_MAX = 44  # bytes; longer strings are "raw" in Redis
SHARED_INTEGERS = 10_000
SHARED_REFCOUNT = 2**31 - 1
ITEM_BYTES = 16 + 12  # in a slot's table: the item's head, and its part of a bucket at the usual load


def encoding(engine: Any, value: Any) -> bytes:
    """Redis's name for the form of a value."""
    if isinstance(value, bytearray):
        return b"raw"
    if isinstance(value, bytes):
        if try_int(value) is not None:
            return b"int"
        return b"embstr" if len(value) <= EMBEDDED_MAX else b"raw"
    return value.encoding(engine.config)


def memory_of(key: bytes, value: Any) -> int:
    """Bytes that a key and its value take, containers included."""
    if isinstance(value, bytes) and len(value) <= slot_table.EMBEDDED_MAX:
        return ITEM_BYTES + len(key) + len(value)
    return ITEM_BYTES + len(key) + (sys.getsizeof(value) if isinstance(value, (bytes, bytearray)) else value.memory())


@handles("OBJECT|ENCODING")
def object_encoding(engine: Any, args: list[bytes]) -> Any:
    """OBJECT ENCODING key"""
    value = peek(engine, args[2])
    return None if value is None else encoding(engine, value)


@handles("OBJECT|REFCOUNT")
def object_refcount(engine: Any, args: list[bytes]) -> Any:
    """OBJECT REFCOUNT key: small integers count as shared, as in Redis."""
    value = peek(engine, args[2])
    if value is None:
        return None
    number = try_int(value) if isinstance(value, bytes) else None
    return SHARED_REFCOUNT if number is not None and 0 <= number < SHARED_INTEGERS else 1


@handles("OBJECT|IDLETIME")
def object_idletime(engine: Any, args: list[bytes]) -> Any:
    """OBJECT IDLETIME key: seconds since the last access."""
    if peek(engine, args[2]) is None:
        return None
    if engine.access.lfu:
        raise CommandError(errors.LFU_NO_IDLE)
    return engine.access.idle_ms(engine, args[2]) // 1000


@handles("OBJECT|FREQ")
def object_freq(engine: Any, args: list[bytes]) -> Any:
    """OBJECT FREQ key: the logarithmic counter of accesses."""
    if peek(engine, args[2]) is None:
        return None
    if not engine.access.lfu:
        raise CommandError(errors.NO_LFU)
    return engine.access.frequency(engine, args[2])


@handles("MEMORY|USAGE")
def memory_usage(engine: Any, args: list[bytes]) -> Any:
    """MEMORY USAGE key [SAMPLES count]: counted whole, so SAMPLES is only checked."""
    if len(args) not in (3, 5) or (len(args) == 5 and args[3].upper() != b"SAMPLES"):
        raise errors.syntax_error()
    if len(args) == 5 and parse_int(args[4]) < 0:
        raise errors.syntax_error()
    value = engine.db.get(args[2])  # even if its time has come, until it is deleted
    return None if value is None else memory_of(args[2], value)
