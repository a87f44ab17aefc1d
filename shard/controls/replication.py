"""What a router asks of its shards to feed replicas and to follow a master.

    SHARD.SNAPSHOT id path first db   write the keys of this point to a file, by a forked child; without a db (of the
                                   master's stream) also begin to send the stream to the router, with a mark here
    SHARD.LOAD path                throw all keys away, load those of ours from an RDB file
    SHARD.ROLE master|replica feed refusal   who decides that a key expires; whether the router gets the stream;
                                   what a script that writes is answered with, if anything
"""

from __future__ import annotations

import logging
from typing import Any

from cluster.errors import CommandError
from cluster.replies import OK
from shard.children import PART
from shard.registry import handles
from shard.scripting.scripts import scripts_of
from shard.staging import owner_test

log = logging.getLogger("elixircache.shard")
STREAM_DB = b"repl-stream-db"  # as Redis names the database that is selected where the stream goes on


@handles("SHARD.SNAPSHOT")
def snapshot(engine: Any, args: list[bytes]) -> Any:
    """Events: ("barrier", id) in the stream, later ("snapshot", id, "1" if written else "0")."""
    _, token, path, first, db = args
    engine.no_effect()
    worker = engine.worker
    if not db:
        worker.collect()
        engine.feeding = True
        engine.events.append((b"barrier", token))
    worker.fork(
        PART,
        lambda progress: write_part(engine, path.decode(), first == b"1", db or b"0", progress),
        lambda ok: _written(engine, token, ok),
    )
    return OK


def _written(engine: Any, token: bytes, ok: bool) -> None:
    engine.events.append((b"snapshot", token, b"1" if ok else b"0"))


def write_part(engine: Any, path: str, first: bool, db: bytes, progress: Any = None) -> None:
    """This shard's part of an RDB file: the header if it is the first, no end."""
    from shard.rdb.writer import Writer

    with open(path, "wb") as file:
        writer = Writer(file.write)
        if first:
            writer.header(engine.now)
            writer.aux(STREAM_DB, db)
            for code in (engine.scripts.libraries() if hasattr(engine.scripts, "libraries") else ()):
                writer.function(code)
        writer.databases(engine.dbs, progress)
        writer.flush()


@handles("SHARD.LOAD")
def load(engine: Any, args: list[bytes]) -> Any:
    """The old keys go only after the file has been read whole."""
    from shard.keyspace import Database
    from shard.rdb.errors import DamagedFile
    from shard.rdb.reader import open_rdb

    engine.no_effect()
    owns = owner_test(engine.worker_shards, engine.shard_index)
    fresh = [Database(i) for i in range(len(engine.dbs))]
    try:
        reader, file = open_rdb(args[1].decode())
        with file:
            for index, key, value, expires in reader.entries():
                if index >= len(fresh):
                    raise CommandError(f"ERR the snapshot has database {index}")
                if owns(key):
                    fresh[index].set(key, value)
                    if expires >= 0:
                        fresh[index].expire(key, expires)
    except (OSError, ValueError, DamagedFile) as error:
        raise CommandError(f"ERR cannot load the snapshot: {error}") from None
    engine.dbs = fresh
    engine.db = fresh[0]
    engine.worker.replaced_keyspace()
    return sum(len(db) for db in fresh)


@handles("SHARD.ROLE")
def role(engine: Any, args: list[bytes]) -> Any:
    """SHARD.ROLE master|replica 1|0 text"""
    engine.no_effect()
    if engine.worker is not None:  # a simulated shard has none
        engine.worker.collect()  # what came before this point is fed, or not, as it was until now
    engine.feeding = args[2] == b"1"
    if engine.feeding:
        engine.events.append((b"feeding",))
    engine.master = args[1] == b"master"
    scripts_of(engine).context.refusal = args[3].decode()
    return OK
