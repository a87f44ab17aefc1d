"""What one shard missed of a stream that the others have: its commands again, for it alone.

    stream  ... SET a | MULTI  INCR a  INCR b  EXEC | SET b ...      b's shard was restarted at the first bar
    entries             TXN [INCR b]                  SET b

Its journal says up to which place in the stream it has everything (SHARD.PLACE); the rest is in our backlog. Nothing is
shown half: the entries enter the shard's link before anything else does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.command_table import TABLE, row_of
from cluster.command_table.model import Command, Spread
from cluster.frames import FROM_MASTER, SILENT
from cluster.records import pack_entries
from cluster.wire import command as encode
from cluster.wire import parse_commands

if TYPE_CHECKING:
    from router.fanout import Entry
    from router.router import Router

FLAGS = FROM_MASTER | SILENT
NO_DATA = frozenset({"PING", "REPLCONF", "PUBLISH", "SPUBLISH"})
EVERYWHERE = frozenset({"FLUSHALL", "FLUSHDB"})


def entries_for(router: Router, shard: int, stream: bytes, db: int) -> list[Entry] | None:
    """Its part of whole commands and units of the stream; None if that cannot be told apart: a command that
    feeds one shard's keys from another's. `db`: the one that is selected at the start."""
    try:
        commands, used = parse_commands(stream)
    except ValueError:
        return None
    if used != len(stream):
        return None
    found: list[Entry] = []
    queued: list[Entry] | None = None
    for args in commands:
        name = args[0].upper()
        if name == b"SELECT":
            db = int(args[1])
        elif name == b"MULTI":
            queued = []
        elif name == b"EXEC" and queued is not None:
            if queued:
                raw = encode(b"SHARD.TXN", b"", b"E", pack_entries(queued))
                found.append((TABLE["SHARD.TXN"].id, db, FLAGS, 0, raw))
            queued = None
        else:
            row, own = _own_part(router, shard, args)
            if row is None:
                return None
            if own and queued is not None:
                queued.append((row.id, db, FROM_MASTER, 0, encode(*own)))
            elif own:
                found.append((row.id, db, FLAGS, 0, encode(*own)))
    return found if queued is None else None


def _own_part(router: Router, shard: int, args: list[bytes]) -> tuple[Command | None, list[bytes]]:
    """(row, the shard's part of a command or nothing); no row if it has none that stands for itself."""
    from router.fanout import parts_by_key  # it imports the router's commands

    try:
        row = row_of(args)
    except KeyError:
        return None, []
    if row.name in NO_DATA:
        return row, []
    if row.name in EVERYWHERE:
        return row, args
    shards = {router.core.shard_of(args[at]) for at in row.key_indexes(args)}
    if not shards:
        return None, []
    if shards == {shard}:
        return row, args
    if shard not in shards:
        return row, []
    if row.spread is not Spread.SPLIT:
        return None, []
    return row, parts_by_key(router, row, args)[shard][0]
