"""LZF, the compression of long strings in RDB files.

A block is a row of commands. A control byte below 32 says how many bytes, less one, follow
as they are. Any other holds in its upper three bits a length less two (seven: one more byte is
added) and in its lower five the upper bits of a distance less one; the lower eight follow.
"""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.stdlib import free, malloc
from cython.cimports.libc.string import memcpy, memset

HASH_BITS = cython.declare(cython.int, 13)
MIX = cython.declare(cython.uint, 2654435761)  # a variable of C: a number so large, written out, is a Python object
FAR = cython.declare(cython.int, 8192)  # the largest distance
LONGEST = cython.declare(cython.int, 264)  # the longest copy


@cython.ccall
@cython.cdivision(True)
def compress(data: bytes) -> bytes:
    """The compressed form of `data`, or None when it would save less than four bytes."""
    source: cython.pointer(cython.const[cython.uchar]) = cython.cast(
        cython.pointer(cython.const[cython.uchar]), PyBytes_AS_STRING(data)
    )
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(data)
    room: cython.Py_ssize_t = size - 4
    heads: cython.Py_ssize_t[8192]
    out: cython.p_uchar
    at: cython.Py_ssize_t = 0
    to: cython.Py_ssize_t = 1  # out[0] is the first run's control byte
    run: cython.Py_ssize_t = 0  # literals since the last control byte
    seen: cython.Py_ssize_t
    distance: cython.Py_ssize_t
    length: cython.Py_ssize_t
    most: cython.Py_ssize_t
    mixed: cython.uint
    if room <= 0:
        return None
    out = cython.cast(cython.p_uchar, malloc(room + 8))
    if out == cython.NULL:
        raise MemoryError()
    memset(heads, 0xFF, 8192 * cython.sizeof(cython.Py_ssize_t))
    try:
        while at < size:
            length = 0
            if at + 2 < size:
                mixed = (source[at] << 16) | (source[at + 1] << 8) | source[at + 2]
                mixed = (mixed * MIX) >> (32 - HASH_BITS)
                seen = heads[mixed]
                heads[mixed] = at
                distance = at - seen - 1
                if (
                    seen >= 0
                    and distance < FAR
                    and source[seen] == source[at]
                    and source[seen + 1] == source[at + 1]
                    and source[seen + 2] == source[at + 2]
                ):
                    most = size - at if size - at < LONGEST else LONGEST
                    length = 3
                    while length < most and source[seen + length] == source[at + length]:
                        length += 1
            if to + 4 >= room:
                return None
            if length == 0:
                out[to] = source[at]
                to += 1
                at += 1
                run += 1
                if run == 32:
                    out[to - run - 1] = run - 1
                    run = 0
                    to += 1
                continue
            if run > 0:
                out[to - run - 1] = run - 1
                run = 0
            else:
                to -= 1  # the control byte that was kept free is not needed
            if length - 2 < 7:
                out[to] = (distance >> 8) + ((length - 2) << 5)
                to += 1
            else:
                out[to] = (distance >> 8) + (7 << 5)
                out[to + 1] = length - 2 - 7
                to += 2
            out[to] = distance & 0xFF
            to += 2
            at += length
        if run > 0:
            out[to - run - 1] = run - 1
        else:
            to -= 1
        return PyBytes_FromStringAndSize(cython.cast(cython.p_char, out), to)
    finally:
        free(out)


@cython.cfunc
def expand(
    source: cython.pointer(cython.const[cython.uchar]), count: cython.Py_ssize_t, size: cython.Py_ssize_t
) -> bytes:
    """The `size` bytes that `count` compressed ones stand for. ValueError when they do not."""
    # A copy command of three bytes makes at most 264: a larger claim is a lie, not an allocation.
    if size < 0 or size > count * LONGEST:
        raise ValueError("compressed string claims an impossible length")
    result: bytes = PyBytes_FromStringAndSize(cython.NULL, size)
    out: cython.p_uchar = cython.cast(cython.p_uchar, PyBytes_AS_STRING(result))
    at: cython.Py_ssize_t = 0
    to: cython.Py_ssize_t = 0
    length: cython.Py_ssize_t
    back: cython.Py_ssize_t
    i: cython.Py_ssize_t
    while at < count:
        length = source[at]
        at += 1
        if length < 32:
            length += 1
            if at + length > count or to + length > size:
                raise ValueError("compressed string is damaged")
            memcpy(out + to, source + at, length)
            at += length
            to += length
            continue
        back = (length & 31) << 8
        length >>= 5
        if length == 7:
            if at >= count:
                raise ValueError("compressed string is damaged")
            length += source[at]
            at += 1
        if at >= count:
            raise ValueError("compressed string is damaged")
        back = to - back - source[at] - 1
        at += 1
        length += 2
        if back < 0 or to + length > size:
            raise ValueError("compressed string is damaged")
        for i in range(length):  # may overlap: byte by byte
            out[to + i] = out[back + i]
        to += length
    if to != size:
        raise ValueError("compressed string has another length than it says")
    return result


def decompress(data: bytes, size: int) -> bytes:
    """The original of `compress`, `size` bytes long. ValueError when damaged."""
    return expand(
        cython.cast(cython.pointer(cython.const[cython.uchar]), PyBytes_AS_STRING(data)), PyBytes_GET_SIZE(data), size
    )
