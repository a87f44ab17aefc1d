"""Hold, borrow, run, commit: one operation on keys of several shards.

    SHARD.HOLD op watcher how [db key ...]   take part: until the end, what may touch these keys waits
    SHARD.PREPARE op watcher record          the same for the keys of this shard's part of a record
    SHARD.RUN op entries borrowed            (home shard) run the commands on a staged keyspace
    SHARD.COMMIT op [record]                 apply this shard's part, journal the record, go on
    SHARD.ABORT op                           go on

HOLD and PREPARE are answered in their turn; the other three overtake what waits for a hold and answer
by events ("op", id, ...). A new router's greeting ends every hold: its operations' records are
handed over by id (cluster/records.py), so none stays half done.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from cluster import records
from cluster.errors import CommandError
from cluster.replies import Status
from cluster.wire import command as encode
from cluster.wire import encoded, parse_commands
from shard.controls.transactions import run_entries, run_record
from shard.holds import keys_of, own_part
from shard.registry import handles
from shard.staging import Staging, owner_test, pack_value, unpack_value


@handles("SHARD.HOLD")
def hold(engine: Any, args: list[bytes]) -> Any:
    """Reply: [1 if the watcher's keys are untouched else 0, [lent value, ...]].

    how: letters. L: lend the keys; W: hold everything, not only these keys; R: a record may be committed.
    """
    _, op, watcher, how, *asked = args
    engine.no_effect()
    untouched = unwatched(engine, watcher)
    lent = []
    if b"L" in how:
        for at in range(0, len(asked), 2):
            if int(asked[at]) >= len(engine.dbs):  # COPY ... DB 99: the home shard will say so
                lent.append([])
                continue
            engine.db = engine.dbs[int(asked[at])]
            lent.append(pack_value(engine, asked[at + 1]))
    engine.controls.hold(op, None if b"W" in how else set(asked[1::2]), b"R" in how)
    return [untouched, lent]


@handles("SHARD.PREPARE")
def prepare(engine: Any, args: list[bytes]) -> Any:
    """Reply: 1 if the watcher's keys are untouched, else 0."""
    _, op, watcher, blob = args
    engine.no_effect()
    engine.holds.prepared[op] = blob
    engine.controls.hold(op, keys_of(own_part(blob, engine.shard_index)[1]), True)
    return unwatched(engine, watcher)


def unwatched(engine: Any, watcher: bytes) -> int:
    """1 if the keys that a client watches, which it does no more, are untouched; else 0."""
    if not watcher:
        return 1
    touched = engine.watching.dirty(engine, int(watcher))
    engine.watching.forget(engine, int(watcher))
    return 0 if touched else 1


@handles("SHARD.BORROW")
def borrow(engine: Any, args: list[bytes]) -> Any:
    """SHARD.BORROW [db key ...]: lend values without holding (a read needs one point in the
    order of all links, nothing more)."""
    lent = []
    for at in range(1, len(args), 2):
        engine.db = engine.dbs[int(args[at])]
        lent.append(pack_value(engine, args[at + 1]))
    return lent


@handles("SHARD.RUN")
def run(engine: Any, args: list[bytes]) -> Any:
    """Event: op, id, "ran", replies (RESP array), writes (see `pack_writes`)."""
    _, op, entries, borrowed, *more = args
    engine.no_effect()
    ask = partial(ask_for, engine, op) if more else None
    staging = Staging(engine, owner_test(engine.worker_shards, engine.shard_index), ask)
    try:
        with staging:
            # Expired keys of other shards die at their owners: here they only hide.
            for lent in parse_commands(borrowed)[0]:
                number, key, kind, raw, at_ms = lent
                if int(number) >= len(engine.dbs):
                    continue
                engine.dbs[int(number)].lend(key, *borrowed_value(engine, kind, raw, at_ms))
            replies = run_entries(engine, entries)
        writes = pack_writes(staging.writes())
    except CommandError as error:
        replies = b"*1\r\n" + encoded(error)
        writes = b""
    engine.events.append((b"op", op, b"ran", replies, writes))
    return None


def borrowed_value(engine: Any, kind: bytes, raw: bytes, at_ms: bytes) -> tuple[Any, int]:
    """(value or None, expiry in ms or -1) of what another shard has lent."""
    expires = int(at_ms)
    if not kind or 0 <= expires <= engine.now:
        return None, -1
    return unpack_value(kind, raw), expires


def ask_for(engine: Any, op: bytes, db: int, key: bytes) -> tuple[Any, int]:
    """A key that a script has not declared, from the shard that owns it."""
    return borrowed_value(engine, *engine.worker.interrupts.ask(op, db, key))


@handles("SHARD.LEND")
def lend(engine: Any, args: list[bytes]) -> Any:
    """SHARD.LEND op db key, while this shard is held by op. Event: op, id, "lent", kind, value, expiry."""
    _, op, db, key = args
    engine.no_effect()
    engine.db = engine.dbs[int(db)]
    kind, raw, at_ms = pack_value(engine, key) or (b"", b"", -1)
    engine.events.append((b"op", op, b"lent", kind, raw, b"%d" % at_ms))
    return None


def pack_writes(writes: list[tuple[int, bytes | None, bytes]]) -> bytes:
    """(database, key, raw command) triples as bytes, for the router to sort by owner."""
    return b"".join(encode(str(db), b"" if key is None else key, raw) for db, key, raw in writes)


@handles("SHARD.COMMIT")
def commit(engine: Any, args: list[bytes]) -> Any:
    """Event: op, id, "done", this shard's replies."""
    op = args[1]
    blob = args[2] if len(args) > 2 else engine.holds.prepared[op]
    engine.no_effect()
    if engine.records.lacks(records.record_id(blob)):
        replies = run_record(engine, blob)
    else:
        replies = b"*0\r\n"
    engine.controls.release(op)
    engine.events.append((b"op", op, b"done", replies, b""))
    return None


@handles("SHARD.ABORT")
def abort(engine: Any, args: list[bytes]) -> Any:
    """End a hold without an effect."""
    engine.no_effect()
    engine.controls.release(args[1])
    return Status(b"OK")
