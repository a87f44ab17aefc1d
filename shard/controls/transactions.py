"""SHARD.TXN and SHARD.RECORD: several commands at one point of the link's order. Compiled."""

import logging

import cython
from cython.cimports.cluster.wire import Buffer, encode, slot_of_bytes, split_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcpy
from cython.cimports.shard.direct import Strings, run_direct, strings_of
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.entries import Entry
from cython.cimports.shard.key_hash import hash_of

from cluster import records
from cluster.errors import CommandError
from cluster.replies import NIL_ARRAY, Raw
from cluster.wire import command
from shard.holds import own_part
from shard.registry import handles
from shard.signals import STAGED, Block

LISTEN_STAGED = cython.declare(cython.int, STAGED)
log = logging.getLogger("elixircache.shard")


def run_entries(engine: Engine, entries: bytes) -> bytes:
    """Run packed entries one after the other; their replies as a RESP array.

    A failing command does not undo the others; blocking ones do not block.
    """
    data: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(entries)
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(entries)
    at: cython.Py_ssize_t = 0
    count: cython.Py_ssize_t = 0
    length: cython.uint = 0
    command_id: cython.ushort = 0
    out: Buffer = Buffer(256)
    db: object = engine.db
    while at + 12 <= size:
        memcpy(cython.address(length), data + at, 4)
        count += 1
        at += 12 + length
    out.append_line(42, count)
    at = 0
    while at + 12 <= size:
        memcpy(cython.address(length), data + at, 4)
        memcpy(cython.address(command_id), data + at + 4, 2)
        engine.db = engine.dbs[cython.cast(cython.uchar, data[at + 6])]
        engine.resp = 3 if data[at + 7] & 1 else 2
        engine.replaying = data[at + 7] & 32
        at += 12
        _run_one(engine, engine.entries[command_id], out, data + at, length)
        at += length
    engine.db = db
    engine.replaying = False
    return out.take()


@cython.cfunc
@cython.exceptval(-1, check=True)
def _run_direct(
    engine: Engine,
    entry: Entry,
    out: Buffer,
    raw: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
) -> cython.int:
    """The same for GET and SET in their plain form (shard/direct.py); 0: not done."""
    strings: Strings
    before: cython.longlong = engine.dirty
    done: cython.int
    if not strings_of(entry.direct, raw, size, cython.address(strings)):
        return 0
    engine.dirty = 0
    done = run_direct(
        engine,
        engine.db,
        entry.direct,
        slot_of_bytes(cython.cast(cython.pointer(cython.const[cython.uchar]), strings.key), strings.key_size),
        hash_of(strings.key, strings.key_size),
        cython.address(strings),
        out,
    )
    if engine.dirty:
        engine.unit.append((engine.db.index, PyBytes_FromStringAndSize(raw, size)))
        engine.changes += 1
    engine.dirty += before
    entry.calls += done
    return done


@cython.cfunc
@cython.exceptval(-1, check=True)
def _run_one(
    engine: Engine,
    entry: Entry,
    out: Buffer,
    raw: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
) -> cython.int:
    """One command of a unit: its reply goes to `out`, its effects join the unit."""
    mark: cython.Py_ssize_t = out.size
    resp: cython.int = engine.resp
    if entry.direct and not engine.listening & LISTEN_STAGED and _run_direct(engine, entry, out, raw, size):
        return 0
    try:
        encode(out, engine.call_raw(entry, split_command(raw, size), PyBytes_FromStringAndSize(raw, size)), resp)
    except CommandError as error:
        out.size = mark
        encode(out, error, resp)
    except Block as block:
        out.size = mark
        encode(out, block.denied, resp)
    except Exception as error:
        # A bug of ours: the other commands of the unit still have to be answered.
        log.exception("command %r failed", raw[: min(size, 64)])
        out.size = mark
        encode(out, CommandError(f"ERR internal error: {type(error).__name__}: {error}"), resp)
    return 0


@handles("SHARD.TXN")
def txn(engine: Engine, args: list) -> object:
    """SHARD.TXN watcher E entries | watcher R record

    watcher: the client whose watched keys must be untouched, or empty. The reply is an array
    of the entries' replies, or a null array when a watched key was touched.
    """
    _, watcher, kind, payload = args
    engine.no_effect()  # what its entries change is in the unit
    if watcher and engine.watching.dirty(engine, int(watcher)):
        engine.watching.forget(engine, int(watcher))
        return NIL_ARRAY
    if watcher:
        engine.watching.forget(engine, int(watcher))
    if kind == b"E":
        return Raw(run_entries(engine, payload))
    return Raw(run_record(engine, payload))


def run_record(engine: Engine, blob: bytes) -> bytes:
    """Run this shard's part of a multi-shard record and journal the whole of it."""
    record, part = own_part(blob, engine.shard_index)
    engine.no_effect()
    # Another participant may have applied it already: this one cannot refuse any more.
    refusals = engine.write_error, engine.over_memory
    engine.write_error, engine.over_memory = b"", False
    try:
        replies = run_entries(engine, part)
    finally:
        engine.write_error, engine.over_memory = refusals
    engine.records.add(record, blob)
    engine.end_unit(command(b"ECHO", blob))
    return replies


@handles("SHARD.RECORD")
def record(engine: Engine, args: list) -> object:
    """SHARD.RECORD record: apply it unless it has been applied; 1 if it was now."""
    if not engine.records.lacks(records.record_id(args[1])):
        return 0
    run_record(engine, args[1])
    return 1
