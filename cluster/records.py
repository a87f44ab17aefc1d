"""Multi-shard records: one write that touches several shards, with all its parts.

    blob = "EXR1"  epoch u64  sequence u64  participants u16
           then for each participant: shard u16, length u32, its entries (cluster.frames)
           at the end: when it was made, unix ms u64; journals of earlier versions have records without it

The numbers of commands in entries are those of the version that made the record; shards that get one from a journal go by
the names. Each participant journals the whole blob, so whoever has it can hand the others what they
lack. Ids grow along every link in the order in which the parts are executed; a shard
therefore lacks exactly the records above the last one that it has.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cluster import frames

MAGIC = b"EXR1"
DONE = b"EXD1"  # opens a journal's note that all records up to an id have been applied everywhere
_HEAD = struct.Struct("<4sQQH")
_PART = struct.Struct("<HI")
_TIME = struct.Struct("<Q")

PLACE = b"EXS1"  # opens a journal's note that up to a place in the master's stream everything is here

RecordId = tuple[int, int]
Place = tuple[str, int, int]  # replication id, offset, the database that is selected there


@dataclass(frozen=True, slots=True)
class Record:
    """(epoch, sequence) and, for each participating shard, its entries as bytes. made_ms: unix ms, 0 if that is not known."""

    id: RecordId
    parts: dict[int, bytes]
    made_ms: int = 0

    def pack(self) -> bytes:
        out = [_HEAD.pack(MAGIC, self.id[0], self.id[1], len(self.parts))]
        for shard, entries in self.parts.items():
            out.append(_PART.pack(shard, len(entries)))
            out.append(entries)
        if self.made_ms:
            out.append(_TIME.pack(self.made_ms))
        return b"".join(out)


def unpack(blob: bytes) -> Record:
    """The record in a blob. ValueError if it is none."""
    try:
        magic, epoch, sequence, count = _HEAD.unpack_from(blob)
        if magic != MAGIC:
            raise ValueError("not a record")
        at = _HEAD.size
        parts = {}
        for _ in range(count):
            shard, size = _PART.unpack_from(blob, at)
            at += _PART.size
            if at + size > len(blob):
                raise ValueError("cut record")
            parts[shard] = blob[at : at + size]
            at += size
        made_ms = _TIME.unpack_from(blob, at)[0] if at < len(blob) else 0
    except struct.error as error:
        raise ValueError("cut record") from error
    return Record((epoch, sequence), parts, made_ms)


def done_note(record: RecordId) -> bytes:
    """The note that records up to this one have been applied by all their participants."""
    return DONE + struct.pack("<QQ", *record)


def done_id(note: bytes) -> RecordId:
    """The id in such a note. ValueError if it is none."""
    try:
        epoch, sequence = struct.unpack_from("<QQ", note, len(DONE))
    except struct.error as error:
        raise ValueError("cut note") from error
    return (epoch, sequence)


def record_id(blob: bytes) -> RecordId:
    """Only the id of a packed record."""
    _, epoch, sequence, _ = _HEAD.unpack_from(blob)
    return (epoch, sequence)


def pack_entries(entries: list[tuple[int, int, int, int, bytes]]) -> bytes:
    """Entries from (command id, database, flags, client, raw command) tuples."""
    out = []
    for command_id, db, flags, client, raw in entries:
        out.append(frames.REQUEST_ENTRY.pack(len(raw), command_id, db, flags, client))
        out.append(raw)
    return b"".join(out)


def unpack_entries(data: bytes) -> list[tuple[int, int, int, int, bytes]]:
    """The reverse of `pack_entries`."""
    entries = []
    at = 0
    while at < len(data):
        size, command_id, db, flags, client = frames.REQUEST_ENTRY.unpack_from(data, at)
        at += frames.REQUEST_ENTRY.size
        entries.append((command_id, db, flags, client, data[at : at + size]))
        at += size
    return entries


def place_note(place: Place) -> bytes:
    """The note that a replica's shard has everything of its master's stream up to this place."""
    return PLACE + bytes.fromhex(place[0]) + struct.pack("<QB", place[1], place[2])


def noted_place(note: bytes) -> Place:
    """The place in such a note. ValueError if it is none."""
    if len(note) != len(PLACE) + 29:
        raise ValueError("cut note")
    offset, db = struct.unpack_from("<QB", note, len(PLACE) + 20)
    return (note[len(PLACE) : len(PLACE) + 20].hex(), offset, db)
