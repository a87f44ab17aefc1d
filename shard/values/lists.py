"""Lists: a row of packs (shard/values/pack_rows.py) of at most about 8 KB each. Compiled."""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcmp
from cython.cimports.shard.values.pack_rows import LIMITS, PackRow
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
    pack_split,
)
from cython.cimports.shard.values.taker import Taker


@cython.cclass
class ListValue(PackRow):
    """A list of byte strings. Indexes are from 0, or negative from the end."""

    type_name = b"list"

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
