"""What a client has queued inside MULTI. Compiled."""

import cython
from cython.cimports.cluster.wire import Buffer, encode_command, split_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cython.cimports.libc.string import memcpy, memset
from cython.cimports.router.packing import PART_HEAD, RECORD_END, RECORD_HEAD, begin_part, begin_record, end_record

from cluster import frames
from cluster.command_table import BY_ID


@cython.cclass
class Queue:
    """The queued commands of one transaction.

    entries: as a batch carries them (cluster/frames.py). shards: of each, -1 when its keys lie on several.
    simple: all of them have keys on one shard each; failed: one could not be queued.
    """

    def __cinit__(self):
        self.entries = Buffer(512)
        self.shards = Buffer(32)

    def __init__(self, client: int):
        self.begin(client)

    @cython.cfunc
    @cython.exceptval(check=False)
    def begin(self, client: cython.uint) -> cython.void:
        """Nothing is queued yet."""
        self.client = client
        self.entries.clear()
        self.shards.clear()
        self.count = 0
        self.simple = True
        self.writes = False
        self.failed = False

    def append(self, command: int, args: list, db: int, flags: int):
        """Queue a command that plain Python has parsed; EXEC is left to plain Python, too."""
        raw: Buffer = Buffer(64)
        encode_command(raw, args)
        self.simple = False
        self.add(command, db, flags & frames.CARRIED, -1, raw.data, raw.size)

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

    @cython.cfunc
    def record(self, epoch: cython.ulonglong, sequence: cython.ulonglong, siblings: cython.ulonglong, made_ms: cython.ulonglong) -> bytes:
        """All of it as a record of these shards (cluster/records.py)."""
        sizes: cython.Py_ssize_t[64]
        places: cython.p_char[64]
        shards: cython.pointer(cython.short) = cython.cast(cython.pointer(cython.short), self.shards.data)
        i: cython.Py_ssize_t
        at: cython.Py_ssize_t = 0
        size: cython.Py_ssize_t
        shard: cython.int
        count: cython.int = 0
        to: cython.p_char
        memset(sizes, 0, cython.sizeof(sizes))
        for i in range(self.count):
            size = 12 + cython.cast(cython.pointer(cython.uint), self.entries.data + at)[0]
            sizes[shards[i]] += size
            at += size
        for shard in range(64):
            count += (siblings >> shard) & 1
        blob: bytes = PyBytes_FromStringAndSize(cython.NULL, RECORD_HEAD + PART_HEAD * count + self.entries.size + RECORD_END)
        to = begin_record(PyBytes_AS_STRING(blob), epoch, sequence, count)
        for shard in range(64):
            if (siblings >> shard) & 1:
                places[shard] = begin_part(to, shard, sizes[shard])
                to = places[shard] + sizes[shard]
        at = 0
        for i in range(self.count):
            size = 12 + cython.cast(cython.pointer(cython.uint), self.entries.data + at)[0]
            memcpy(places[shards[i]], self.entries.data + at, size)
            places[shards[i]] += size
            at += size
        end_record(to, made_ms)
        return blob

    @cython.cfunc
    def parts(self) -> dict:
        """shard -> its entries."""
        found: dict = {}
        at: cython.Py_ssize_t = 0
        i: cython.Py_ssize_t
        size: cython.Py_ssize_t
        shard: cython.int
        for i in range(self.count):
            size = 12 + cython.cast(cython.pointer(cython.uint), self.entries.data + at)[0]
            shard = cython.cast(cython.pointer(cython.short), self.shards.data)[i]
            found[shard] = found.get(shard, b"") + PyBytes_FromStringAndSize(self.entries.data + at, size)
            at += size
        return found

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


# Queues that were executed, for the next transactions: each has two buffers of its own.
_SPARE: list = []
SPARE_MOST = cython.declare(cython.int, 64)
SPARE_BYTES = cython.declare(cython.Py_ssize_t, 4096)


@cython.cfunc
def new_queue(client: cython.uint) -> Queue:
    """A queue of this client, empty."""
    queue: Queue = _SPARE.pop() if _SPARE else Queue.__new__(Queue)
    queue.begin(client)
    return queue


@cython.cfunc
@cython.exceptval(-1, check=True)
def spare_queue(queue: Queue) -> cython.int:
    """Nobody needs it any more."""
    if len(_SPARE) < SPARE_MOST and queue.entries.capacity <= SPARE_BYTES:
        _SPARE.append(queue)
    return 0


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
