"""The frames between a router and a shard: one ZeroMQ message is one batch.

Request (router to shard), little endian:

    header   generation u32, flags u32, now_ms i64, epoch u64, watermark u64       32 bytes
    entry    payload length u32, command id u16, database u8, flags u8, client u32  12 bytes
             payload: the command in RESP, as the client sent it

Reply (shard to router):

    header   generation u32, flags u32, stream offset u64                           16 bytes
    entry    payload length u32, kind u8, 3 bytes of padding                         8 bytes
             payload: RUN: the replies of one run; EVENT, FED: a RESP array; STREAM, SAME, DONE: see there

A run is a row of entries for one client; END_OF_RUN marks its last. Replies carry no ids:
runs are answered in the order of the link. What does not come in that order is an EVENT or DONE; what is about the
replication stream is FED, STREAM or SAME, and heard ahead of the message's replies: whoever is answered is in the stream
already.

generation: counts the router's links to this shard; a batch or reply of an older one is
dropped. epoch, watermark: multi-shard records up to (epoch, watermark) are known to be
applied by all their participants.
"""

from __future__ import annotations

import struct

REQUEST_HEADER = struct.Struct("<IIqQQ")
REQUEST_ENTRY = struct.Struct("<IHBBI")
REPLY_HEADER = struct.Struct("<IIQ")
REPLY_ENTRY = struct.Struct("<IB3x")
STREAM_HEAD = struct.Struct("<ii")

# A link opens with HELLO + JSON each way; no batch starts like this (generations are small).
HELLO = b"HELO"
# KILL + JSON {"token", "kind"} asks for the end of a running script; it overtakes everything.
KILL = b"KILL"
# LENT + a RESP array: what a running script has asked for (a key, other shards' replies, the router's reply), or why
# there is nothing.
LENT = b"LENT"
# ASIDE + a RESP array [token, database, command...]: a question that a shard answers at once, past what waits and in
# the midst of a script, by an event ("aside", token, reply).
ASIDE = b"ASDE"

# Flags of a request header.
ECHO = 1  # answer even if there is nothing to say: a heartbeat
KEPT = 2  # the router has the batch until it is answered: what it feeds to replicas may be named by its entry
BEHIND = 4  # a master's stream has piled up: it gives way to nobody

# Flags of a request entry.
RESP3 = 1
END_OF_RUN = 2
NO_TOUCH = 4
TRACK = 8
RESOLVE = 16  # belongs to the hold that the shard is in: it overtakes what waits behind it

FROM_MASTER = 32  # replicated: keys do not expire by this clock
SILENT = 64  # nobody wants the reply, and it is in no run
HUSHED = 128  # in a record: the events of what it writes are told by SHARD.NOTIFY
# What the parts of an operation carry of their client's flags; without TRACK where the router says itself what was read.
CARRIED = RESP3 | TRACK | FROM_MASTER
UNTRACKED = RESP3 | FROM_MASTER

# Flags of a reply header: the state of the shard.
OVER_MEMORY = 1
WRITE_ERROR = 2
LOADING = 4
ANSWER = 8  # it answers a batch: a router counts how many are under way
FEEDING = 16  # it has entries of the kinds FED, STREAM, SAME

# Kinds of a reply entry.
RUN = 0
EVENT = 1
FED = 2
STREAM = 3  # first database i32, last database i32, effects
SAME = 4  # first and last database, a bit for each entry of the batch at hand: the effects are those commands as they came
DONE = 5  # a commit: length of the operation's id u8, the id, what this shard's part was answered if that is wanted


def request(generation: int, now_ms: int, entries: list[tuple[int, int, int, int, bytes]], epoch: int = 0,
            watermark: int = 0) -> bytes:
    """A batch from (command id, database, flags, client, payload) tuples; for tests and tools,
    the router's compiled core builds its own."""
    parts = [REQUEST_HEADER.pack(generation, 0, now_ms, epoch, watermark)]
    for command_id, db, flags, client, payload in entries:
        parts.append(REQUEST_ENTRY.pack(len(payload), command_id, db, flags, client))
        parts.append(payload)
    return b"".join(parts)


def parse_reply(message: bytes) -> tuple[int, int, int, list[tuple[int, bytes]]]:
    """(generation, flags, stream offset, [(kind, payload), ...]) of a reply message."""
    generation, flags, offset = REPLY_HEADER.unpack_from(message)
    at = REPLY_HEADER.size
    entries = []
    while at < len(message):
        size, kind = REPLY_ENTRY.unpack_from(message, at)
        at += REPLY_ENTRY.size
        entries.append((kind, message[at : at + size]))
        at += size
    return generation, flags, offset, entries
