"""SHARD.TXN and SHARD.RECORD: several commands at one point of the link's order."""

from __future__ import annotations

import logging
from typing import Any

from cluster import records
from cluster.errors import CommandError
from cluster.frames import FROM_MASTER
from cluster.replies import NIL_ARRAY, Raw
from cluster.wire import command, encoded, parse_command
from shard.registry import handles
from shard.signals import Block

log = logging.getLogger("elixircache.shard")


def run_entries(engine: Any, entries: bytes) -> bytes:
    """Run packed entries one after the other; their replies as a RESP array.

    A failing command does not undo the others; blocking ones do not block.
    """
    parts = records.unpack_entries(entries)
    replies = [b"*%d\r\n" % len(parts)]
    db = engine.db
    for command_id, number, flags, _client, raw in parts:
        engine.db = engine.dbs[number]
        resp = 3 if flags & 1 else 2
        engine.resp = resp
        engine.replaying = bool(flags & FROM_MASTER)
        try:
            reply = engine.call_entry(engine.entries[command_id], parse_command(raw))
        except CommandError as error:
            reply = error
        except Block as block:
            reply = block.denied
        except Exception as error:
            # A bug of ours: the other commands of the unit still have to be answered.
            log.exception("command %r failed", raw[:64])
            reply = CommandError(f"ERR internal error: {type(error).__name__}: {error}")
        replies.append(encoded(reply, resp))
    engine.db = db
    engine.replaying = False
    return b"".join(replies)


@handles("SHARD.TXN")
def txn(engine: Any, args: list[bytes]) -> Any:
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


def run_record(engine: Any, blob: bytes) -> bytes:
    """Run this shard's part of a multi-shard record and journal the whole of it."""
    record = records.unpack(blob)
    engine.no_effect()
    # Another participant may have applied it already: this one cannot refuse any more.
    refusals = engine.write_error, engine.over_memory
    engine.write_error, engine.over_memory = b"", False
    try:
        replies = run_entries(engine, record.parts[engine.shard_index])
    finally:
        engine.write_error, engine.over_memory = refusals
    engine.records.add(record.id, blob)
    engine.end_unit(command(b"ECHO", blob))
    return replies


@handles("SHARD.RECORD")
def record(engine: Any, args: list[bytes]) -> Any:
    """SHARD.RECORD record: apply it unless it has been applied; 1 if it was now."""
    if not engine.records.lacks(records.record_id(args[1])):
        return 0
    run_record(engine, args[1])
    return 1
