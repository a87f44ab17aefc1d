"""BITFIELD: integers of 1 to 64 bits at any bit of a string."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_int, try_int
from shard.commands.bitmaps import bit_offset, writable_bits
from shard.registry import handles
from shard.signals import N_STRING


@dataclass(slots=True)
class Operation:
    """One GET, SET or INCRBY. bits: 1..64; offset: of the first bit; value: of SET and INCRBY."""

    name: bytes
    signed: bool
    bits: int
    offset: int
    overflow: bytes
    value: int = 0

    def bounds(self) -> tuple[int, int]:
        if self.signed:
            return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        return 0, (1 << self.bits) - 1


@handles("BITFIELD")
def bitfield(engine: Any, args: list[bytes]) -> Any:
    """BITFIELD key [GET encoding offset | [OVERFLOW WRAP | SAT | FAIL] SET|INCRBY encoding offset value] ..."""
    return _run(engine, args[1], _parse(engine, args, read_only=False))


@handles("BITFIELD_RO")
def bitfield_ro(engine: Any, args: list[bytes]) -> Any:
    """BITFIELD_RO key [GET encoding offset ...]"""
    return _run(engine, args[1], _parse(engine, args, read_only=True))


def _parse(engine: Any, args: list[bytes], read_only: bool) -> list[Operation]:
    operations = []
    overflow = b"WRAP"
    at = 2
    while at < len(args):
        name = args[at].upper()
        left = len(args) - at - 1
        if name == b"OVERFLOW" and left >= 1:
            overflow = args[at + 1].upper()
            if overflow not in (b"WRAP", b"SAT", b"FAIL"):
                raise CommandError(errors.BITFIELD_OVERFLOW)
            at += 2
            continue
        if not (name == b"GET" and left >= 2) and not (name in (b"SET", b"INCRBY") and left >= 3):
            raise errors.syntax_error()
        signed, bits = _encoding(args[at + 1])
        operation = Operation(name, signed, bits, bit_offset(engine, args[at + 2], bits), overflow)
        if name != b"GET":
            operation.value = parse_int(args[at + 3])
        operations.append(operation)
        at += 3 if name == b"GET" else 4
    if read_only and any(operation.name != b"GET" for operation in operations):
        raise CommandError(errors.BITFIELD_READONLY)
    return operations


def _encoding(raw: bytes) -> tuple[bool, int]:
    """(signed, bits) of i1..i64, u1..u63."""
    bits = try_int(raw[1:])
    if raw[:1] not in (b"i", b"u") or bits is None or not 1 <= bits <= (64 if raw[:1] == b"i" else 63):
        raise CommandError(errors.BITFIELD_TYPE)
    return raw[:1] == b"i", bits


def _read(value: bytes | bytearray, operation: Operation) -> int:
    first, end = operation.offset >> 3, (operation.offset + operation.bits + 7) >> 3
    window = bytes(value[first:end]).ljust(end - first, b"\0")
    number = int.from_bytes(window, "big") >> (end * 8 - operation.offset - operation.bits)
    number &= (1 << operation.bits) - 1
    if operation.signed and number >> (operation.bits - 1):
        number -= 1 << operation.bits
    return number


def _write(value: bytearray, operation: Operation, number: int) -> None:
    first, end = operation.offset >> 3, (operation.offset + operation.bits + 7) >> 3
    shift = end * 8 - operation.offset - operation.bits
    mask = ((1 << operation.bits) - 1) << shift
    window = int.from_bytes(value[first:end], "big") & ~mask | (number << shift & mask)
    value[first:end] = window.to_bytes(end - first, "big")


INT64_MAX = (1 << 63) - 1


def _fitted(operation: Operation, number: int) -> int | None:
    """The number as it fits the field under the overflow rule, None when FAIL forbids it."""
    low, high = operation.bounds()
    if low <= number <= high:
        return number
    if operation.overflow == b"FAIL":
        return None
    if operation.overflow == b"SAT":
        # Redis computes high - number in 64 bits: so far below the field counts as above it.
        beyond = operation.name == b"SET" and operation.bits < 64 and number < high - INT64_MAX
        return high if number > high or beyond else low
    number &= (1 << operation.bits) - 1
    return number - (1 << operation.bits) if operation.signed and number > high else number


def _run(engine: Any, key: bytes, operations: list[Operation]) -> list[int | None]:
    writes = [operation for operation in operations if operation.name != b"GET"]
    if not writes:
        engine.reading = True
        value = engine.typed(key, (bytes, bytearray)) or b""
        return [_read(value, operation) for operation in operations]
    last_bit = max(operation.offset + operation.bits - 1 for operation in writes)
    bits, grown = writable_bits(engine, key, last_bit)
    replies: list[int | None] = []
    changes = 0
    for operation in operations:
        before = _read(bits, operation)
        if operation.name == b"GET":
            replies.append(before)
            continue
        if operation.name == b"INCRBY":
            wanted = before + operation.value
        else:  # an unsigned field takes a negative value as its 64-bit pattern
            wanted = operation.value if operation.signed else operation.value & ((1 << 64) - 1)
        number = _fitted(operation, wanted)
        if number is None:
            replies.append(None)
            continue
        _write(bits, operation, number)
        changes += grown or number != before
        replies.append(number if operation.name == b"INCRBY" else before)
    if changes:
        engine.changed(key, b"setbit", N_STRING, changes)
    elif grown:  # for writes that FAIL forbade: Redis tells nobody, but a replica has to grow the string too
        engine.noted(key, b"setbit", 0)
    return replies
