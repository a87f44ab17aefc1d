"""The command table as the scanner reads it: a name's bytes to a row of numbers, compiled.

Rows are C structs in an open hash table; names compare in any case. What the numbers mean is in `router/paths.py`.
"""

import cython
from cython.cimports.cluster.wire import read_number, slot_of_bytes
from cython.cimports.cpython.bytes import PyBytes_AS_STRING
from cython.cimports.libc.string import memcpy, memset

from cluster.command_table import BY_ID
from cluster.command_table.model import F, Range
from router import paths

NAMES = cython.declare(cython.int, 2048)
ROWS = cython.declare(Row[2048])


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _hash(name: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.uint:
    value: cython.uint = 2166136261
    i: cython.Py_ssize_t
    for i in range(size):
        value = (value ^ (cython.cast(cython.uchar, name[i]) & 0xDF)) * 16777619
    return value


def _fill():
    at: cython.uint
    memset(cython.address(ROWS[0]), 0, cython.sizeof(Row) * NAMES)
    for row in BY_ID:
        if "|" in row.name or len(row.name) > 24:
            continue
        name: bytes = row.name.encode()
        at = _hash(PyBytes_AS_STRING(name), len(name)) & (NAMES - 1)
        while ROWS[at].size:
            at = (at + 1) & (NAMES - 1)
        ROWS[at].size = len(name)
        ROWS[at].id = row.id
        ROWS[at].arity = row.arity
        ROWS[at].path = paths.path_of(row)
        ROWS[at].key = row.keys.first if isinstance(row.keys, Range) else getattr(row.keys, "at", 1)
        ROWS[at].script = paths.script_of(row)
        ROWS[at].write = bool(row.flags & F.WRITE)
        memcpy(cython.address(ROWS[at].name[0]), PyBytes_AS_STRING(name), len(name))


_fill()


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def find(name: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.pointer(Row):
    """The row of a command's name in any case, NULL if there is none."""
    at: cython.uint
    i: cython.Py_ssize_t
    c: cython.char
    if size > 24 or size <= 0:
        return cython.NULL
    at = _hash(name, size) & (NAMES - 1)
    while ROWS[at].size:
        if ROWS[at].size == size:
            i = 0
            while i < size:
                c = name[i]
                if 97 <= c <= 122:
                    c -= 32
                if c != ROWS[at].name[i]:
                    break
                i += 1
            if i == size:
                return cython.address(ROWS[at])
        at = (at + 1) & (NAMES - 1)
    return cython.NULL


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def is_word(
    text: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
    word: cython.pointer(cython.const[cython.char]),
    length: cython.Py_ssize_t,
) -> cython.bint:
    """Whether an argument is a word (given in upper case letters) in any case."""
    i: cython.Py_ssize_t
    if size != length:
        return False
    for i in range(size):
        if text[i] & 0xDF != word[i]:
            return False
    return True


@cython.cfunc
@cython.exceptval(check=False)
def one_stream_shard(
    data: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
    argc: cython.Py_ssize_t,
    owner: cython.pointer(cython.short),
    shards: cython.int,
) -> cython.int:
    """The one shard that can answer XREAD or XREADGROUP at once; -1: it may block, or has streams of several. owner: for
    each slot its shard."""
    at: cython.Py_ssize_t = 1
    length: cython.Py_ssize_t
    i: cython.Py_ssize_t
    skip: cython.Py_ssize_t = 1  # the name
    read_number(data, size, cython.address(at))
    for i in range(argc):
        at += 1
        length = read_number(data, size, cython.address(at))
        if skip > 0:
            skip -= 1
        elif is_word(data + at, length, b"BLOCK", 5):
            return -1
        elif is_word(data + at, length, b"GROUP", 5):
            skip = 2
        elif is_word(data + at, length, b"STREAMS", 7):
            if shards == 1:
                return 0
            if argc - i != 3:
                return -1
            at += length + 3
            length = read_number(data, size, cython.address(at))
            return owner[slot_of_bytes(cython.cast(cython.pointer(cython.const[cython.uchar]), data + at), length)]
        at += length + 2
    return -1
