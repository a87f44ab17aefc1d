"""Hold, borrow, run, commit: one operation on keys of several shards.

    SHARD.HOLD op watcher how [db key ...]   take part: until the end, what may touch these keys waits
    SHARD.BORROW op [db key ...]             lend; only what goes in pieces is held
    SHARD.PREPARE op watcher record          the same for the keys of this shard's part of a record
    SHARD.RUN op entries borrowed            (home shard) run the commands on a staged keyspace
    SHARD.COMMIT op [record [SYNC]]          apply this shard's part, journal the record, go on
    SHARD.ABORT op                           go on

HOLD and PREPARE are answered in their turn; the other three overtake what waits for a hold and answer
by events ("op", id, ...). A new router's greeting ends every hold: its operations' records are
handed over by id (cluster/records.py), so none stays half done. Lent values travel as commands
"db key kind value expiry" one after the other, as RUN takes them; large ones are only named, and
fetched in pieces (shard/controls/pieces.py). Compiled.
"""

from typing import Any

import cython
from cython.cimports.cluster.wire import Buffer, encode_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcpy
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.holds import own_part

from cluster.command_table import BY_ID
from cluster.command_table.model import F
from cluster.errors import CommandError
from cluster.replies import Status
from cluster.wire import encoded, parse_commands
from shard.controls.transactions import run_entries, run_record
from shard.holds import keys_of
from shard.pieces import is_large
from shard.projections import projection
from shard.registry import handles
from shard.scripting.resp_values import parse_reply
from shard.signals import WAITERS
from shard.staging import pack, pack_value, staging_of, unpack_value

LISTEN_WAITERS = cython.declare(cython.int, WAITERS)

LEAVE_VALUES = {
    row.id
    for row in BY_ID
    if (row.flags & F.READONLY and row.group not in ("scripting", "python", "hyperloglog", "stream"))
    or row.name in ("RENAME", "RENAMENX", "COPY")
    or (row.name.endswith("STORE") and row.flags & F.WRITE)
}


@handles("SHARD.HOLD")
def hold(engine: Engine, args: list) -> Any:
    """Reply: [1 if the watcher's keys are untouched else 0, lent values], and "db key ..." of the large ones, if any.

    how: letters. L: lend the keys; W: hold everything, not only these keys; R: a record may be committed; P: the last
    word are the entries that will be run, so that no more is lent than they need (shard/projections.py). X: the last
    word are entries that read no key of another shard. They are run at once; the reply is [1, what RUN's event says
    of it].
    """
    how: bytes = args[3]
    engine.no_effect()
    if how == b"R" and not args[2]:  # a key that will be written unread
        engine.holds.take(args[1], args[5::2], True)
        return [1, b""]
    untouched = unwatched(engine, args[2])
    large: list = []
    part = projection(args[len(args) - 1]) if b"P" in how else None
    lent = packed_values(engine, args, 4, large, part) if b"L" in how else b""
    engine.holds.take(args[1], None if b"W" in how else set(args[5::2]), b"R" in how)
    if b"X" in how:
        said = _staged(engine, args[1], args[len(args) - 1], b"", [b"PIECES", b"BLIND"])
        return [untouched, encoded_command(said)]
    return [untouched, lent, encoded_command(large)] if large else [untouched, lent]


@cython.cfunc
def packed_values(engine: Engine, args: list, at: cython.Py_ssize_t, large: list, part: object) -> bytes:
    """What the keys of `db key ...` have, from args[at] on. args[1] is the operation: it will fetch what is `large`,
    which gets db, key of each."""
    out: Buffer = Buffer(256)
    index: cython.Py_ssize_t
    while at + 1 < len(args):
        index = int(args[at])
        if index < len(engine.dbs):  # COPY ... DB 99: the home shard will say so
            engine.db = engine.dbs[index]
            value = engine.lookup(args[at + 1])
            small = None if part is None or value is None else part(args[at + 1], value)
            if small is not None:
                packed = pack(engine, small, engine.expire_at(args[at + 1]))
                encode_command(out, [args[at], args[at + 1], *packed])
            elif value is not None and is_large(value):
                engine.pieces.offer(args[1], index, args[at + 1], value, engine.expire_at(args[at + 1]))
                large += [args[at], args[at + 1]]
            else:
                encode_command(out, [args[at], args[at + 1], *pack_value(engine, args[at + 1])])
        at += 2
    return out.take()


@cython.cfunc
def encoded_command(words: list) -> bytes:
    """Words as one command in RESP."""
    out: Buffer = Buffer(128)
    encode_command(out, words)
    return out.take()


@handles("SHARD.PREPARE")
def prepare(engine: Engine, args: list) -> Any:
    """Reply: 1 if the watcher's keys are untouched, else 0."""
    _, op, watcher, blob = args
    engine.no_effect()
    engine.holds.prepared[op] = blob
    engine.holds.take(op, keys_of(own_part(blob, engine.shard_index)), True)
    return unwatched(engine, watcher)


def unwatched(engine: Engine, watcher: bytes) -> int:
    """1 if the keys that a client watches, which it does no more, are untouched; else 0."""
    if not watcher:
        return 1
    touched = engine.watching.dirty(engine, int(watcher))
    engine.watching.forget(engine, int(watcher))
    return 0 if touched else 1


@handles("SHARD.BORROW")
def borrow(engine: Engine, args: list) -> Any:
    """Lend values without holding (a read needs one point in the order of all links, nothing more), but for the large
    ones, which are fetched afterwards. The reply is that of a HOLD."""
    large: list = []
    lent = packed_values(engine, args, 2, large, None)
    if not large:
        return [1, lent]
    engine.holds.take(args[1], set(large[1::2]), False)
    return [1, lent, encoded_command(large)]


@handles("SHARD.RUN")
def run(engine: Engine, args: list) -> Any:
    """SHARD.RUN op entries borrowed [LENDS|PIECES ...]. Event: op, id, "ran", replies (RESP array), parts of a
    record, then db, key and owner of each large value that is to be fetched here before it can be committed.

    LENDS: keys that are not here may be asked for. PIECES: large values may be fetched.
    """
    engine.no_effect()
    engine.events.append((b"op", args[1], b"ran", *_staged(engine, args[1], args[2], args[3], args[4:])))
    return None


@cython.cfunc
def _staged(engine: Engine, op: bytes, entries: bytes, borrowed: bytes, how: list) -> list:
    """Run entries on a staged keyspace: [replies, parts of a record, then db, key and owner of each large value].
    borrowed: what other shards have lent. BLIND: of their keys nothing is read."""
    staging = staging_of(engine, Asking(engine, op) if b"LENDS" in how else None, leaves_values(entries), projection(entries))
    large: list = []
    client: cython.uint = 0
    memcpy(cython.address(client), PyBytes_AS_STRING(entries) + 8, 4)
    staging.client = client
    try:
        with staging:
            if b"BLIND" in how:
                staging.assume_absent(entries)
            # Expired keys of other shards die at their owners: here they only hide.
            for number, key, kind, raw, at_ms in parse_commands(borrowed)[0]:
                engine.dbs[int(number)].lend(key, *borrowed_value(engine, kind, raw, at_ms))
            for index, key, value, expires in engine.pieces.borrowed(op):
                engine.dbs[index].lend(key, None if 0 <= expires <= engine.now else value, expires)
            replies = run_entries(engine, entries)
        parts = staging.parts(op if b"PIECES" in how else b"", large)
    except CommandError as error:
        replies = b"*1\r\n" + encoded(error)
        parts = b""
        staging.told.events.clear()
    staging.end()
    return [replies, parts, *large]


@cython.cfunc
def leaves_values(entries: bytes) -> bool:
    """Whether entries are one command that reads or replaces the values that it finds, and changes none of them: they
    need not be copied for it."""
    length: cython.uint = 0
    command: cython.ushort = 0
    memcpy(cython.address(length), PyBytes_AS_STRING(entries), 4)
    memcpy(cython.address(command), PyBytes_AS_STRING(entries) + 4, 2)
    return length + 12 == PyBytes_GET_SIZE(entries) and command in LEAVE_VALUES


def borrowed_value(engine: Engine, kind: bytes, raw: bytes, at_ms: bytes) -> tuple[Any, int]:
    """(value or None, expiry in ms or -1) of what another shard has lent."""
    expires = int(at_ms)
    if not kind or 0 <= expires <= engine.now:
        return None, -1
    return unpack_value(kind, raw), expires


class Asking:
    """What runs on a staged keyspace asks the other shards, all of which are held whole."""

    def __init__(self, engine: Engine, op: bytes):
        self.engine = engine
        self.op = op

    def key(self, db: int, key: bytes) -> tuple[Any, int]:
        """(value or None, expiry in ms or -1) of a key that nobody has lent yet."""
        answer = self.engine.worker.interrupts.ask(self.op, b"op", self.op, b"asks", b"%d" % db, key)
        return borrowed_value(self.engine, *answer)

    def shards(self, shards: list, db: int, words: list) -> list:
        """What these shards answer to a read of one of their databases."""
        if not shards:
            return []
        which = b",".join([b"%d" % shard for shard in shards])
        answer = self.engine.worker.interrupts.ask(self.op, b"op", self.op, b"reads", which, b"%d" % db, *words)
        return [parse_reply(raw) for raw in answer[1:]]


@handles("SHARD.LEND")
def lend(engine: Engine, args: list) -> Any:
    """SHARD.LEND op db key, while this shard is held by op. Event: op, id, "lent", kind, value, expiry."""
    _, op, db, key = args
    engine.no_effect()
    engine.db = engine.dbs[int(db)]
    kind, raw, at_ms = pack_value(engine, key)
    engine.events.append((b"op", op, b"lent", kind, raw, b"%d" % at_ms))
    return None


@handles("SHARD.COMMIT")
def commit(engine: Engine, args: list) -> Any:
    """Event: "done", id, this shard's replies. SYNC: others commit only when no power cut can take this any more."""
    op = args[1]
    blob = args[2] if len(args) > 2 else engine.holds.prepared[op]
    engine.no_effect()
    if engine.records.lacks_packed(blob):
        replies = run_record(engine, blob)
    else:
        replies = b"*0\r\n"
    let_go(engine, op)
    if len(args) > 3 and engine.worker is not None:
        engine.worker.sync()
    engine.events.append((b"done", op, replies))
    return None


@cython.cfunc
@cython.exceptval(-1, check=True)
def let_go(engine: Engine, op: bytes) -> cython.int:
    """End a hold; what has waited for it runs at the end of the batch."""
    engine.holds.release(op)
    if engine.pieces.busy:
        engine.pieces.release(engine, op)
    if engine.listening & LISTEN_WAITERS and engine.waiting is not None:
        engine.waiting.released()
    return 0


@handles("SHARD.ABORT")
def abort(engine: Engine, args: list) -> Any:
    """End a hold without an effect."""
    engine.no_effect()
    let_go(engine, args[1])
    return Status(b"OK")
