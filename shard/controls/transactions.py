"""SHARD.TXN and SHARD.RECORD: several commands at one point of the link's order. Compiled."""

import logging

import cython
from cython.cimports.cluster.wire import Buffer, encode, read_number, slot_of_bytes, split_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcmp, memcpy
from cython.cimports.shard.direct import Strings, run_direct, strings_of
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.entries import Entry
from cython.cimports.shard.holds import part_at
from cython.cimports.shard.key_hash import hash_of

from cluster import frames, records
from cluster.command_table import row_of
from cluster.errors import CommandError
from cluster.replies import NIL_ARRAY, Raw
from cluster.wire import parse_command
from shard.registry import handles
from shard.signals import NOTIFIER, STAGED, TRACKERS, Block

LISTEN_STAGED = cython.declare(cython.int, STAGED)
LISTEN_TRACKERS = cython.declare(cython.int, TRACKERS)
LISTEN_NOTIFIER = cython.declare(cython.int, NOTIFIER)
F_TRACK = cython.declare(cython.int, frames.TRACK)
F_HUSHED = cython.declare(cython.int, frames.HUSHED)
log = logging.getLogger("elixircache.shard")


def run_entries(engine: Engine, entries: bytes) -> bytes:
    """Run packed entries one after the other; their replies as a RESP array.

    A failing command does not undo the others; blocking ones do not block.
    """
    out: Buffer = Buffer(256)
    _run(engine, PyBytes_AS_STRING(entries), PyBytes_GET_SIZE(entries), out)
    return out.take()


@cython.cfunc
@cython.exceptval(-1, check=True)
def _run(
    engine: Engine, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t, out: Buffer
) -> cython.int:
    """The same for entries where they are; the replies go to `out`."""
    at: cython.Py_ssize_t = 0
    count: cython.Py_ssize_t = 0
    length: cython.uint = 0
    command_id: cython.ushort = 0
    client: cython.uint = 0
    hushed: cython.int
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
        if engine.listening & LISTEN_TRACKERS and engine.controls is not None:
            memcpy(cython.address(client), data + at + 8, 4)
            if client:
                engine.controls.client = client
            engine.caching = engine.controls.client if data[at + 7] & F_TRACK else 0
        hushed = engine.listening & LISTEN_NOTIFIER if data[at + 7] & F_HUSHED else 0
        engine.listening ^= hushed
        at += 12
        _run_one(engine, engine.entries[command_id], out, data + at, length)
        engine.listening |= hushed
        at += length
    engine.db = db
    engine.replaying = False
    engine.caching = 0
    return 0


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
        engine.wrote(raw, size)
        engine.changes += 1
        engine.counted += 1
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
    if entry.direct and not engine.listening & LISTEN_STAGED and not engine.caching and _run_direct(engine, entry, out, raw, size):
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


@cython.cfunc
@cython.exceptval(-1, check=True)
def run_unit(
    engine: Engine, raw: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t, out: Buffer
) -> cython.int:
    """SHARD.TXN of nobody who watches, from its bytes to the reply's; 0: it is another one, and nothing was done."""
    at: cython.Py_ssize_t = 33
    length: cython.Py_ssize_t
    if size < 40 or memcmp(raw, b"*4\r\n$9\r\nSHARD.TXN\r\n$0\r\n\r\n$1\r\n", 29) or raw[32] != 36:
        return 0
    length = read_number(raw, size, cython.address(at))
    if length < 0 or at + length + 2 > size:
        return 0
    engine.rewritten = True  # what its entries change is in the unit
    if raw[29] == 69:  # E
        _run(engine, raw + at, length, out)
    else:
        apply_record(engine, PyBytes_FromStringAndSize(raw + at, length), out)
    return 1


def run_record(engine: Engine, blob: bytes) -> bytes:
    """Run this shard's part of a multi-shard record and journal the whole of it: the replies, a RESP array."""
    out: Buffer = Buffer(256)
    apply_record(engine, blob, out)
    return out.take()


@cython.cfunc
@cython.exceptval(-1, check=True)
def apply_record(engine: Engine, blob: bytes, out: Buffer) -> cython.int:
    """The same; the replies go to `out`."""
    size: cython.Py_ssize_t = 0
    at: cython.Py_ssize_t = part_at(blob, engine.shard_index, cython.address(size))
    return _apply(engine, blob, PyBytes_AS_STRING(blob) + at, size, out)


@cython.cfunc
@cython.exceptval(-1, check=True)
def _apply(
    engine: Engine, blob: bytes, part: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t, out: Buffer
) -> cython.int:
    """Run the entries of a record's part, and journal the record."""
    engine.rewritten = True
    # Another participant may have applied it already: this one cannot refuse any more.
    write_error: bytes = engine.write_error
    over_memory: cython.bint = engine.over_memory
    engine.write_error = b""
    engine.over_memory = False
    try:
        _run(engine, part, size, out)
    finally:
        engine.write_error = write_error
        engine.over_memory = over_memory
    engine.records.add(blob)
    engine.flush_unit(blob)
    return 0


@handles("SHARD.RECORD")
def record(engine: Engine, args: list) -> object:
    """SHARD.RECORD record: apply it unless it has been applied; 1 if it was now.

    The other participants ran their parts when it was made; this one, which was away, does as if it had, too: times to
    live count from then, and a key whose time came later is still there. Nothing of what comes behind the record has
    been run here yet, so nobody sees the clock go back. It may come from a journal, so its commands go by their names: the
    numbers are those of the version that wrote it.
    """
    now: cython.longlong = engine.now
    made: object = records.unpack(args[1])
    if not engine.records.lacks(made.id):
        return 0
    if made.made_ms:
        engine.now = min(now, made.made_ms)
    try:
        part: bytes = by_names(made.parts[engine.shard_index])
        _apply(engine, args[1], PyBytes_AS_STRING(part), PyBytes_GET_SIZE(part), Buffer(256))
    finally:
        engine.now = now
    return 1


def by_names(entries: bytes) -> bytes:
    """Packed entries with this version's numbers of their commands."""
    found = records.unpack_entries(entries)
    return records.pack_entries([(row_of(parse_command(raw)).id, *rest, raw) for _, *rest, raw in found])
