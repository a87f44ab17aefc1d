"""Packed records (cluster/records.py), made and read where operations commit. Compiled."""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcpy


def record_head(record: tuple, members: cython.ushort) -> bytes:
    """How a packed record begins (cluster/records.py)."""
    head: cython.char[22]
    epoch: cython.ulonglong = record[0]
    sequence: cython.ulonglong = record[1]
    memcpy(head, cython.cast(cython.p_char, b"EXR1"), 4)
    memcpy(cython.address(head[4]), cython.address(epoch), 8)
    memcpy(cython.address(head[12]), cython.address(sequence), 8)
    memcpy(cython.address(head[20]), cython.address(members), 2)
    return PyBytes_FromStringAndSize(head, 22)


def record_end(made_ms: cython.ulonglong) -> bytes:
    """How it ends."""
    return PyBytes_FromStringAndSize(cython.cast(cython.p_char, cython.address(made_ms)), 8)


def part_head(shard: cython.ushort, entries: bytes) -> bytes:
    """How a participant's part of a packed record begins."""
    head: cython.char[6]
    size: cython.uint = cython.cast(cython.uint, PyBytes_GET_SIZE(entries))
    memcpy(head, cython.address(shard), 2)
    memcpy(cython.address(head[2]), cython.address(size), 4)
    return PyBytes_FromStringAndSize(head, 6)


def members_of(parts: bytes) -> list:
    """The shards of a packed record's parts."""
    data: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(parts)
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(parts)
    at: cython.Py_ssize_t = 0
    shard: cython.ushort = 0
    length: cython.uint = 0
    found: list = []
    while at + 6 <= size:
        memcpy(cython.address(shard), data + at, 2)
        memcpy(cython.address(length), data + at + 2, 4)
        found.append(shard)
        at += 6 + length
    return found
