"""HyperLogLog in Redis's own bytes, compiled.

    "HYLL" | encoding (0 dense, 1 sparse) | 3 unused | 8 bytes cached count, LE | registers

Dense: 16384 registers of 6 bits, lowest bits first. Sparse: runs, as opcodes
    00xxxxxx           ZERO   1..64 empty registers
    01xxxxxx yyyyyyyy  XZERO  1..16384 empty registers
    1vvvvvxx           VAL    1..4 registers of value 1..32
The highest bit of the cached count says that it is out of date. A HyperLogLog is a string
value (a bytearray); the functions here change it in place. The estimate is Ertl's ("New
cardinality estimation algorithms for HyperLogLog sketches", 2017), the hash MurmurHash64A.
"""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.libc.math import INFINITY, llround, sqrt
from cython.cimports.libc.stdint import uint64_t
from cython.cimports.libc.string import memcpy

REGISTERS = cython.declare(cython.int, 16384)
HEADER = cython.declare(cython.int, 16)
DENSE_SIZE = 16 + 16384 * 6 // 8


class Corrupt(Exception):
    """The opcodes of a sparse HyperLogLog do not add up."""


def create() -> bytearray:
    """An empty one, sparse."""
    return bytearray(b"HYLL\x01\0\0\0" + bytes(8) + b"\x7f\xff")


def valid(value) -> bool:
    """Whether a string looks like a HyperLogLog."""
    if len(value) < 16 or value[:4] != b"HYLL" or value[4] > 1:
        return False
    return value[4] == 1 or len(value) == DENSE_SIZE


@cython.cfunc
@cython.exceptval(check=False)
def _hash(data: cython.pointer(cython.const[cython.uchar]), size: cython.Py_ssize_t) -> uint64_t:
    m: uint64_t = (cython.cast(uint64_t, 0xC6A4A793) << 32) | 0x5BD1E995
    h: uint64_t = cython.cast(uint64_t, 0xADC83B19) ^ (cython.cast(uint64_t, size) * m)
    k: uint64_t = 0
    at: cython.Py_ssize_t = 0
    rest: cython.Py_ssize_t
    while at + 8 <= size:
        memcpy(cython.address(k), data + at, 8)
        k *= m
        k ^= k >> 47
        k *= m
        h ^= k
        h *= m
        at += 8
    rest = size - at
    if rest:
        while rest > 0:
            rest -= 1
            h ^= cython.cast(uint64_t, data[at + rest]) << (8 * rest)
        h *= m
    h ^= h >> 47
    h *= m
    h ^= h >> 47
    return h


@cython.cfunc
@cython.boundscheck(False)
@cython.wraparound(False)
def _dense_get(value: bytearray, index: cython.int) -> cython.int:
    at: cython.int = HEADER + index * 6 // 8
    shift: cython.int = index * 6 & 7
    found: cython.int = value[at] >> shift
    if shift > 2:
        found |= value[at + 1] << (8 - shift)
    return found & 63


@cython.cfunc
def _dense_raise(value: bytearray, index: cython.int, count: cython.int) -> cython.bint:
    """Set a dense register when that raises it; whether it did."""
    at: cython.int = HEADER + index * 6 // 8
    shift: cython.int = index * 6 & 7
    if _dense_get(value, index) >= count:
        return False
    value[at] = (value[at] & ~(63 << shift) | (count << shift)) & 255
    if shift > 2:
        value[at + 1] = (value[at + 1] & ~(63 >> (8 - shift)) | (count >> (8 - shift))) & 255
    return True


@cython.cfunc
def _zeros(length: cython.int) -> bytes:
    if length > 64:
        return bytes((0x40 | (length - 1) >> 8, (length - 1) & 255))
    return bytes((length - 1,))


@cython.cfunc
def _values(value: cython.int, length: cython.int) -> bytes:
    return bytes((0x80 | (value - 1) << 2 | (length - 1),))


@cython.cfunc
@cython.exceptval(-1, check=True)
def _sparse_raise(value: bytearray, index: cython.int, count: cython.int, most: cython.Py_ssize_t) -> cython.int:
    """Raise a sparse register: 1 when it changed (the value may have become dense), else 0."""
    at: cython.Py_ssize_t = HEADER
    previous: cython.Py_ssize_t = HEADER
    end: cython.Py_ssize_t = len(value)
    first: cython.int = 0
    span: cython.int = 0
    width: cython.int = 1
    op: cython.int = 0
    old: cython.int
    last: cython.int
    scans: cython.int = 5
    new: bytes
    if count > 32:
        to_dense(value)
        return _dense_raise(value, index, count)
    while at < end:
        op = value[at]
        width = 1
        if op & 0x80:
            span = (op & 3) + 1
        elif op & 0x40:
            if at + 1 >= end:
                raise Corrupt()
            span = ((op & 63) << 8 | value[at + 1]) + 1
            width = 2
        else:
            span = op + 1
        if index < first + span:
            break
        previous = at
        at += width
        first += span
    if at >= end:
        raise Corrupt()
    last = first + span - 1
    old = ((op >> 2) & 31) + 1 if op & 0x80 else 0
    if old >= count:
        return 0
    if span == 1:
        new = _values(count, 1)
    elif old:
        new = _values(old, index - first) if index != first else b""
        new += _values(count, 1)
        if index != last:
            new += _values(old, last - index)
    else:
        new = _zeros(index - first) if index != first else b""
        new += _values(count, 1)
        if index != last:
            new += _zeros(last - index)
    if len(new) > width and end + len(new) - width > most:
        to_dense(value)
        return _dense_raise(value, index, count)
    value[at : at + width] = new
    # Neighbours that became equal are joined, as far as the change can have caused it.
    end = len(value)
    at = previous
    while at < end and scans > 0:
        scans -= 1
        op = value[at]
        if not op & 0x80:
            at += 2 if op & 0x40 else 1
            continue
        if at + 1 < end and value[at + 1] & 0x80 and (op ^ value[at + 1]) & 0x7C == 0:
            span = (op & 3) + (value[at + 1] & 3) + 2
            if span <= 4:
                value[at : at + 2] = _values(((op >> 2) & 31) + 1, span)
                end -= 1
                continue
        at += 1
    return 1


def to_dense(value: bytearray):
    """Make a sparse one dense, in place. Corrupt when its opcodes do not add up."""
    registers: bytearray
    dense: bytearray
    i: cython.int
    if value[4] == 0:
        return
    registers = bytearray(16384)
    merge(registers, value)
    dense = bytearray(DENSE_SIZE)
    dense[:16] = value[:16]
    dense[4] = 0
    for i in range(REGISTERS):
        if registers[i]:
            _dense_raise(dense, i, registers[i])
    value[:] = dense


@cython.cfunc
@cython.exceptval(-1, check=True)
def _raise(value: bytearray, index: cython.int, count: cython.int, most: cython.Py_ssize_t) -> cython.int:
    if value[4] == 0:
        return _dense_raise(value, index, count)
    return _sparse_raise(value, index, count, most)


def add(value: bytearray, element: bytes, sparse_max: cython.Py_ssize_t) -> bool:
    """Observe an element; whether a register changed. `sparse_max`: bytes a sparse one may have."""
    h: uint64_t = _hash(
        cython.cast(cython.pointer(cython.const[cython.uchar]), PyBytes_AS_STRING(element)), PyBytes_GET_SIZE(element)
    )
    index: cython.int = h & 16383
    count: cython.int = 1
    h = (h >> 14) | (cython.cast(uint64_t, 1) << 50)
    while h & 1 == 0:
        count += 1
        h >>= 1
    if not _raise(value, index, count, sparse_max):
        return False
    invalidate(value)
    return True


def merge(registers: bytearray, value):
    """Raise 16384 one-byte registers to those of a HyperLogLog. Corrupt."""
    data: bytearray = value if type(value) is bytearray else bytearray(value)
    i: cython.int
    at: cython.Py_ssize_t = HEADER
    end: cython.Py_ssize_t = len(data)
    first: cython.int = 0
    op: cython.int
    found: cython.int
    if data[4] == 0:
        for i in range(REGISTERS):
            found = _dense_get(data, i)
            if found > registers[i]:
                registers[i] = found
        return
    while at < end:
        op = data[at]
        at += 1
        if op & 0x80:
            found = ((op >> 2) & 31) + 1
            if first + (op & 3) >= REGISTERS:
                raise Corrupt()
            for i in range(first, first + (op & 3) + 1):
                if found > registers[i]:
                    registers[i] = found
            first += (op & 3) + 1
        elif op & 0x40:
            if at >= end:
                raise Corrupt()
            first += ((op & 63) << 8 | data[at]) + 1
            at += 1
        else:
            first += op + 1
    if first != REGISTERS:
        raise Corrupt()


def assign(value: bytearray, registers: bytearray, sparse_max: cython.Py_ssize_t):
    """Raise the registers of a HyperLogLog to these."""
    i: cython.int
    for i in range(REGISTERS):
        if registers[i]:
            _raise(value, i, registers[i], sparse_max)
    invalidate(value)


def invalidate(value: bytearray):
    """Say that the cached count is out of date."""
    value[15] |= 0x80


def cached(value) -> int:
    """The cached count, -1 when it is out of date."""
    return -1 if value[15] & 0x80 else int.from_bytes(value[8:16], "little")


def estimate(registers: bytearray) -> int:
    """How many distinct elements these registers have seen, about."""
    histogram: cython.int[64]
    i: cython.int
    m: cython.double = 16384.0
    z: cython.double
    for i in range(64):
        histogram[i] = 0
    for i in range(REGISTERS):
        histogram[registers[i] & 63] += 1
    z = m * _tau((m - histogram[51]) / m)
    for i in range(50, 0, -1):
        z = (z + histogram[i]) * 0.5
    z += m * _sigma(histogram[0] / m)
    return llround(0.721347520444481703680 * m * m / z)


@cython.cfunc
@cython.exceptval(check=False)
def _sigma(x: cython.double) -> cython.double:
    y: cython.double = 1
    z: cython.double = x
    before: cython.double
    if x == 1:
        return INFINITY
    while True:
        x *= x
        before = z
        z += x * y
        y += y
        if z == before:
            return z


@cython.cfunc
@cython.exceptval(check=False)
def _tau(x: cython.double) -> cython.double:
    y: cython.double = 1
    z: cython.double = 1 - x
    before: cython.double
    if x == 0 or x == 1:
        return 0
    while True:
        x = sqrt(x)
        before = z
        y *= 0.5
        z -= (1 - x) * (1 - x) * y
        if z == before:
            return z / 3


def count(value) -> int:
    """The estimate for one HyperLogLog; cached in it when it is a bytearray."""
    known: cython.longlong = cached(value)
    if known >= 0:
        return known
    registers: bytearray = bytearray(16384)
    merge(registers, value)
    known = estimate(registers)
    if type(value) is bytearray:
        value[8:16] = int(known).to_bytes(8, "little")
    return known
