"""What a client has queued inside MULTI. Compiled."""

import cython
from cython.cimports.cluster.wire import Buffer, encode_command, split_command
from cython.cimports.libc.string import memcpy

from cluster.command_table import BY_ID


@cython.cclass
class Queue:
    """The queued commands of one transaction.

    entries: as a batch carries them (cluster/frames.py). shards: of each, -1 when its keys lie on several.
    simple: all of them have keys on one shard each; failed: one could not be queued.
    """

    def __init__(self, client: int):
        self.client = client
        self.entries = Buffer(512)
        self.shards = Buffer(32)
        self.simple = True

    def append(self, command: int, args: list, db: int, flags: int):
        """Queue a command that plain Python has parsed; EXEC is left to plain Python, too."""
        raw: Buffer = Buffer(64)
        encode_command(raw, args)
        self.simple = False
        self.add(command, db, flags & 41, -1, raw.data, raw.size)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def add(
        self,
        command: cython.int,
        db: cython.int,
        flags: cython.int,
        shard: cython.short,
        raw: cython.pointer(cython.const[cython.char]),
        size: cython.Py_ssize_t,
    ) -> cython.int:
        begin_entry(self.entries, command, db, flags, self.client)
        cython.cast(cython.pointer(cython.uint), self.entries.data + self.entries.size - 12)[0] = size
        self.entries.append(raw, size)
        self.shards.append(cython.cast(cython.p_char, cython.address(shard)), 2)
        self.count += 1
        return 0

    def __len__(self):
        return self.count

    @property
    def size(self) -> int:
        """Bytes of all that is queued."""
        return self.entries.size

    def __iter__(self):
        """(row, arguments) of each command."""
        at: cython.Py_ssize_t = 0
        size: cython.uint = 0
        command: cython.ushort = 0
        found: list = []
        while at < self.entries.size:
            memcpy(cython.address(size), self.entries.data + at, 4)
            memcpy(cython.address(command), self.entries.data + at + 4, 2)
            found.append((BY_ID[command], split_command(self.entries.data + at + 12, size)))
            at += 12 + size
        return iter(found)


@cython.cfunc
@cython.exceptval(-1, check=True)
def begin_entry(
    out: Buffer, command: cython.int, db: cython.int, flags: cython.int, client: cython.uint
) -> cython.int:
    """An entry's header; its length is filled in when its payload is there."""
    at: cython.p_char
    out.reserve(12)
    at = out.data + out.size
    cython.cast(cython.pointer(cython.uint), at)[0] = 0
    cython.cast(cython.pointer(cython.ushort), at + 4)[0] = cython.cast(cython.ushort, command)
    at[6] = db
    at[7] = flags
    cython.cast(cython.pointer(cython.uint), at + 8)[0] = client
    out.size += 12
    return 0
