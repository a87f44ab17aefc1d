"""Bitmap commands: strings seen as arrays of bits, the first bit the highest of byte 0. Compiled."""

import cython
from cython.cimports.shard.engine import Engine

from cluster import errors
from cluster.errors import CommandError
from cluster.numbers import parse_int, try_int
from shard.registry import handles
from shard.signals import N_GENERIC, N_STRING

CHUNK = 1 << 16


def bit_offset(engine, raw: bytes, width: int = 0) -> int:
    """A bit offset; `#n` counts in units of `width` bits when that is given."""
    scaled = width > 0 and raw.startswith(b"#")
    offset = try_int(raw[1:] if scaled else raw)
    if offset is not None and scaled:
        offset *= width
    if offset is None or offset < 0 or offset >> 3 >= engine.config.get("proto-max-bulk-len", 536870912):
        raise CommandError(errors.BIT_OFFSET)
    return offset


def writable_bits(engine: Engine, key: bytes, last_bit: cython.longlong) -> tuple:
    """(the string as a bytearray that reaches `last_bit`, whether it was made or grew)."""
    value = engine.typed(key, (bytes, bytearray))
    need: cython.longlong = (last_bit >> 3) + 1
    grown: cython.bint = value is None or len(value) < need
    if type(value) is not bytearray:
        value = bytearray() if value is None else bytearray(value)
        engine.put(key, value)
    if grown:
        value.extend(bytes(need - len(value)))
    return value, grown


@handles("SETBIT")
def setbit(engine: Engine, args: list):
    """SETBIT key offset value"""
    offset: cython.longlong = bit_offset(engine, args[2])
    if args[3] != b"0" and args[3] != b"1":
        raise CommandError(errors.BIT_VALUE)
    on: cython.int = args[3] == b"1"
    shift: cython.int = 7 - (offset & 7)
    bits, grown = writable_bits(engine, args[1], offset)
    before: cython.int = bits[offset >> 3]
    old: cython.int = (before >> shift) & 1
    if old != on:
        bits[offset >> 3] = before ^ (1 << shift)
    if grown or old != on:
        engine.changed(args[1], b"setbit", N_STRING)
    return old


@handles("GETBIT")
def getbit(engine: Engine, args: list):
    """GETBIT key offset"""
    offset: cython.longlong = bit_offset(engine, args[2])
    value = engine.typed(args[1], (bytes, bytearray))
    if value is None or offset >> 3 >= len(value):
        return 0
    return (value[offset >> 3] >> (7 - (offset & 7))) & 1


def _unit(raw: bytes) -> bool:
    """Whether a range is in bits: the BYTE | BIT argument."""
    unit = raw.upper()
    if unit not in (b"BIT", b"BYTE"):
        raise errors.syntax_error()
    return unit == b"BIT"


def _clamped(start: int, end: int, size: int) -> tuple:
    """A range with negative ends counted from the end, cut to 0..size-1."""
    if start < 0:
        start = max(size + start, 0)
    if end < 0:
        end = max(size + end, 0)
    return start, min(end, size - 1)


@handles("BITCOUNT")
def bitcount(engine: Engine, args: list):
    """BITCOUNT key [start end [BYTE | BIT]]"""
    start, end, in_bits = 0, -1, False
    if len(args) in (4, 5):
        start, end = parse_int(args[2]), parse_int(args[3])
        in_bits = len(args) == 5 and _unit(args[4])
    elif len(args) != 2:
        raise errors.syntax_error()
    value = engine.typed(args[1], (bytes, bytearray))
    if value is None or (start < 0 and end < 0 and start > end):
        return 0
    start, end = _clamped(start, end, len(value) * 8 if in_bits else len(value))
    if start > end:
        return 0
    if not in_bits:
        start, end = start * 8, end * 8 + 7
    view = memoryview(value)
    total = 0
    for at in range(start >> 3, (end >> 3) + 1, CHUNK):
        total += int.from_bytes(view[at : min(at + CHUNK, (end >> 3) + 1)], "big").bit_count()
    total -= (value[start >> 3] >> (8 - (start & 7))).bit_count()
    return total - (value[end >> 3] & ((1 << (7 - (end & 7))) - 1)).bit_count()


@cython.cfunc
def _find(value: object, bit: cython.int, first: cython.longlong, last: cython.longlong) -> cython.longlong:
    """The first bit of that value in first..last, or -1."""
    view: cython.const[cython.uchar][:] = value
    at: cython.longlong = first
    skip: cython.uchar = 0 if bit else 255
    while at <= last:
        if at & 7 == 0:
            while at <= last and view[at >> 3] == skip:
                at += 8
            if at > last:
                return -1
        if (view[at >> 3] >> (7 - (at & 7))) & 1 == bit:
            return at
        at += 1
    return -1


@handles("BITPOS")
def bitpos(engine: Engine, args: list):
    """BITPOS key bit [start [end [BYTE | BIT]]]"""
    start, end, in_bits = 0, -1, False
    bit = parse_int(args[2])
    if bit not in (0, 1):
        raise CommandError(errors.BIT_ARGUMENT)
    if len(args) > 6:
        raise errors.syntax_error()
    if len(args) > 3:
        start = parse_int(args[3])
    if len(args) > 4:
        in_bits = len(args) == 6 and _unit(args[5])
        end = parse_int(args[4])
    value = engine.typed(args[1], (bytes, bytearray))
    if value is None:
        return -1 if bit else 0
    start, end = _clamped(start, end, len(value) * 8 if in_bits else len(value))
    if start > end:
        return -1
    if not in_bits:
        start, end = start * 8, end * 8 + 7
    found = _find(value, bit, start, end)
    # Without an end the string counts as followed by clear bits.
    return len(value) * 8 if found < 0 and bit == 0 and len(args) < 5 else found


@handles("BITOP")
def bitop(engine: Engine, args: list):
    """BITOP AND | OR | XOR | NOT destkey key [key ...]"""
    operation = args[1].upper()
    if operation not in (b"AND", b"OR", b"XOR", b"NOT"):
        raise errors.syntax_error()
    if operation == b"NOT" and len(args) != 4:
        raise CommandError(errors.BITOP_NOT)
    values = [engine.typed(key, (bytes, bytearray)) or b"" for key in args[3:]]
    size = max(map(len, values))
    # Little-endian: what a shorter string lacks at its end are then high zeros.
    numbers = [int.from_bytes(value, "little") for value in values]
    result = numbers[0]
    if operation == b"NOT":
        result ^= (1 << (8 * size)) - 1
    for number in numbers[1:]:
        if operation == b"AND":
            result &= number
        elif operation == b"OR":
            result |= number
        else:
            result ^= number
    if size:
        engine.overwrite(args[2], result.to_bytes(size, "little"))
        engine.changed(args[2], b"set", N_STRING)
    elif engine.delete(args[2]):
        engine.changed(args[2], b"del", N_GENERIC)
    return size
