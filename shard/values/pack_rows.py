"""The row of packs that a list consists of. Compiled.

    blocks  [.. free ..][pack][pack][pack][.. free ..]
                        ^first           ^first + used

Both ends take and give in constant time. A place is found by adding up the packs' counts from
the nearer end: a list of a million short elements has some two thousand packs. An element
larger than a pack's limit has a pack of its own. Invariant: no pack is empty.
"""

import cython
from cython.cimports.libc.stdlib import free, malloc
from cython.cimports.libc.string import memcpy, memmove, memset
from cython.cimports.shard.slot_table import elixir_prefetch
from cython.cimports.shard.values.elements import Elements
from cython.cimports.shard.values.packed import (
    Pack,
    pack_append,
    pack_bytes_used,
    pack_first,
    pack_free,
    pack_get,
    pack_next,
    pack_seek,
    pack_trim,
)

LIMITS[0] = 8192
LIMITS[1] = 1 << 30


def set_limits(size: int) -> None:
    """list-max-listpack-size: elements of a pack, or -1 ... -5 for 4, 8, 16, 32, 64 KB."""
    if size < 0:
        LIMITS[0] = 2048 << min(-size, 5)
        LIMITS[1] = 1 << 30
    else:
        LIMITS[0] = 8192
        LIMITS[1] = max(size, 1)


@cython.cclass
class PackRow(Elements):
    """Packs in a row, with `size` elements in all; places are numbers of packs and offsets in them."""

    def __dealloc__(self):
        i: cython.Py_ssize_t
        for i in range(self.first, self.first + self.used):
            pack_free(cython.address(self.blocks[i]))
        free(self.blocks)

    @cython.cfunc
    @cython.exceptval(check=False)
    def ask(self, member: bytes, step: cython.int) -> cython.bint:
        """Ask for both ends, where most commands are at work, whatever the element: their packs, then what these hold there."""
        first: cython.pointer(Pack)
        last: cython.pointer(Pack)
        if self.used == 0:
            return False
        first = self.blocks + self.first
        last = first + self.used - 1
        if step == 0:
            elixir_prefetch(first)
            elixir_prefetch(last)
        else:
            elixir_prefetch(first.data + first.head)
            elixir_prefetch(last.data + last.tail - 1)
        return True

    @cython.cfunc
    @cython.exceptval(-1)
    def make_room(self, block: cython.Py_ssize_t) -> cython.int:
        """Put an empty pack before pack number `block` (counted from the first)."""
        room: cython.Py_ssize_t
        first: cython.Py_ssize_t
        fresh: cython.pointer(Pack)
        if (self.first == 0) if block == 0 and self.used > 0 else (self.first + self.used == self.room):
            room = self.used + (self.used >> 1) + 1
            first = room - self.used - 1 if block == 0 and self.used > 0 else 0
            if block == 0 and self.used > 0:
                first += 1
                room += 1
            fresh = cython.cast(cython.pointer(Pack), malloc(room * cython.sizeof(Pack)))
            if fresh == cython.NULL:
                raise MemoryError()
            memcpy(fresh + first, self.blocks + self.first, self.used * cython.sizeof(Pack))
            free(self.blocks)
            self.blocks = fresh
            self.first = first
            self.room = room
        if block == 0 and self.used > 0:
            self.first -= 1
        else:
            memmove(
                self.blocks + self.first + block + 1,
                self.blocks + self.first + block,
                (self.used - block) * cython.sizeof(Pack),
            )
        self.used += 1
        memset(self.blocks + self.first + block, 0, cython.sizeof(Pack))
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def drop_block(self, block: cython.Py_ssize_t) -> cython.int:
        """Take out pack number `block`."""
        pack_free(cython.address(self.blocks[self.first + block]))
        if block == 0:
            self.first += 1
        else:
            memmove(
                self.blocks + self.first + block,
                self.blocks + self.first + block + 1,
                (self.used - block - 1) * cython.sizeof(Pack),
            )
        self.used -= 1
        if self.used == 0:
            self.first = 0
        return 0

    @cython.cfunc
    @cython.exceptval(check=True)
    def left_block(self, size: cython.Py_ssize_t) -> cython.pointer(Pack):
        """The pack that takes a new first element of `size` bytes."""
        pack: cython.pointer(Pack)
        if self.used > 0:
            pack = cython.address(self.blocks[self.first])
            if pack_bytes_used(pack) + size + 4 <= LIMITS[0] and pack.count < LIMITS[1]:
                return pack
            if self.used > 1:
                pack_trim(pack)
        self.make_room(0)
        return cython.address(self.blocks[self.first])

    @cython.cfunc
    @cython.exceptval(check=True)
    def right_block(self, size: cython.Py_ssize_t) -> cython.pointer(Pack):
        """The pack that takes a new last element of `size` bytes."""
        pack: cython.pointer(Pack)
        if self.used > 0:
            pack = cython.address(self.blocks[self.first + self.used - 1])
            if pack_bytes_used(pack) + size + 4 <= LIMITS[0] and pack.count < LIMITS[1]:
                return pack
            if self.used > 1:
                pack_trim(pack)
        self.make_room(self.used)
        return cython.address(self.blocks[self.first + self.used - 1])

    @cython.cfunc
    @cython.exceptval(check=False)
    def locate(
        self, index: cython.Py_ssize_t, block: cython.p_Py_ssize_t, at: cython.p_Py_ssize_t
    ) -> cython.bint:
        """Where element `index` stands: number of its pack, offset in it. False: outside."""
        i: cython.Py_ssize_t
        count: cython.Py_ssize_t
        if index < 0:
            index += self.size
        if index < 0 or index >= self.size:
            return False
        if index * 2 <= self.size:
            i = 0
            while True:
                count = self.blocks[self.first + i].count
                if index < count:
                    break
                index -= count
                i += 1
        else:
            index = self.size - index
            i = self.used - 1
            while True:
                count = self.blocks[self.first + i].count
                if index <= count:
                    break
                index -= count
                i -= 1
            index = -index
        block[0] = i
        at[0] = pack_seek(cython.address(self.blocks[self.first + i]), index)
        return True

    @cython.cfunc
    @cython.exceptval(-1)
    def merge(self, block: cython.Py_ssize_t) -> cython.int:
        """Join a pack that became small with the next one, or drop it when it is empty."""
        pack: cython.pointer(Pack)
        other: cython.pointer(Pack)
        at: cython.Py_ssize_t
        size: cython.Py_ssize_t = 0
        p: cython.pointer(cython.const[cython.char])
        if block >= self.used:
            return 0
        pack = cython.address(self.blocks[self.first + block])
        if pack.count == 0:
            self.drop_block(block)
            return 0
        if block + 1 >= self.used:
            return 0
        other = cython.address(self.blocks[self.first + block + 1])
        if (
            pack_bytes_used(pack) + pack_bytes_used(other) > LIMITS[0] >> 1
            or pack.count + other.count > cython.cast(cython.uint, LIMITS[1])
        ):
            return 0
        at = pack_first(other)
        while at >= 0:
            p = pack_get(other, at, cython.address(size))
            pack_append(pack, p, size)
            at = pack_next(other, at)
        self.drop_block(block + 1)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _before(self, block: cython.Py_ssize_t, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """How many elements of a pack stand before offset `at`."""
        pack: cython.pointer(Pack) = cython.address(self.blocks[self.first + block])
        here: cython.Py_ssize_t = pack.head
        count: cython.Py_ssize_t = 0
        while 0 <= here < at:
            here = pack_next(pack, here)
            count += 1
        return count
