"""The nodes of a stream: entries packed one behind the other. Compiled.

    node:  [first id | field names | entry entry entry ...]
    entry: flags, id relative to the node's, length of what follows, values (or fields and values)

All numbers are varints (7 bits a byte, low bits first). The field names of a node's first entry are kept once; an
entry with the same names holds only its values. A deleted entry is marked and stays. Nodes end where Redis's end
(4096 bytes or 100 entries, `set_limits`), so that `MAXLEN ~` removes the same entries as in Redis.
Invariant: the entry at `start` is live.
"""

import cython
from cython.cimports.cluster.numbers import write_unsigned
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.cpython.list import PyList_GET_ITEM
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cython.cimports.libc.string import memcmp, memcpy, memset
from cython.cimports.shard.values.pending import u64
from cython.cimports.shard.values.taker import Taker

LIMITS = cython.declare(cython.longlong[2])
LIMITS[0] = 4096
LIMITS[1] = 100


def set_limits(node_bytes: int, node_entries: int) -> None:
    """stream-node-max-bytes and stream-node-max-entries; 0 means no limit."""
    LIMITS[0] = node_bytes
    LIMITS[1] = node_entries


@cython.cfunc
@cython.exceptval(check=False)
def node_entries() -> cython.longlong:
    """How many entries a node may have, 0 or less: any number."""
    return LIMITS[1]


@cython.cfunc
@cython.exceptval(check=False)
def write_id(to: cython.p_char, ms: u64, seq: u64) -> cython.int:
    """`ms-seq` into ID_ROOM bytes; how many it took."""
    count: cython.int = write_unsigned(to, ms)
    to[count] = 45
    return count + 1 + write_unsigned(to + count + 1, seq)


@cython.ccall
def id_text(ms: u64, seq: u64) -> bytes:
    """`ms-seq`"""
    text: cython.char[ID_ROOM]
    count: cython.int = write_id(text, ms, seq)
    return PyBytes_FromStringAndSize(text, count)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _number(data: cython.pointer(cython.uchar), at: cython.p_uint) -> u64:
    """Read a varint and step over it."""
    value: u64 = 0
    shift: cython.int = 0
    part: cython.uchar
    while True:
        part = data[at[0]]
        at[0] += 1
        value |= cython.cast(u64, part & 127) << shift
        if part < 128:
            return value
        shift += 7


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _put(data: cython.pointer(cython.uchar), at: cython.uint, value: u64) -> cython.uint:
    """Write a varint; the offset after it."""
    while value > 127:
        data[at] = cython.cast(cython.uchar, (value & 127) | 128)
        at += 1
        value >>= 7
    data[at] = cython.cast(cython.uchar, value)
    return at + 1


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _width(value: u64) -> cython.uint:
    width: cython.uint = 1
    while value > 127:
        value >>= 7
        width += 1
    return width


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _size(fields: list, i: cython.Py_ssize_t) -> cython.Py_ssize_t:
    return PyBytes_GET_SIZE(cython.cast(bytes, PyList_GET_ITEM(fields, i)))


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _copy(node: cython.pointer(Node), at: cython.uint, fields: list, i: cython.Py_ssize_t) -> cython.uint:
    """Put a length and so many bytes; the offset after them."""
    size: cython.Py_ssize_t = _size(fields, i)
    at = _put(node.data, at, size)
    memcpy(node.data + at, PyBytes_AS_STRING(cython.cast(bytes, PyList_GET_ITEM(fields, i))), size)
    return at + cython.cast(cython.uint, size)


@cython.cfunc
@cython.exceptval(check=False)
def read_entry(node: cython.pointer(Node), at: cython.uint, entry: cython.pointer(Entry)) -> cython.void:
    """Decode the head of the entry at an offset."""
    delta: u64
    size: u64
    entry.flags = node.data[at]
    at += 1
    delta = _number(node.data, cython.address(at))
    entry.ms = node.ms + delta
    entry.seq = _number(node.data, cython.address(at))
    if delta == 0:
        entry.seq += node.seq
    size = _number(node.data, cython.address(at))
    entry.body = at
    entry.next = at + cython.cast(cython.uint, size)


@cython.cfunc
@cython.exceptval(-1, check=False)
def _need(node: cython.pointer(Node), extra: cython.Py_ssize_t) -> cython.int:
    """Make room for `extra` bytes at a node's end."""
    wanted: cython.Py_ssize_t = node.used + extra
    pointer: cython.p_void
    if wanted <= node.room:
        return 0
    wanted += node.used // 2
    pointer = PyMem_Realloc(node.data, wanted)
    if pointer == cython.NULL:
        raise MemoryError
    node.data = cython.cast(cython.pointer(cython.uchar), pointer)
    node.room = cython.cast(cython.uint, wanted)
    return 0


@cython.cfunc
@cython.exceptval(check=True)
def new_node(ms: u64, seq: u64, fields: list, first: cython.Py_ssize_t) -> cython.pointer(Node):
    """An empty node whose shared names are those of fields[first:] = [field, value, ...]."""
    i: cython.Py_ssize_t = first
    node: cython.pointer(Node) = cython.cast(cython.pointer(Node), PyMem_Malloc(cython.sizeof(Node)))
    if node == cython.NULL:
        raise MemoryError
    memset(node, 0, cython.sizeof(Node))
    node.ms = ms
    node.seq = seq
    node.fields = cython.cast(cython.uint, (len(fields) - first) // 2)
    try:
        while i < len(fields):
            _need(node, _size(fields, i) + 10)
            node.used = _copy(node, node.used, fields, i)
            i += 2
    except MemoryError:
        free_node(node)
        raise
    node.start = node.used
    return node


@cython.cfunc
@cython.exceptval(check=False)
def free_node(node: cython.pointer(Node)) -> cython.void:
    PyMem_Free(node.data)
    PyMem_Free(node)


@cython.cfunc
@cython.exceptval(check=False)
def trim_node(node: cython.pointer(Node)) -> cython.void:
    """Nothing more will come: give back what it does not need."""
    pointer: cython.p_void = PyMem_Realloc(node.data, node.used)
    if pointer != cython.NULL:
        node.data = cython.cast(cython.pointer(cython.uchar), pointer)
        node.room = node.used


@cython.cfunc
@cython.exceptval(check=False)
def node_fits(node: cython.pointer(Node), fields: list, first: cython.Py_ssize_t) -> cython.bint:
    """Whether another entry goes into this node."""
    size: cython.Py_ssize_t = 0
    i: cython.Py_ssize_t
    if LIMITS[1] > 0 and node.total >= LIMITS[1]:
        return False
    for i in range(first, len(fields)):
        size += _size(fields, i)
    if size > (1 << 29):
        return False
    return LIMITS[0] <= 0 or node.used + size < LIMITS[0]


@cython.cfunc
@cython.exceptval(check=False)
def _same_fields(node: cython.pointer(Node), fields: list, first: cython.Py_ssize_t) -> cython.bint:
    at: cython.uint = 0
    i: cython.Py_ssize_t = first
    size: u64
    if cython.cast(cython.Py_ssize_t, node.fields) != (len(fields) - first) // 2:
        return False
    while i < len(fields):
        size = _number(node.data, cython.address(at))
        if size != cython.cast(u64, _size(fields, i)):
            return False
        if memcmp(node.data + at, PyBytes_AS_STRING(cython.cast(bytes, PyList_GET_ITEM(fields, i))), size) != 0:
            return False
        at += cython.cast(cython.uint, size)
        i += 2
    return True


@cython.cfunc
@cython.exceptval(-1, check=False)
def node_append(
    node: cython.pointer(Node), ms: u64, seq: u64, fields: list, first: cython.Py_ssize_t
) -> cython.int:
    """Add an entry with fields[first:] = [field, value, ...], byte strings; its id must be above the last one."""
    same: cython.bint = _same_fields(node, fields, first)
    step: cython.Py_ssize_t = 2 if same else 1
    count: cython.Py_ssize_t = (len(fields) - first) // 2
    size: cython.Py_ssize_t = 0 if same else _width(count)
    i: cython.Py_ssize_t
    at: cython.uint
    first += same
    i = first
    while i < len(fields):
        size += _size(fields, i) + _width(_size(fields, i))
        i += step
    _need(node, size + 40)
    at = node.used
    node.data[at] = SAME_FIELDS if same else 0
    at = _put(node.data, at + 1, ms - node.ms)
    at = _put(node.data, at, seq if ms != node.ms else seq - node.seq)
    at = _put(node.data, at, size)
    if not same:
        at = _put(node.data, at, count)
    i = first
    while i < len(fields):
        at = _copy(node, at, fields, i)
        i += step
    node.used = at
    node.total += 1
    node.live += 1
    node.last_ms = ms
    node.last_seq = seq
    return 0


@cython.cfunc
@cython.exceptval(-1, check=False)
def give_fields(node: cython.pointer(Node), entry: cython.pointer(Entry), taker: Taker) -> cython.int:
    """Give the list of an entry's fields and values."""
    same: cython.bint = entry.flags & SAME_FIELDS
    names: cython.uint = 0
    at: cython.uint = entry.body
    size: cython.uint
    left: u64 = node.fields if same else _number(node.data, cython.address(at))
    taker.open(2 * left)
    while left:
        if same:
            size = cython.cast(cython.uint, _number(node.data, cython.address(names)))
            taker.text(cython.cast(cython.p_char, node.data + names), size)
            names += size
        else:
            size = cython.cast(cython.uint, _number(node.data, cython.address(at)))
            taker.text(cython.cast(cython.p_char, node.data + at), size)
            at += size
        size = cython.cast(cython.uint, _number(node.data, cython.address(at)))
        taker.text(cython.cast(cython.p_char, node.data + at), size)
        at += size
        left -= 1
    return taker.close()
