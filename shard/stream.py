"""A shard's stream as its router gets it, for replicas: segments between multi-shard records.

    ("stream", first db, last db, bytes)                    effects as they stand in the journal
    ("record", record id, participants, first db, last db, body)   one shard's part of a record

The router joins the parts of a record into one MULTI ... EXEC, so no replica sees half of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster import records

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
            found.append((b"stream", b"%d" % db, b"%d" % db_before, effects[at:start]))
        record = records.unpack(blob_of(effects[start:body]))
        shards = b",".join(b"%d" % shard for shard in sorted(record.parts))
        name = b"%d-%d" % record.id
        # The body may open in a database that a SELECT before MULTI chose.
        inside = max(db_before, 0)
        found.append((b"record", name, shards, b"%d" % inside, b"%d" % db_after, effects[body:body_end]))
        at = end
        db = db_after
    if at < len(effects):
        found.append((b"stream", b"%d" % db, b"%d" % last_db, effects[at:]))
    return found
