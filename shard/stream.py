"""A shard's stream as its router gets it, for replicas: segments between multi-shard records.

    ("stream", first db, last db, bytes)                    effects as they stand in the journal
    ("same", first db, last db, bits)                       the same, of entries of the batch at hand as they came
    ("record", record id, participants, first db, last db, body, size)   one shard's part of a record; bytes of its journal
    ("place", number bytes inode db)                        where in the journal what follows begins, if that is not where
                                                            the last ended; nothing if there is no journal

The router joins the parts of a record into one MULTI ... EXEC, so no replica sees half of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster import records
from cluster.wire import parse_commands
from shard.replay import record_units

JournalPlace = tuple[int, int, int]  # number of the file, bytes in it, its inode
Unit = tuple[int, int, int, int, int, int]  # start, body, end of body, end, db before, db after


def segments(
    effects: bytes, units: list[Unit], first_db: int, last_db: int, blob_of: Callable[[bytes], bytes]
) -> list[tuple[Any, ...]]:
    """Cut a piece of the stream at its record units."""
    found: list[tuple[Any, ...]] = []
    at = 0
    db = first_db
    for start, body, body_end, end, db_before, db_after in units:
        if start > at:
            found.append((b"stream", db, db_before, effects[at:start]))
        record = records.unpack(blob_of(effects[start:body]))
        shards = b",".join(b"%d" % shard for shard in sorted(record.parts))
        name = b"%d-%d" % record.id
        # The body may open in a database that a SELECT before MULTI chose.
        inside = max(db_before, 0)
        part = effects[body:body_end]
        found.append((b"record", name, shards, b"%d" % inside, b"%d" % db_after, part, b"%d" % (end - start)))
        at = end
        db = db_after
    if at < len(effects):
        found.append((b"stream", db, last_db, effects[at:]))
    return found


def blob_of(prologue: bytes) -> bytes:
    """The record in the ECHO that opens its unit."""
    return bytes(parse_commands(prologue)[0][-1][1])


class Outlet:
    """Takes the engine's effects, for the journal and, while `engine.feeding`, for the router (as events). A core.

    db: the one that the effects taken so far end in.
    """

    def __init__(self, engine: Any):
        self.engine = engine
        self.db = -1
        self._first_db = -1  # selected where what was fed since the last `tell_place` begins
        self._size = 0  # bytes of that
        self._at = 0  # where it begins in `engine.fed`
        self._told: bytes | None = None

    def take(self) -> bytes:
        """The effects so far, b"" if there are none."""
        engine = self.engine
        effects: bytes = engine.take_stream()
        if effects:
            units, engine.units = engine.units, []
            same, size = engine.named_size == len(effects), engine.named_size
            named = engine.take_named() if size else b""
            if engine.feeding:
                if not self._size:
                    self._first_db, self._at = self.db, len(engine.fed)
                self._size += len(effects)
            if engine.feeding and same:
                engine.fed.append((b"same", self.db, engine.stream_db, named))
            elif engine.feeding:
                engine.fed.extend(segments(effects, units, self.db, engine.stream_db, blob_of))
            self.db = engine.stream_db
        return effects

    def tell_place(self, end: JournalPlace | None) -> None:
        """Say where in the journal what is fed now begins. `end`: where it ends (None: there is no journal): a shard that is
        restarted, or a new router, goes on from a place."""
        size, self._size = self._size, 0
        first_db, at = (self._first_db, self._at) if size else (self.db, len(self.engine.fed))
        text = b"" if end is None else b"%d %d %d %d" % (end[0], end[1] - size, end[2], first_db)
        if text != self._told:
            self.engine.fed.insert(at, (b"place", text))
        self._told = text if end is None else b"%d %d %d %d" % (*end, self.db)

    def greeted(self, place: str, since: Callable[[JournalPlace], bytes | None], end: JournalPlace | None) -> bool:
        """A router opened a link and wants to be told the stream from a place on that an earlier process told, if
        any ("" is none), up to the journal's `end`. `since` is the journal's. Whether it can be."""
        self._told = None
        self._size = 0
        words = [int(word) for word in place.split()]
        effects = since((words[0], words[1], words[2])) if len(words) == 4 else None
        self.engine.feeding = effects is not None
        if effects is None:
            return False
        units, self.db = record_units(effects, words[3])
        self.engine.fed.extend(segments(effects, units, words[3], self.db, blob_of))
        self._told = b"" if end is None else b"%d %d %d %d" % (*end, self.db)
        self.engine.fed.append((b"place", self._told))
        return True
