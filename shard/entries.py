"""The command table as a shard has it: each row with its handler and what has been counted of it. Compiled."""

import cython
from cython.cimports.libc.stdlib import calloc, free

from cluster.command_table import BY_ID, TABLE
from cluster.command_table.model import F, NumKeys, Range
from shard.registry import HANDLERS

# Buckets of 1/16 up to half an hour: 2 times 16, and 16 for each further power of two.
BUCKETS = cython.declare(cython.int, 448)
LONGEST_US = cython.declare(cython.longlong, (1 << 31) - 1)


# Writes that look up their key as a read does: what is not there is a miss.
READING = {"GETDEL", "GETEX", "GETSET", "XACK", "XAUTOCLAIM", "XCLAIM", "XREADGROUP"}


def key_place(keys) -> int:
    """Where a command's first key stands, as far as its row tells: its number among the arguments, or 0."""
    if isinstance(keys, Range):
        return keys.first if keys.first == 1 else 0
    return keys.at + 1 if isinstance(keys, NumKeys) else 0


def traits(command) -> tuple:
    """(write, whether look-ups count as reads, denyoom, shown in the slow log, quick, whether scripts may call it, where its first key stands)."""
    flags = command.flags
    return (
        bool(flags & F.WRITE),
        not flags & F.INTERNAL
        and (not flags & F.WRITE or "RO ACCESS" in command.access or command.name in READING)
        and not command.name.startswith(("OBJECT", "MEMORY")),
        bool(flags & F.DENYOOM),
        not flags & (F.INTERNAL | F.SKIP_SLOWLOG),
        bool(flags & F.FAST),
        not flags & (F.NOSCRIPT | F.INTERNAL),
        key_place(command.keys),
    )


# Commands on one element each, and where its name stands: among many elements looking it up is most of the work.
MEMBER_AT = dict.fromkeys(
    """HDEL HEXISTS HGET HINCRBY HINCRBYFLOAT HMGET HMSET HSET HSETNX HSTRLEN SADD SISMEMBER SMISMEMBER SREM
    ZMSCORE ZRANK ZREM ZREVRANK ZSCORE""".split(),
    2,
) | {"ZADD": 3, "ZINCRBY": 3}
# Of a list both ends are asked for, whatever stands there.
MEMBER_AT |= dict.fromkeys("LINDEX LLEN LPOP LPUSH LPUSHX LRANGE RPOP RPUSH RPUSHX".split(), 1)
TRAITS = [traits(command) for command in BY_ID]  # once: a simulation makes engines by the thousand


@cython.cclass
class Entry:
    """A row of the command table with its handler and its statistics on this shard."""

    def __init__(self, command):
        self.command = command
        self.id = command.id
        self.name = command.name.encode()
        self.arity = command.arity
        self.handler = HANDLERS.get(command.name)
        self.write, self.reads, self.denyoom, self.shown, self.quick, self.scriptable, self.key_at = TRAITS[self.id]
        self.member_at = MEMBER_AT.get(command.name, 0)
        self.direct = {"GET": DIRECT_GET, "SET": DIRECT_SET, "DEL": DIRECT_DEL, "INCR": DIRECT_INCR, "DECR": DIRECT_DECR}.get(
            command.name, NOT_DIRECT
        )
        self.inner = {"SHARD.TXN": INNER_TXN, "SHARD.HOLD": INNER_HOLD, "SHARD.COMMIT": INNER_COMMIT}.get(
            command.name, NOT_INNER
        )
        self.subcommands = {}

    def __dealloc__(self):
        free(self.times)

    @cython.ccall
    @cython.exceptval(check=False)
    def took(self, us: cython.longlong) -> cython.void:
        """A call took so long. While it is `tracked`, its bucket (`cluster.latencies.bucket`) counts it."""
        shift: cython.int = 0
        self.usec += us
        if not self.tracked:
            return
        if self.times == cython.NULL:
            self.times = cython.cast(cython.pointer(cython.ulonglong), calloc(BUCKETS, cython.sizeof(cython.ulonglong)))
            if self.times == cython.NULL:
                return
        us = max(0, min(us, LONGEST_US))
        while us >> shift > 31:
            shift += 1
        self.times[shift * 16 + (us >> shift)] += 1

    def latencies(self) -> dict:
        """The largest us of a bucket -> how many calls fell into it."""
        found = {}
        shift: cython.int
        if self.times != cython.NULL:
            for i in range(BUCKETS):
                if self.times[i]:
                    shift = max(0, i // 16 - 1)
                    found[(((i - shift * 16) + 1) << shift) - 1] = self.times[i]
        return found

    def forget(self):
        """Count from 0 again."""
        self.calls = self.usec = self.failed = self.rejected = 0
        free(self.times)
        self.times = cython.NULL


def build_entries():
    """(entries by id, top-level entries by upper-case name)."""
    entries = [Entry(command) for command in BY_ID]
    by_name = {}
    for entry in entries:
        if b"|" in entry.name:
            container, _, sub = entry.name.partition(b"|")
            entries[TABLE[container.decode()].id].subcommands[sub] = entry
        else:
            by_name[entry.name] = entry
    return entries, by_name
