"""GET key, SET key value, INCR key and DECR key from the batch's bytes to the reply's without a Python object, DEL key with one. Compiled.

The commands that a cache lives of, in their plain form and on a key without expiry. Whatever is not that (options,
expiry times, other types, large values, listeners of any kind) is `NOT_DIRECT`: the handlers in
`shard/commands/strings.py` say what these commands mean, and this has to mean the same.
"""

import cython
from cython.cimports.cluster.numbers import string_to_longlong, write_longlong
from cython.cimports.cluster.wire import Buffer, read_number
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.cpython.ref import PyObject
from cython.cimports.libc.string import memcmp
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.entries import DIRECT_DEL, DIRECT_GET, DIRECT_INCR, DIRECT_SET
from cython.cimports.shard.keyspace import Database
from cython.cimports.shard.slot_table import EMBEDDED_LIMIT, Item, SlotTable

from shard.signals import NOTIFIER as _NOTIFIER

NOTIFIER = cython.declare(cython.int, _NOTIFIER)
INT64_MAX = cython.declare(cython.longlong, 0x7FFFFFFFFFFFFFFF)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def strings_of(
    kind: cython.int,
    raw: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
    found: cython.pointer(Strings),
) -> cython.int:
    """Where the key and the value of a whole command are; 0 if it has other arguments than these."""
    at: cython.Py_ssize_t
    length: cython.Py_ssize_t
    letters: cython.int = 4 if kind >= DIRECT_INCR else 3
    if size < 16 or raw[0] != 42 or raw[1] != (51 if kind == DIRECT_SET else 50) or memcmp(raw + 2, b"\r\n$", 3):
        return 0
    at = 10 + letters  # behind the name
    if raw[5] != 48 + letters or raw[6] != 13 or raw[at] != 36:
        return 0
    at += 1
    length = read_number(raw, size, cython.address(at))
    if length < 0 or at + length + 2 > size:
        return 0
    found.key = raw + at
    found.key_size = length
    if kind == DIRECT_SET:
        at += length + 2
        if at >= size or raw[at] != 36:
            return 0
        at += 1
        length = read_number(raw, size, cython.address(at))
        if length < 0 or at + length + 2 > size or length > EMBEDDED_LIMIT:
            return 0
        found.value = raw + at
        found.value_size = length
    return 1


@cython.cfunc
@cython.exceptval(-1, check=True)
def run_direct(
    engine: Engine,
    db: Database,
    kind: cython.int,
    slot: cython.int,
    hash: cython.uint,
    strings: cython.pointer(Strings),
    out: Buffer,
) -> cython.int:
    """Execute it, reply to `out`, and leave `engine.dirty` as its handler would; 0: not done, nothing was changed."""
    table: object = db.slots[slot]
    where: cython.pointer(cython.pointer(Item)) = cython.NULL
    value: cython.pointer(PyObject)
    if engine.track_access or (db.volatile > 0 and db.expires[slot] is not None):
        return 0
    if engine.listening and (kind != DIRECT_GET or engine.listening & NOTIFIER):
        return 0
    if kind != DIRECT_GET and (engine.over_memory or engine.write_error):
        return 0
    if kind == DIRECT_DEL:
        return _delete(engine, db, strings, out)
    if table is None and kind != DIRECT_GET:
        table = db.slots[slot] = SlotTable()
    if kind >= DIRECT_INCR:
        return _add(engine, db, table, hash, strings, 1 if kind == DIRECT_INCR else -1, out)
    if kind == DIRECT_SET:
        db.size += cython.cast(SlotTable, table).put(
            strings.key, strings.key_size, hash, None, strings.value, strings.value_size
        )
        out.append(b"+OK\r\n", 5)
        engine.dirty = 1
        return 1
    if table is not None:
        where = cython.cast(SlotTable, table)._where(strings.key, strings.key_size, hash)
    if where == cython.NULL:
        engine.misses += 1
        if engine.resp == 3:
            out.append(b"_\r\n", 3)
        else:
            out.append(b"$-1\r\n", 5)
        return 1
    if where[0].value & 1:
        out.append_bulk(
            cython.cast(cython.p_char, where[0]) + cython.sizeof(Item) + where[0].key_size, where[0].value >> 1
        )
    else:
        value = cython.cast(cython.pointer(PyObject), where[0].value)
        if type(cython.cast(object, value)) is not bytes:
            return 0
        out.append_bulk(
            PyBytes_AS_STRING(cython.cast(bytes, cython.cast(object, value))),
            PyBytes_GET_SIZE(cython.cast(bytes, cython.cast(object, value))),
        )
    engine.hits += 1
    return 1


@cython.cfunc
@cython.exceptval(-1, check=True)
def _delete(engine: Engine, db: Database, strings: cython.pointer(Strings), out: Buffer) -> cython.int:
    """Remove a key, whatever its value."""
    value: object = db.remove(PyBytes_FromStringAndSize(strings.key, strings.key_size))
    if value is not None:
        if type(value) is not bytes:
            engine.free(value)
        engine.dirty = 1
    out.append_line(58, value is not None)
    return 1


@cython.cfunc
@cython.inline
@cython.exceptval(-1, check=True)
def _add(
    engine: Engine,
    db: Database,
    table: SlotTable,
    hash: cython.uint,
    strings: cython.pointer(Strings),
    delta: cython.longlong,
    out: Buffer,
) -> cython.int:
    """Count up or down; 0: its handler has an error to say."""
    where: cython.pointer(cython.pointer(Item)) = table._where(strings.key, strings.key_size, hash)
    number: cython.longlong = 0
    text: cython.char[24]
    if where != cython.NULL and not (
        where[0].value & 1
        and string_to_longlong(
            cython.cast(cython.p_char, where[0]) + cython.sizeof(Item) + where[0].key_size,
            where[0].value >> 1,
            cython.address(number),
        )
    ):
        return 0
    if number == (INT64_MAX if delta > 0 else -INT64_MAX - 1):
        return 0
    number += delta
    db.size += table.put(strings.key, strings.key_size, hash, None, text, write_longlong(text, number))
    out.append_line(58, number)
    engine.dirty = 1
    return 1
