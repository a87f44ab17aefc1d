"""Lists, compiled: a row of packs of at most about 8 KB each.

    blocks  [.. free ..][pack][pack][pack][.. free ..]
                        ^first           ^first + used

Both ends take and give in constant time. A place is found by adding up the packs' counts from
the nearer end: a list of a million short elements has some two thousand packs. An element
larger than a pack's limit has a pack of its own. Invariant: no pack is empty.
"""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.libc.stdlib import free, malloc
from cython.cimports.libc.string import memcmp, memcpy, memmove, memset
from cython.cimports.shard.values.packed import (
    Pack,
    pack_after,
    pack_append,
    pack_bytes,
    pack_bytes_used,
    pack_copy,
    pack_delete,
    pack_first,
    pack_free,
    pack_get,
    pack_insert,
    pack_last,
    pack_memory,
    pack_next,
    pack_prepend,
    pack_prev,
    pack_replace,
    pack_seek,
    pack_split,
    pack_trim,
)
from cython.cimports.shard.values.taker import Taker

# [bytes of a pack, elements of a pack]
LIMITS = cython.declare(cython.Py_ssize_t[2])
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
class ListValue:
    """A list of byte strings. Indexes are from 0, or negative from the end."""

    type_name = b"list"

    def __dealloc__(self):
        i: cython.Py_ssize_t
        for i in range(self.first, self.first + self.used):
            pack_free(cython.address(self.blocks[i]))
        free(self.blocks)

    @classmethod
    def load(cls, items):
        """Build from an iterable of elements, left to right."""
        value: ListValue = cls()
        for item in items:
            value.push_right(item)
        return value

    def __len__(self):
        return self.size

    def encoding(self, limits=None) -> bytes:
        """Redis's name of the form."""
        if self.used <= 1 and (
            self.used == 0 or pack_bytes_used(cython.address(self.blocks[self.first])) <= LIMITS[0]
        ):
            return b"listpack"
        return b"quicklist"

    # -- the row of packs --------------------------------------------------------------

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

    # -- ends --------------------------------------------------------------------------

    @cython.ccall
    def push_left(self, item: bytes):
        """Add before the first element."""
        pack_prepend(self.left_block(PyBytes_GET_SIZE(item)), PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item))
        self.size += 1

    @cython.ccall
    def push_right(self, item: bytes):
        """Add behind the last element."""
        pack_append(self.right_block(PyBytes_GET_SIZE(item)), PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item))
        self.size += 1

    @cython.ccall
    def pop_left(self) -> bytes:
        """Take out the first element; IndexError when there is none."""
        pack: cython.pointer(Pack)
        item: bytes
        if self.size == 0:
            raise IndexError("empty list")
        pack = cython.address(self.blocks[self.first])
        item = pack_bytes(pack, pack.head)
        self.size -= 1
        if pack.count == 1:
            self.drop_block(0)
        else:
            pack_delete(pack, pack.head, 1)
        return item

    @cython.ccall
    def pop_right(self) -> bytes:
        """Take out the last element; IndexError when there is none."""
        pack: cython.pointer(Pack)
        at: cython.Py_ssize_t
        item: bytes
        if self.size == 0:
            raise IndexError("empty list")
        pack = cython.address(self.blocks[self.first + self.used - 1])
        at = pack_last(pack)
        item = pack_bytes(pack, at)
        self.size -= 1
        if pack.count == 1:
            self.drop_block(self.used - 1)
        else:
            pack_delete(pack, at, 1)
        return item

    # -- by place ----------------------------------------------------------------------

    @cython.ccall
    def get(self, index: cython.Py_ssize_t) -> bytes:
        """Element `index`, or None outside."""
        block: cython.Py_ssize_t = 0
        at: cython.Py_ssize_t = 0
        if not self.locate(index, cython.address(block), cython.address(at)):
            return None
        return pack_bytes(cython.address(self.blocks[self.first + block]), at)

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def set(self, index: cython.Py_ssize_t, item: bytes) -> cython.bint:
        """Replace element `index`; False outside."""
        block: cython.Py_ssize_t = 0
        at: cython.Py_ssize_t = 0
        pack: cython.pointer(Pack)
        if not self.locate(index, cython.address(block), cython.address(at)):
            return False
        pack = cython.address(self.blocks[self.first + block])
        if pack_bytes_used(pack) + PyBytes_GET_SIZE(item) <= LIMITS[0] or pack.count == 1:
            pack_replace(pack, at, PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item))
            return True
        if index < 0:
            index += self.size
        self.insert(index, item)
        self.delete_range(index + 1, index + 1)
        return True

    @cython.ccall
    def insert(self, index: cython.Py_ssize_t, item: bytes):
        """Put an element before element `index`, or at the end when that is the length."""
        block: cython.Py_ssize_t = 0
        at: cython.Py_ssize_t = 0
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(item)
        pack: cython.pointer(Pack)
        rest: Pack
        if index == self.size:
            self.push_right(item)
            return
        if index == 0:
            self.push_left(item)
            return
        if not self.locate(index, cython.address(block), cython.address(at)):
            raise IndexError(index)
        pack = cython.address(self.blocks[self.first + block])
        if pack_bytes_used(pack) + size + 4 > LIMITS[0] or pack.count >= LIMITS[1]:
            if at > cython.cast(cython.Py_ssize_t, pack.head):
                pack_split(pack, at, cython.address(rest))
                try:
                    self.make_room(block + 1)
                except MemoryError:
                    pack_free(cython.address(rest))
                    raise
                self.blocks[self.first + block + 1] = rest
                block += 1
            pack = cython.address(self.blocks[self.first + block])
            if pack_bytes_used(pack) + size + 4 > LIMITS[0] or pack.count >= LIMITS[1]:
                self.make_room(block)
                pack = cython.address(self.blocks[self.first + block])
            at = pack.head
        pack_insert(pack, at, PyBytes_AS_STRING(item), size)
        self.size += 1

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def delete_range(self, start: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Take out the elements start ... stop (not negative, `stop` included); how many."""
        block: cython.Py_ssize_t = 0
        at: cython.Py_ssize_t = 0
        left: cython.Py_ssize_t
        here: cython.Py_ssize_t
        before: cython.Py_ssize_t
        pack: cython.pointer(Pack)
        if stop >= self.size:
            stop = self.size - 1
        if start > stop or not self.locate(start, cython.address(block), cython.address(at)):
            return 0
        left = stop - start + 1
        while left > 0:
            pack = cython.address(self.blocks[self.first + block])
            if at < 0:
                at = pack.head
            if at == cython.cast(cython.Py_ssize_t, pack.head) and left >= pack.count:
                left -= pack.count
                self.size -= pack.count
                self.drop_block(block)
            else:
                before = pack.count - self._before(block, at)
                here = before if before < left else left
                pack_delete(pack, at, here)
                self.size -= here
                left -= here
                block += 1
            at = -1
        if block > 0:
            self.merge(block - 1)
        return stop - start + 1

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def give(self, start: cython.Py_ssize_t, stop: cython.Py_ssize_t, taker: Taker) -> cython.int:
        """Give the elements start ... stop (not negative, `stop` included) as one list."""
        block: cython.Py_ssize_t = 0
        at: cython.Py_ssize_t = 0
        size: cython.Py_ssize_t = 0
        left: cython.Py_ssize_t
        pack: cython.pointer(Pack)
        p: cython.pointer(cython.const[cython.char])
        if stop >= self.size:
            stop = self.size - 1
        if start > stop or not self.locate(start, cython.address(block), cython.address(at)):
            taker.open(0)
            return taker.close()
        left = stop - start + 1
        taker.open(left)
        while True:
            pack = cython.address(self.blocks[self.first + block])
            while at >= 0 and left > 0:
                p = pack_get(pack, at, cython.address(size))
                taker.text(p, size)
                at = pack_after(pack, at, p, size)
                left -= 1
            if left == 0:
                return taker.close()
            block += 1
            at = self.blocks[self.first + block].head

    def range(self, start: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> list:
        """The elements start ... stop (not negative, `stop` included)."""
        taker: Taker = Taker()
        self.give(start, stop, taker)
        return taker.taken

    def __iter__(self):
        i: cython.Py_ssize_t
        at: cython.Py_ssize_t
        for i in range(self.used):
            at = pack_first(cython.address(self.blocks[self.first + i]))
            while at >= 0:
                yield pack_bytes(cython.address(self.blocks[self.first + i]), at)
                at = pack_next(cython.address(self.blocks[self.first + i]), at)

    @cython.ccall
    def find(
        self, item: bytes, rank: cython.Py_ssize_t, count: cython.Py_ssize_t, limit: cython.Py_ssize_t
    ) -> list:
        """Indexes of equal elements: from match number `rank` on (1: first, -1: last and then
        leftwards), at most `count` (0: all), comparing at most `limit` elements (0: all)."""
        found: list = []
        data: cython.p_char = PyBytes_AS_STRING(item)
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(item)
        here: cython.Py_ssize_t
        i: cython.Py_ssize_t
        at: cython.Py_ssize_t
        index: cython.Py_ssize_t
        skip: cython.Py_ssize_t = (rank if rank > 0 else -rank) - 1
        compared: cython.Py_ssize_t = 0
        p: cython.pointer(cython.const[cython.char])
        pack: cython.pointer(Pack)
        back: cython.bint = rank < 0
        index = self.size - 1 if back else 0
        for i in range(self.used):
            pack = cython.address(self.blocks[self.first + (self.used - 1 - i if back else i)])
            at = pack_last(pack) if back else pack_first(pack)
            while at >= 0:
                if limit and compared >= limit:
                    return found
                compared += 1
                p = pack_get(pack, at, cython.address(here))
                if here == size and memcmp(p, data, size) == 0:
                    if skip > 0:
                        skip -= 1
                    else:
                        found.append(index)
                        if count and len(found) >= count:
                            return found
                index += -1 if back else 1
                at = pack_prev(pack, at) if back else pack_next(pack, at)
        return found

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def remove(self, item: bytes, count: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Take out up to |count| equal elements, from the right when negative (0: all); how many."""
        data: cython.p_char = PyBytes_AS_STRING(item)
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(item)
        here: cython.Py_ssize_t = 0
        at: cython.Py_ssize_t
        following: cython.Py_ssize_t
        left: cython.Py_ssize_t
        removed: cython.Py_ssize_t = 0
        back: cython.bint = count < 0
        wanted: cython.Py_ssize_t = -count if back else count
        block: cython.Py_ssize_t = self.used - 1 if back else 0
        p: cython.pointer(cython.const[cython.char])
        pack: cython.pointer(Pack)
        while 0 <= block < self.used and not (wanted and removed >= wanted):
            pack = cython.address(self.blocks[self.first + block])
            at = pack_last(pack) if back else pack_first(pack)
            while at >= 0 and not (wanted and removed >= wanted):
                p = pack_get(pack, at, cython.address(here))
                following = pack_prev(pack, at) if back else pack_next(pack, at)
                if here == size and memcmp(p, data, size) == 0:
                    # Deleting may move entries, but not those beyond against their own end.
                    left = following - pack.head if back else pack.tail - following
                    pack_delete(pack, at, 1)
                    self.size -= 1
                    removed += 1
                    if following >= 0:
                        following = pack.head + left if back else pack.tail - left
                at = following
            if pack.count == 0:
                self.drop_block(block)
                if back:
                    block -= 1
            else:
                block += -1 if back else 1
        return removed

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

    # -- as a whole --------------------------------------------------------------------

    def copy(self):
        """A list of its own with the same elements."""
        other: ListValue = ListValue()
        i: cython.Py_ssize_t
        for i in range(self.used):
            other.make_room(i)
            pack_copy(cython.address(other.blocks[other.first + i]), cython.address(self.blocks[self.first + i]))
        other.size = self.size
        return other

    def memory(self) -> int:
        """Bytes that it takes."""
        total: cython.Py_ssize_t = 80 + self.room * cython.sizeof(Pack)
        i: cython.Py_ssize_t
        for i in range(self.used):
            total += pack_memory(cython.address(self.blocks[self.first + i]))
        return total

    def release(self, count: int) -> bool:
        """Free about `count` elements of a list that is no longer used; whether it is empty."""
        left: cython.Py_ssize_t = count
        while self.used > 0 and left > 0:
            left -= self.blocks[self.first + self.used - 1].count
            self.size -= self.blocks[self.first + self.used - 1].count
            self.drop_block(self.used - 1)
        return self.used == 0
