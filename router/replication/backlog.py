"""The end of the replication stream, in a ring: what replicas may still lack. Compiled.

    ... | kept for those who come back | unsent: not given to the replicas that are online yet |
                                                                                       offset, db

What shards feed comes here without passing through Python. A core: no I/O, no clock.
"""

import cython
from cython.cimports.cluster.wire import Buffer, encode_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.stdlib import free, malloc
from cython.cimports.libc.string import memcpy

from cluster import frames

# A busy stream goes out in pieces of this size, or of some age: each costs both routers as much as a hundred commands.
PIECE = cython.declare(cython.Py_ssize_t, 1 << 18)
SAME = cython.declare(cython.int, frames.SAME)


@cython.cclass
class Backlog:
    """capacity: bytes that are kept. offset: of the last byte. db: the one that the stream has selected, -1 if none.

    direct: for each shard, whether what it feeds may go out at once; if not, on_queued(shard, event) gets it
    (cluster/frames.py, shard/stream.py).
    online: there are replicas that get the stream as it comes; on_unsent(): there is something for them,
    on_piece(): a piece of it is full; both may, and room that is needed makes it must, take what is unsent.
    keeping: on_kept(bytes) gets what comes, too.
    waiting: no on_unsent() for now.
    """

    def __init__(self, capacity: int):
        self.capacity = capacity
        self.ring = cython.NULL
        self.db = -1
        self.direct = []
        self.named = Buffer(1 << 16)
        self.on_unsent = self.on_piece = self.on_large = self.on_kept = self.on_queued = None

    def __dealloc__(self):
        free(self.ring)

    def __len__(self):
        return self.used

    def put(self, data: bytes):
        """Bytes at the end of the stream."""
        self.append(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        self.settle()

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def append(self, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.int:
        """The same; the caller calls `settle` behind the last of some."""
        room: cython.Py_ssize_t
        if self.keeping:
            self.on_kept(PyBytes_FromStringAndSize(data, size))
        if self.online and self.unsent + size > self.capacity:
            if self.unsent:
                self.on_piece()
            if size > self.capacity:
                self.on_large(PyBytes_FromStringAndSize(data, size))
                self.unsent = -size  # these bytes are no longer to be sent
        self.offset += size
        if self.online:
            self.unsent += size
        if size > self.capacity:
            data += size - self.capacity
            size = self.capacity
        if self.ring == cython.NULL:
            self.ring = cython.cast(cython.p_char, malloc(max(self.capacity, 1)))
            if self.ring == cython.NULL:
                raise MemoryError()
        room = min(size, self.capacity - self.end)
        memcpy(self.ring + self.end, data, room)
        memcpy(self.ring, data + room, size - room)
        self.end = (self.end + size) % self.capacity
        self.used = min(self.used + size, self.capacity)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def fed(
        self,
        shard: cython.int,
        kind: cython.int,
        batch: bytes,
        data: cython.pointer(cython.const[cython.char]),
        size: cython.Py_ssize_t,
    ) -> cython.int:
        """A piece of a shard's stream, an entry of the kind STREAM or SAME. `batch`: the one that the shard is answering."""
        first: cython.int = 0
        last: cython.int = 0
        memcpy(cython.address(first), data, 4)
        memcpy(cython.address(last), data + 4, 4)
        data += 8
        size -= 8
        if kind == SAME:
            self._gather(batch, data, size)
            data, size = self.named.data, self.named.size
        if not self.direct[shard]:
            self.on_queued(shard, [b"stream", first, last, PyBytes_FromStringAndSize(data, size)])
            return 0
        self.select(first)
        self.append(data, size)
        self.db = last
        return self.settle()

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _gather(self, batch: bytes, bits: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.int:
        """Put those commands of a batch whose bits are set together, in `named`."""
        data: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(batch)
        end: cython.Py_ssize_t = PyBytes_GET_SIZE(batch)
        at: cython.Py_ssize_t = 32
        number: cython.Py_ssize_t = 0
        length: cython.uint = 0
        self.named.clear()
        self.named.reserve(end)
        while at + 12 <= end and number < 8 * size:
            memcpy(cython.address(length), data + at, 4)
            at += 12
            if bits[number >> 3] >> (number & 7) & 1:
                self.named.append(data + at, length)
            at += length
            number += 1
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def select(self, db: cython.int) -> cython.int:
        """What follows is in this database; -1: it says so itself."""
        if db != -1 and db != self.db:
            words: Buffer = Buffer(64)
            encode_command(words, [b"SELECT", db])
            self.append(words.data, words.size)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def settle(self) -> cython.int:
        """Let those hear of it who send it."""
        if self.unsent >= PIECE:
            self.on_piece()
        elif self.unsent > 0 and not self.waiting:
            self.on_unsent()
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def copy(self, out: Buffer, count: cython.Py_ssize_t) -> cython.int:
        """Append the last `count` bytes (at most `used`) to a buffer."""
        start: cython.Py_ssize_t = self.end - count
        if count <= 0:
            return 0
        if start >= 0:
            return out.append(self.ring + start, count)
        out.append(self.ring + self.capacity + start, -start)
        return out.append(self.ring, self.end)

    def last(self, count: int) -> bytes:
        """The last `count` bytes; ValueError if it has fewer."""
        if count > self.used:
            raise ValueError(f"the backlog has {self.used} bytes, not {count}")
        out: Buffer = Buffer(max(count, 1))
        self.copy(out, count)
        return out.take()

    def take_unsent(self) -> int:
        """How many of the last bytes are to be sent; whoever asks sends them."""
        count = self.unsent
        self.unsent = 0
        return count

    def cut(self, count: int):
        """The last bytes never happened."""
        gone = min(count, self.used)
        if gone:
            self.end = (self.end - gone) % self.capacity
            if self.end < 0:
                self.end += self.capacity
        self.used -= gone
        self.offset -= count
        self.unsent = max(self.unsent - count, 0)

    def clear(self):
        """Keep nothing of what came so far."""
        self.used = self.end = 0
        self.unsent = 0

    def resize(self, capacity: int):
        """Keep so many bytes from now on."""
        if self.unsent:
            self.on_piece()
        kept = self.last(min(capacity, self.used))
        free(self.ring)
        self.ring = cython.NULL
        self.capacity = capacity
        offset, online, keeping = self.offset, self.online, self.keeping
        self.used = self.end = 0
        self.online = self.keeping = False
        if kept:
            self.append(PyBytes_AS_STRING(kept), PyBytes_GET_SIZE(kept))
        self.offset, self.online, self.keeping = offset, online, keeping
