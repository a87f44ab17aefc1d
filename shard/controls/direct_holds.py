"""HOLD and COMMIT in their plain form, from the batch's bytes to the reply's. Compiled.

    HOLD op "" R db key             a key that will be written unread
    HOLD op "" RX db key entries    (home shard) the same, and its RENAME to another shard is run at once
    COMMIT op record                this shard's part of it, while nobody listens

What RENAME over shards lives of, and every short operation ends with. Whatever is not that is left to
`shard/controls/holds.py`, which says what these commands mean; this has to mean the same.
"""

import cython
from cython.cimports.cluster.numbers import write_longlong
from cython.cimports.cluster.wire import Buffer, encode_command, read_number, slot, split_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcmp, memcpy, memmove
from cython.cimports.shard.controls.transactions import apply_record
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.entries import Entry

from cluster import errors, frames
from cluster.command_table import TABLE
from cluster.errors import CommandError
from cluster.slots import slot_map
from cluster.wire import encoded
from shard.pieces import is_large
from shard.signals import NOTIFIER
from shard.staging import dump

LISTEN_NOTIFIER = cython.declare(cython.int, NOTIFIER)
RENAME = cython.declare(cython.int, TABLE["RENAME"].id)
DEL = cython.declare(cython.int, TABLE["DEL"].id)
SET = cython.declare(cython.int, TABLE["SET"].id)
RESTORE = cython.declare(cython.int, TABLE["RESTORE"].id)
F_FROM_MASTER = cython.declare(cython.int, frames.FROM_MASTER)
ENTRY_HEAD = cython.declare(cython.Py_ssize_t, 12)  # cluster/frames.py
PART_HEAD = cython.declare(cython.Py_ssize_t, 6)  # cluster/records.py


@cython.cfunc
@cython.exceptval(check=False)
def _word(
    raw: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t, at: cython.pointer(cython.Py_ssize_t)
) -> cython.Py_ssize_t:
    """The length of the word whose "$" is at `at`, which is its first byte then; -1 if there is none."""
    length: cython.Py_ssize_t
    if at[0] >= size or raw[at[0]] != 36:
        return -1
    at[0] += 1
    length = read_number(raw, size, at)
    return -1 if at[0] + length + 2 > size else length


@cython.cfunc
@cython.exceptval(-1, check=True)
def run_hold(
    engine: Engine, raw: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t, out: Buffer
) -> cython.int:
    """SHARD.HOLD; 0: it is another one, and nothing was done."""
    at: cython.Py_ssize_t = 21
    length: cython.Py_ssize_t
    run: cython.bint
    op: bytes
    key: bytes
    if size < 40 or memcmp(raw + 2, b"\r\n$10\r\nSHARD.HOLD\r\n", 19):
        return 0
    length = _word(raw, size, cython.address(at))
    if length < 0:
        return 0
    op = PyBytes_FromStringAndSize(raw + at, length)
    at += length + 2
    if at + 15 > size or memcmp(raw + at, b"$0\r\n\r\n$", 7):
        return 0
    at += 6
    run = raw[1] == 55
    if run:
        if memcmp(raw + at, b"$2\r\nRX\r\n", 8):
            return 0
        at += 8
    else:
        if raw[1] != 54 or memcmp(raw + at, b"$1\r\nR\r\n", 7):
            return 0
        at += 7
    length = _word(raw, size, cython.address(at))
    if length < 0:
        return 0
    at += length + 2
    length = _word(raw, size, cython.address(at))
    if length < 0:
        return 0
    key = PyBytes_FromStringAndSize(raw + at, length)
    at += length + 2
    if run:
        length = _word(raw, size, cython.address(at))
        if length < ENTRY_HEAD or not _rename(engine, raw + at, length, out):
            return 0
    else:
        out.append(b"*2\r\n:1\r\n$0\r\n\r\n", 14)
    engine.rewritten = True
    engine.holds.take_one(op, key)
    return 1


@cython.cfunc
@cython.exceptval(-1, check=True)
def _rename(
    engine: Engine, entry: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t, out: Buffer
) -> cython.int:
    """Run a RENAME to a key of another shard: the reply to its HOLD; 0: it needs a staged keyspace."""
    length: cython.uint = 0
    command: cython.ushort = 0
    client: cython.uint = 0
    memcpy(cython.address(length), entry, 4)
    memcpy(cython.address(command), entry + 4, 2)
    memcpy(cython.address(client), entry + 8, 4)
    if command != RENAME or length + ENTRY_HEAD != size or engine.write_error or engine.over_memory:
        return 0
    if engine.listening & LISTEN_NOTIFIER:
        return 0  # events are told by staged commands
    args: list = split_command(entry + ENTRY_HEAD, length)
    source: bytes = args[1]
    db: cython.int = cython.cast(cython.uchar, entry[6])
    engine.db = engine.dbs[db]
    engine.reading = False
    engine.replaying = entry[7] & F_FROM_MASTER
    value: object = engine.lookup(source)
    engine.replaying = False
    if value is not None and is_large(value):
        return 0
    row: Entry = engine.entries[command]
    row.calls += 1
    parts: Buffer = engine.draft
    parts.clear()
    if value is None:
        row.failed += 1
        error: object = CommandError(errors.NO_SUCH_KEY)
        engine.stats.count_error(error)
        _say_run(out, b"*1\r\n" + encoded(error), parts)
        return 1
    at_ms: cython.longlong = engine.db.expiry(source)
    target: bytes = args[2]
    _append_part(parts, engine.shard_index, DEL, db, client, [b"DEL", source])
    owner: cython.int = slot_map(engine.worker_shards)[slot(target)]
    if type(value) is bytes:
        words: list = [b"SET", target, value]
        if at_ms >= 0:
            words += [b"PXAT", at_ms]
        _append_part(parts, owner, SET, db, client, words)
    else:
        words = [b"RESTORE", target, max(at_ms, 0), dump(engine, value), b"REPLACE", b"ABSTTL"]
        _append_part(parts, owner, RESTORE, db, client, words)
    _say_run(out, b"*1\r\n+OK\r\n", parts)
    return 1


@cython.cfunc
@cython.exceptval(-1, check=True)
def _say_run(out: Buffer, replies: bytes, parts: Buffer) -> cython.int:
    """[1, the command "replies parts"]"""
    start: cython.Py_ssize_t = out.size
    digits: cython.char[24]
    width: cython.int
    out.append_line(42, 2)
    out.append_bulk(PyBytes_AS_STRING(replies), PyBytes_GET_SIZE(replies))
    out.append_bulk(parts.data, parts.size)
    size: cython.Py_ssize_t = out.size - start
    width = write_longlong(digits, size)
    # Its length is known now: it goes in front.
    out.reserve(width + 13)
    memmove(out.data + start + 11 + width, out.data + start, size)
    memcpy(out.data + start, b"*2\r\n:1\r\n$", 9)
    memcpy(out.data + start + 9, digits, width)
    memcpy(out.data + start + 9 + width, b"\r\n", 2)
    out.size += 11 + width
    out.append(b"\r\n", 2)
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
def _append_part(
    out: Buffer, member: cython.ushort, command: cython.ushort, db: cython.int, client: cython.uint, words: list
) -> cython.int:
    """A participant's part of a record (cluster/records.py) that is one command of a client."""
    start: cython.Py_ssize_t = out.size
    size: cython.uint
    out.reserve(PART_HEAD + ENTRY_HEAD)
    out.size += PART_HEAD + ENTRY_HEAD
    encode_command(out, words)
    memcpy(out.data + start, cython.address(member), 2)
    size = cython.cast(cython.uint, out.size - start - PART_HEAD)
    memcpy(out.data + start + 2, cython.address(size), 4)
    size -= ENTRY_HEAD
    memcpy(out.data + start + 6, cython.address(size), 4)
    memcpy(out.data + start + 10, cython.address(command), 2)
    out.data[start + 12] = db
    out.data[start + 13] = 0
    memcpy(out.data + start + 14, cython.address(client), 4)
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
def run_commit(engine: Engine, raw: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.int:
    """SHARD.COMMIT of a record that it brings along; 0: it is another one, and nothing was done."""
    at: cython.Py_ssize_t = 23
    length: cython.Py_ssize_t
    op: bytes
    blob: bytes
    if engine.listening or engine.pieces.busy or size < 40 or memcmp(raw, b"*3\r\n$12\r\nSHARD.COMMIT\r\n", 23):
        return 0
    length = _word(raw, size, cython.address(at))
    if length < 0:
        return 0
    op = PyBytes_FromStringAndSize(raw + at, length)
    at += length + 2
    length = _word(raw, size, cython.address(at))
    if length < 0:
        return 0
    blob = PyBytes_FromStringAndSize(raw + at, length)
    engine.rewritten = True
    if engine.records.lacks_packed(blob):
        engine.draft.clear()
        apply_record(engine, blob, engine.draft)
    engine.holds.release(op)
    engine.events.append((b"done", op, b""))
    return 1
