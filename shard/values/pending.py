"""Consumer groups of streams: what was delivered and not yet acknowledged. Compiled.

    Group.pel      ordered by entry id: (id, delivery time, delivery count, consumer)
    Consumer.pel   the same ids, only those of one consumer

A list is kept in chunks of up to 128 rows, so that finding, adding and removing cost a binary
search and a short move wherever they happen. Invariant: an id is in the group's list exactly
when it is in the list of the one consumer that the group's row points to; consumers are kept
alive by the group's dictionary.
"""

import cython
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cython.cimports.libc.string import memcpy, memmove

CHUNK_MAX = cython.declare(cython.int, 128)


@cython.cclass
class PendingList:
    """Rows ordered by id (two unsigned 64-bit numbers)."""

    def __dealloc__(self):
        i: cython.int
        for i in range(self.used):
            PyMem_Free(self.chunks[i].items)
        PyMem_Free(self.chunks)

    def __len__(self):
        return self.size

    @cython.cfunc
    @cython.exceptval(check=False)
    def locate(self, ms: u64, seq: u64) -> cython.bint:
        """Put `at_chunk` and `at` on the first row whose id is not below this one; whether
        there is such a row. If there is none they stand where it would be appended."""
        low: cython.int = 0
        high: cython.int = self.used
        middle: cython.int
        row: cython.pointer(Pending)
        while high - low > 1:
            middle = (low + high) >> 1
            row = self.chunks[middle].items
            if row.ms < ms or (row.ms == ms and row.seq <= seq):
                low = middle
            else:
                high = middle
        self.at_chunk = low
        self.at = 0
        if self.used == 0:
            return False
        high = self.chunks[low].count
        while self.at < high:
            middle = (self.at + high) >> 1
            row = self.chunks[low].items + middle
            if row.ms < ms or (row.ms == ms and row.seq < seq):
                self.at = middle + 1
            else:
                high = middle
        if self.at < self.chunks[low].count:
            return True
        if low + 1 < self.used:
            self.at_chunk = low + 1
            self.at = 0
            return True
        return False

    @cython.cfunc
    @cython.exceptval(check=False)
    def current(self) -> cython.pointer(Pending):
        return self.chunks[self.at_chunk].items + self.at

    @cython.cfunc
    @cython.exceptval(check=False)
    def step(self) -> cython.bint:
        """Go to the next row; whether there is one."""
        self.at += 1
        if self.at < self.chunks[self.at_chunk].count:
            return True
        self.at_chunk += 1
        self.at = 0
        return self.at_chunk < self.used

    @cython.cfunc
    @cython.exceptval(check=False)
    def find(self, ms: u64, seq: u64) -> cython.pointer(Pending):
        """The row of an id, or NULL."""
        row: cython.pointer(Pending)
        if not self.locate(ms, seq):
            return cython.NULL
        row = self.current()
        if row.ms == ms and row.seq == seq:
            return row
        return cython.NULL

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def insert(self, ms: u64, seq: u64, time: cython.longlong, count: u64, consumer: cython.p_void) -> cython.int:
        """Add a row whose id is not there yet."""
        there: cython.bint = self.locate(ms, seq)
        at: cython.int = self.at_chunk
        position: cython.int = self.at
        half: cython.int
        chunk: cython.pointer(Chunk)
        pointer: cython.p_void
        if self.used == 0:
            self.new_chunk(0, 4)
        chunk = cython.address(self.chunks[at])
        if chunk.count == CHUNK_MAX:
            if not there:
                at += 1
                position = 0
                self.new_chunk(at, 16)
            else:
                half = CHUNK_MAX // 2
                self.new_chunk(at + 1, CHUNK_MAX)
                chunk = cython.address(self.chunks[at])
                memcpy(self.chunks[at + 1].items, chunk.items + half, (CHUNK_MAX - half) * cython.sizeof(Pending))
                self.chunks[at + 1].count = CHUNK_MAX - half
                chunk.count = half
                if position > half:
                    at += 1
                    position -= half
            chunk = cython.address(self.chunks[at])
        if chunk.count == chunk.room:
            half = min(CHUNK_MAX, chunk.room + chunk.room // 2 + 2)
            pointer = PyMem_Realloc(chunk.items, half * cython.sizeof(Pending))
            if pointer == cython.NULL:
                raise MemoryError
            chunk.items = cython.cast(cython.pointer(Pending), pointer)
            chunk.room = half
        memmove(chunk.items + position + 1, chunk.items + position, (chunk.count - position) * cython.sizeof(Pending))
        chunk.items[position].ms = ms
        chunk.items[position].seq = seq
        chunk.items[position].time = time
        chunk.items[position].count = count
        chunk.items[position].consumer = consumer
        chunk.count += 1
        self.size += 1
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def new_chunk(self, at: cython.int, room: cython.int) -> cython.int:
        wider: cython.int
        pointer: cython.p_void
        if self.used == self.room:
            wider = self.room + self.room // 2 + 1
            pointer = PyMem_Realloc(self.chunks, wider * cython.sizeof(Chunk))
            if pointer == cython.NULL:
                raise MemoryError
            self.chunks = cython.cast(cython.pointer(Chunk), pointer)
            self.room = wider
        pointer = PyMem_Malloc(room * cython.sizeof(Pending))
        if pointer == cython.NULL:
            raise MemoryError
        memmove(self.chunks + at + 1, self.chunks + at, (self.used - at) * cython.sizeof(Chunk))
        self.chunks[at].items = cython.cast(cython.pointer(Pending), pointer)
        self.chunks[at].room = room
        self.chunks[at].count = 0
        self.used += 1
        return 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def discard(self, ms: u64, seq: u64) -> cython.bint:
        """Remove a row; whether it was there."""
        chunk: cython.pointer(Chunk)
        if self.find(ms, seq) == cython.NULL:
            return False
        chunk = cython.address(self.chunks[self.at_chunk])
        chunk.count -= 1
        self.size -= 1
        memmove(chunk.items + self.at, chunk.items + self.at + 1, (chunk.count - self.at) * cython.sizeof(Pending))
        if chunk.count == 0:
            PyMem_Free(chunk.items)
            self.used -= 1
            memmove(chunk, chunk + 1, (self.used - self.at_chunk) * cython.sizeof(Chunk))
        return True

    def items(self) -> list:
        """[((ms, seq), delivery time in unix ms, delivery count, Consumer) ...] by id.
        The group whose consumers these are must be alive."""
        found: list = []
        i: cython.int
        for i in range(self.used):
            found += self.chunk(i)
        return found

    @property
    def chunk_count(self):
        """How many chunks there are."""
        return self.used

    def chunk(self, number: cython.int) -> list:
        """The rows of one chunk, like `items`."""
        found: list = []
        row: cython.pointer(Pending)
        i: cython.int
        for i in range(self.chunks[number].count):
            row = self.chunks[number].items + i
            found.append(((row.ms, row.seq), row.time, row.count, cython.cast(Consumer, row.consumer)))
        return found

    def memory(self) -> int:
        """Bytes that the rows take."""
        total: cython.Py_ssize_t = 64 + self.room * cython.sizeof(Chunk)
        i: cython.int
        for i in range(self.used):
            total += self.chunks[i].room * cython.sizeof(Pending)
        return total


@cython.cclass
class Consumer:
    """A named reader of a group. `seen`: last attempt, `active`: last success (-1: none yet),
    both unix ms."""

    def __init__(self, name: bytes, seen: cython.longlong = 0, active: cython.longlong = -1):
        self.name = name
        self.seen = seen
        self.active = active
        self.pel = PendingList()


@cython.cclass
class Group:
    """A consumer group: the last id that it delivered, its consumers and what is pending.
    `entries_read` is -1 when it cannot be known."""

    def __init__(self, last_id=(0, 0), entries_read: cython.longlong = -1):
        self.last_ms, self.last_seq = last_id
        self.entries_read = entries_read
        self.pel = PendingList()
        self.consumers = {}

    @property
    def last_id(self):
        """(ms, seq)"""
        return self.last_ms, self.last_seq

    def create(self, name: bytes, seen: int = 0, active: int = -1):
        """A new consumer, or the one that has this name."""
        consumer = self.consumers.get(name)
        if consumer is None:
            consumer = self.consumers[name] = Consumer(name, seen, active)
        return consumer

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def give(self, ms: u64, seq: u64, consumer: Consumer, time: cython.longlong, count: u64) -> cython.int:
        """Make an entry pending for a consumer, whoever had it before."""
        row: cython.pointer(Pending) = self.pel.find(ms, seq)
        owner: cython.p_void = cython.cast(cython.p_void, consumer)
        if row == cython.NULL:
            self.pel.insert(ms, seq, time, count, owner)
            consumer.pel.insert(ms, seq, 0, 0, owner)
            return 0
        row.time = time
        row.count = count
        if row.consumer != owner:
            cython.cast(Consumer, row.consumer).pel.discard(ms, seq)
            row.consumer = owner
            consumer.pel.insert(ms, seq, 0, 0, owner)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def acknowledge(self, ms: u64, seq: u64) -> cython.bint:
        """An entry is no longer pending; whether it was."""
        row: cython.pointer(Pending) = self.pel.find(ms, seq)
        if row == cython.NULL:
            return False
        cython.cast(Consumer, row.consumer).pel.discard(ms, seq)
        self.pel.discard(ms, seq)
        return True

    def add_pending(self, entry_id, consumer: Consumer, time: int, count: int) -> None:
        """For loaders: one pending entry ((ms, seq), its consumer, unix ms, count)."""
        self.give(entry_id[0], entry_id[1], consumer, time, count)

    def remove(self, name: bytes) -> int:
        """Delete a consumer with all that it has pending; how many entries that were."""
        consumer: Consumer = self.consumers.pop(name)
        for entry_id, _, _, _ in consumer.pel.items():
            self.pel.discard(entry_id[0], entry_id[1])
        return len(consumer.pel)

    def copy(self):
        """A group of its own with the same state."""
        other = Group((self.last_ms, self.last_seq), self.entries_read)
        for consumer in self.consumers.values():
            other.create(consumer.name, consumer.seen, consumer.active)
        for entry_id, time, count, consumer in self.pel.items():
            other.add_pending(entry_id, other.consumers[consumer.name], time, count)
        return other

    def memory(self) -> int:
        """Bytes that it takes."""
        total = 200 + self.pel.memory()
        for consumer in self.consumers.values():
            total += 200 + len(consumer.name) + consumer.pel.memory()
        return total
