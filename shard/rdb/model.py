"""The numbers of the RDB format and the plain forms that its values have between file and keyspace.

| type   | plain form                                                     |
|--------|----------------------------------------------------------------|
| string | bytes                                                          |
| list   | list of bytes                                                  |
| set    | list of bytes                                                  |
| hash   | HashData                                                       |
| zset   | list of (member, score)                                        |
| stream | StreamData                                                     |

Source: redis.io, "Redis RDB dump file format", and files that redis-server 7.0.15 wrote.
"""

from __future__ import annotations

from dataclasses import dataclass, field

VERSION = 10  # what we write: Redis 7.0 and everything newer loads it
NEWEST = 12  # what we read

# Value types.
STRING, LIST, SET, ZSET, HASH, ZSET_2, MODULE, MODULE_2 = range(8)
HASH_ZIPMAP, LIST_ZIPLIST, SET_INTSET, ZSET_ZIPLIST, HASH_ZIPLIST = range(9, 14)
LIST_QUICKLIST, STREAM_1, HASH_LISTPACK, ZSET_LISTPACK, LIST_QUICKLIST_2, STREAM_2 = range(14, 20)
SET_LISTPACK, STREAM_3, HASH_FIELDS_PRE, HASH_LISTPACK_FIELDS_PRE, HASH_FIELDS, HASH_LISTPACK_FIELDS = range(20, 26)

# Operation codes.
SLOT_INFO, FUNCTION, FUNCTION_PRE, MODULE_AUX, IDLE, FREQ, AUX = range(244, 251)
RESIZE_DB, EXPIRE_MS, EXPIRE_S, SELECT_DB, END = range(251, 256)

# Names of our own AUX fields; Redis passes over fields that it does not know.
AUX_FIELD_EXPIRY = b"elixircache-hash-expiry"  # of the hash that follows: field, ms, field, ms, ... as a listpack
AUX_RECORD = b"elixircache-record"  # one multi-shard record that another shard may lack

StreamId = tuple[int, int]


@dataclass(slots=True)
class HashData:
    """items: field, value, field, value, ...; expiry: field -> unix ms, of fields that have one."""

    items: list[bytes]
    expiry: dict[bytes, int] = field(default_factory=dict)


@dataclass(slots=True)
class ConsumerData:
    """Times in unix ms; active -1: never read anything. pending: ids, ascending."""

    name: bytes
    seen: int
    active: int = -1
    pending: list[StreamId] = field(default_factory=list)


@dataclass(slots=True)
class GroupData:
    """pending: id -> (delivery time in unix ms, deliveries). entries_read -1: not known."""

    name: bytes
    last_id: StreamId
    entries_read: int = -1
    pending: dict[StreamId, tuple[int, int]] = field(default_factory=dict)
    consumers: list[ConsumerData] = field(default_factory=list)


@dataclass(slots=True)
class StreamData:
    """entries: (id, [field, value, field, value, ...]), ascending."""

    entries: list[tuple[StreamId, list[bytes]]] = field(default_factory=list)
    last_id: StreamId = (0, 0)
    max_deleted_id: StreamId = (0, 0)
    entries_added: int = 0
    groups: list[GroupData] = field(default_factory=list)
