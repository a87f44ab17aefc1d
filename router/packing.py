"""Packed records (cluster/records.py), made and read where operations commit. Compiled."""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcpy


@cython.cfunc
@cython.exceptval(check=False)
def begin_record(
    to: cython.p_char, epoch: cython.ulonglong, sequence: cython.ulonglong, parts: cython.ushort
) -> cython.p_char:
    """A record's head (cluster/records.py), of RECORD_HEAD bytes; where its first part begins."""
    memcpy(to, b"EXR1", 4)
    memcpy(to + 4, cython.address(epoch), 8)
    memcpy(to + 12, cython.address(sequence), 8)
    memcpy(to + 20, cython.address(parts), 2)
    return to + RECORD_HEAD


@cython.cfunc
@cython.exceptval(check=False)
def begin_part(to: cython.p_char, shard: cython.ushort, size: cython.uint) -> cython.p_char:
    """A part's head, of PART_HEAD bytes; where its entries begin."""
    memcpy(to, cython.address(shard), 2)
    memcpy(to + 2, cython.address(size), 4)
    return to + PART_HEAD


@cython.cfunc
@cython.exceptval(check=False)
def end_record(to: cython.p_char, made_ms: cython.ulonglong) -> cython.void:
    """A record's end, of RECORD_END bytes: when it was made, unix ms."""
    memcpy(to, cython.address(made_ms), 8)


@cython.cfunc
def packed_record(
    epoch: cython.ulonglong, sequence: cython.ulonglong, members: cython.ushort, parts: bytes, made_ms: cython.ulonglong
) -> bytes:
    """A record of parts that are packed already."""
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(parts)
    blob: bytes = PyBytes_FromStringAndSize(cython.NULL, RECORD_HEAD + size + RECORD_END)
    at: cython.p_char = begin_record(PyBytes_AS_STRING(blob), epoch, sequence, members)
    memcpy(at, PyBytes_AS_STRING(parts), size)
    end_record(at + size, made_ms)
    return blob


def part_head(shard: cython.ushort, entries: bytes) -> bytes:
    """How a participant's part of a packed record begins."""
    head: cython.char[PART_HEAD]
    begin_part(head, shard, cython.cast(cython.uint, PyBytes_GET_SIZE(entries)))
    return PyBytes_FromStringAndSize(head, PART_HEAD)


@cython.ccall
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
