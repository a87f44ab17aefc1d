"""What a router asks of its shards to feed replicas and to follow a master.

    SHARD.SNAPSHOT id path first db only   write the keys of this point to a file, by a forked child; without a db (of the
                                   master's stream) also begin to send the stream to the router, with a mark here;
                                   only "functions" or "nothing": write no keys. Event ("snapshot_at", id, keys
                                   written, in all) now and then, ("snapshot", id, "1" if it is whole) in the end
    SHARD.PRELOAD path             read those of our keys that an RDB file has, beside the keys that are served and
                                   between batches; "" gives up. Event ("preloading", path, done, in all) now and
                                   then, ("preloaded", path) when that is done
    SHARD.LOAD path                the keys of the file, preloaded or not, take the place of all keys
    SHARD.PLACE note [record]      everything up to this place of the master's stream (`cluster.records.place_note`), and of
                                   our records up to this one, was asked for before; noted in the journal
    SHARD.ROLE master|replica feed refusal stale   who decides that a key expires; whether the router gets the stream;
                                   what a script that writes is answered with, if anything; whether old data is
                                   not to be shown
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cluster.errors import CommandError
from cluster.records import done_note
from cluster.replies import OK
from shard.children import PART
from shard.commands.databases import Discarded
from shard.registry import handles
from shard.scripting.scripts import scripts_of
from shard.staging import owner_test

log = logging.getLogger("elixircache.shard")
TELL_EVERY_MS = 200
STREAM_DB = b"repl-stream-db"  # as Redis names the database that is selected where the stream goes on


@handles("SHARD.SNAPSHOT")
def snapshot(engine: Any, args: list[bytes]) -> Any:
    """Events: ("barrier", id) in the stream, later ("snapshot", id, "1" if written else "0")."""
    _, token, path, first, db, only = args
    engine.no_effect()
    worker = engine.worker
    if not db:
        worker.collect()
        engine.feeding = True
        engine.fed.append((b"barrier", token))
    worker.fork(
        PART,
        lambda progress: write_part(engine, path.decode(), first == b"1", db or b"0", only, progress),
        lambda ok: _written(engine, token, ok),
        lambda written, keys: engine.events.append((b"snapshot_at", token, b"%d" % written, b"%d" % keys)),
    )
    return OK


def _written(engine: Any, token: bytes, ok: bool) -> None:
    engine.events.append((b"snapshot", token, b"1" if ok else b"0"))


def write_part(engine: Any, path: str, first: bool, db: bytes, only: bytes = b"", progress: Any = None) -> None:
    """This shard's part of an RDB file: the header if it is the first, no end. The first has the functions, which all
    shards know; `only`: see SHARD.SNAPSHOT."""
    from shard.rdb.writer import Writer

    with open(path, "wb") as file:
        writer = Writer(file.write)
        if first:
            writer.header(engine.now)
            writer.aux(STREAM_DB, db)
            if only != b"nothing" and hasattr(engine.scripts, "libraries"):
                for code in engine.scripts.libraries():
                    writer.function(code)
        if not only:
            writer.databases(engine.dbs, progress)
        writer.flush()


class Preload:
    """Reads a snapshot, a little at a time. fresh: the keys so far, by database; error: why it cannot be read.

    size: of the file in bytes; base_size: about that of the base that is written of what has been read; offset: in the file."""

    def __init__(self, engine: Any, path: str):
        from shard.keyspace import Database

        self.engine = engine
        self.path = path
        self.fresh = [Database(i) for i in range(len(engine.dbs))]
        self.functions: list[bytes] = []
        self.error = ""
        self.size = self.base_size = self.offset = 0
        self.told_ms = engine.now
        self.base: Path | None = None  # of a journal, with these keys
        self.done = False
        self._steps = self._read()

    def work(self, until: Callable[[], bool]) -> None:
        """Read on until it is done or `until()`, which is asked every 500 keys."""
        for _ in self._steps:
            if self.engine.now - self.told_ms >= TELL_EVERY_MS:
                self.told_ms = self.engine.now
                self._tell(self.offset)
            if until():
                return
        self.done = True

    def written(self, keys: int, of: int) -> None:
        """So many keys of the base are written."""
        self._tell(self.size + keys * self.base_size // max(of, 1))

    def _tell(self, done: int) -> None:
        self.engine.events.append((b"preloading", self.path, b"%d" % done, b"%d" % (self.size + self.base_size)))

    def _read(self) -> Iterator[None]:
        from shard.rdb.errors import DamagedFile
        from shard.rdb.reader import open_rdb

        owns, fresh = owner_test(self.engine.worker_shards, self.engine.shard_index), self.fresh
        try:
            reader, file = open_rdb(self.path)
            with file:
                self.size = os.fstat(file.fileno()).st_size
                if getattr(self.engine.worker, "journal", None) is not None:
                    self.base_size = self.size // self.engine.worker_shards
                for number, (index, key, value, expires) in enumerate(reader.entries()):
                    if index >= len(fresh):
                        raise ValueError(f"the snapshot has database {index}")
                    if owns(key):
                        fresh[index].set(key, value)
                        if expires >= 0:
                            fresh[index].expire(key, expires)
                    if number % 500 == 499:
                        self.offset = reader.offset()
                        yield
                self.functions = list(reader.functions)
        except (OSError, ValueError, DamagedFile) as error:
            self.error = f"cannot load the snapshot: {error}"


@handles("SHARD.PRELOAD")
def preload(engine: Any, args: list[bytes]) -> Any:
    """SHARD.PRELOAD path"""
    engine.no_effect()
    engine.worker.begin_preload(Preload(engine, args[1].decode()) if args[1] else None)
    return OK


@handles("SHARD.LOAD")
def load(engine: Any, args: list[bytes]) -> Any:
    """The old keys go only after the file has been read whole."""
    engine.no_effect()
    worker, path = engine.worker, args[1].decode()
    found = worker.preload if worker.preload is not None and worker.preload.path == path else Preload(engine, path)
    worker.preload = None
    found.work(lambda: False)
    if found.error:
        raise CommandError(f"ERR {found.error}")
    try:
        scripts_of(engine).replace_libraries(found.functions)
    except CommandError as error:  # of another version, say; the keys are good all the same
        log.error("a library of the master's snapshot cannot be loaded: %s", error.text)
    engine.lazy += [Discarded(db.slots, db.size) for db in engine.dbs if db.size]
    engine.records.note = None
    engine.dbs = found.fresh
    engine.db = found.fresh[0]
    worker.replaced_keyspace(found.base)
    return sum(len(db) for db in found.fresh)


@handles("SHARD.ROLE")
def role(engine: Any, args: list[bytes]) -> Any:
    """SHARD.ROLE master|replica 1|0 text 1|0"""
    engine.no_effect()
    if engine.worker is not None:  # a simulated shard has none
        engine.worker.collect()  # what came before this point is fed, or not, as it was until now
    engine.feeding = args[2] == b"1"
    if engine.feeding:
        engine.fed.append((b"feeding",))
    engine.master = args[1] == b"master"
    context = scripts_of(engine).context
    context.refusal, context.stale = args[3].decode(), args[4] == b"1"
    return OK


@handles("SHARD.PLACE")
def place(engine: Any, args: list[bytes]) -> Any:
    """SHARD.PLACE note [epoch-sequence]"""
    if len(args) > 2:
        epoch, _, sequence = args[2].partition(b"-")
        engine.records.passed((int(epoch), int(sequence)))
        engine.effect(b"ECHO", done_note(engine.records.last))
    if engine.records.reached(args[1], engine.changes):
        engine.effect_of([b"ECHO", args[1]])
    return OK
