"""The end of the replication stream, in a ring: what replicas may still lack. Compiled.

    ... | kept for those who come back | unsent: not given to the replicas that are online yet |
                                                                                       offset, db

What shards feed comes here without passing through Python. Beside it stands how far each shard's own stream is in it: a
router that is started anew goes on from there (router/replication/ring.py). A core: no clock, no I/O but that file.
"""

import os

import cython
from cython.cimports.cluster.wire import Buffer, encode_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcpy
from cython.cimports.router.replication.ring import Ring

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
    A shard's place, (number of its journal's file, bytes of it, the file's inode) and the database selected there, is
    told by `place`, and goes on with what comes from the shard.
    """

    def __init__(self, capacity: int, shards: int = 1):
        self.capacity = capacity
        self.ring = Ring(0, shards)
        self.path = self.owner = ""
        self.db = -1
        self.direct = []
        self.named = Buffer(1 << 16)
        self.on_unsent = self.on_piece = self.on_large = self.on_kept = self.on_queued = None

    def __len__(self):
        return self.used

    # -- what a router leaves to its successor ---------------------------------------------

    def keep_at(self, path: str, owner: str) -> object:
        """Use this file from now on. (name, second name, its offset, whether the same supervisor goes on with it) of the
        stream that an earlier router has left there, whose end and places count now; None if there is none."""
        self.path, self.owner = path, owner
        ring: Ring
        ring, same = Ring.recover(path, self.ring.shards, owner)
        if ring is None:
            try:
                os.unlink(path)
            except OSError:
                pass
            return None
        wanted = self.capacity
        self.ring, self.capacity = ring, ring.capacity
        self.offset, self.end, self.used, self.db = ring.state[0], ring.state[1], ring.state[2], ring.state[3]
        names = PyBytes_FromStringAndSize(ring.names, 80).decode()
        if wanted != self.capacity:
            self.resize(wanted)
        return names[:40], names[40:], ring.state[5], same

    def describe(self, name: str, name2: str, offset2: int, lasting: bool):
        """What the stream is called. lasting: a successor may go on with it: it is made of all the shards' streams."""
        names: bytes = (name + name2).encode()
        if len(names) != 80:
            raise ValueError("a replication id has 40 digits")
        memcpy(self.ring.names, cython.cast(cython.p_char, names), 80)
        self.ring.state[4], self.ring.state[5] = lasting, offset2
        self.commit()

    def place(
        self, shard: cython.int, number: cython.longlong, size: cython.longlong, inode: cython.longlong, db: cython.int
    ):
        """What comes next of a shard's stream begins here in its journal; a number of -1: nobody knows where."""
        places: cython.pointer(cython.longlong) = self.ring.places + 4 * shard
        places[0], places[1], places[2], places[3] = number, size, inode, db
        self.commit()

    def place_of(self, shard: cython.int) -> object:
        """(number, bytes, inode, db) up to where a shard's stream is in ours; None if that is not known."""
        places: cython.pointer(cython.longlong) = self.ring.places + 4 * shard
        return None if places[0] < 0 else (places[0], places[1], places[2], places[3])

    def merge(self, data: bytes, parts: object, db: int):
        """A piece of the stream that parts of the shards' are in: (shard, bytes of its journal, database at their end). `db`:
        what is selected behind it."""
        self.append(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        self.db = db
        for shard, size, last in parts:
            self.reached(shard, size, last)
        self.commit()
        self.settle()

    def forget_db(self):
        """Who joins the stream here has another database selected: what comes next says its own."""
        self.db = -1
        self.commit()

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def reached(self, shard: cython.int, size: cython.longlong, db: cython.int) -> cython.int:
        """So much more of a shard's stream is in ours; the caller calls `commit`."""
        self.ring.places[4 * shard + 1] += size
        self.ring.places[4 * shard + 3] = db
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def commit(self) -> cython.int:
        """The stream's end and the shards' places belong together as they are now."""
        self.ring.state[0], self.ring.state[1] = self.offset, self.end
        self.ring.state[2], self.ring.state[3] = self.used, self.db
        return self.ring.commit()

    # -- what comes ------------------------------------------------------------------------

    def put(self, data: bytes):
        """Bytes at the end of the stream that are no shard's."""
        self.append(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        self.commit()
        self.settle()

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def append(self, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.int:
        """The same; the caller calls `commit` and `settle` behind the last of some."""
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
        if not self.ring.capacity:
            self._make_ring()
        self.ring.writing(size)
        room = min(size, self.capacity - self.end)
        memcpy(self.ring.bytes + self.end, data, room)
        memcpy(self.ring.bytes, data + room, size - room)
        self.end = (self.end + size) % self.capacity
        self.used = min(self.used + size, self.capacity)
        return 0

    def _make_ring(self):
        """A ring of the capacity that knows what the one before knew."""
        before: Ring = self.ring
        fresh: Ring = Ring(self.capacity, before.shards, self.path, self.owner)
        memcpy(fresh.state, before.state, 48)
        memcpy(fresh.names, before.names, 80)
        memcpy(fresh.places, before.places, 32 * before.shards)
        self.ring = fresh

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
        self.reached(shard, size, last)
        self.commit()
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
            return out.append(self.ring.bytes + start, count)
        out.append(self.ring.bytes + self.capacity + start, -start)
        return out.append(self.ring.bytes, self.end)

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
        self.commit()

    def clear(self):
        """Keep nothing of what came so far."""
        self.used = self.end = 0
        self.unsent = 0
        self.commit()

    def resize(self, capacity: int):
        """Keep so many bytes from now on."""
        if self.unsent:
            self.on_piece()
        kept = self.last(min(capacity, self.used))
        self.capacity = capacity
        if not self.ring.capacity:
            return
        self._make_ring()
        offset, online, keeping = self.offset, self.online, self.keeping
        self.used = self.end = 0
        self.online = self.keeping = False
        if kept:
            self.append(PyBytes_AS_STRING(kept), PyBytes_GET_SIZE(kept))
        self.offset, self.online, self.keeping = offset, online, keeping
        self.commit()
