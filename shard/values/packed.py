"""Many small byte strings in one C buffer, for collections that are small.

    data   ....[len|bytes|nel][len|bytes|nel]....
               ^head                         ^tail      ^capacity

`len` is the size in LEB128 (7 bits a byte, low bits first); `nel` is the same bytes in
reverse, so that an entry is found from its end as quickly as from its start. An entry of
fewer than 128 bytes costs 2 bytes more than itself. Free space stands on both sides, so
taking from either end moves nothing.

A place in a pack is an offset `at` of an entry; it holds until the next change. Containers
embed the struct `Pack` itself (all zeros is an empty pack; `pack_free` at the end) and call
the functions; `Packed` is the same thing as a Python object.
"""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.stdlib import free, malloc, realloc
from cython.cimports.libc.string import memcmp, memcpy, memmove
from cython.cimports.shard.values.taker import Taker

USED_MAX = cython.declare(cython.Py_ssize_t, 0xF0000000)  # bytes of one container


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def pack_prev(pack: cython.pointer(cython.const[Pack]), at: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Where the entry before the one at `at` (or before the tail) stands; -1: none."""
    i: cython.Py_ssize_t = at - 1
    size: cython.Py_ssize_t = 0
    shift: cython.int = 0
    if at <= cython.cast(cython.Py_ssize_t, pack.head):
        return -1
    while pack.data[i] >= 128:
        size |= cython.cast(cython.Py_ssize_t, pack.data[i] & 127) << shift
        shift += 7
        i -= 1
    size |= cython.cast(cython.Py_ssize_t, pack.data[i]) << shift
    return i - size - (at - i)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def pack_last(pack: cython.pointer(cython.const[Pack])) -> cython.Py_ssize_t:
    """Where the last entry stands; -1 when the pack is empty."""
    return pack_prev(pack, pack.tail)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def pack_seek(pack: cython.pointer(cython.const[Pack]), index: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Where entry number `index` stands (negative: from the end); -1 outside."""
    count: cython.Py_ssize_t = pack.count
    at: cython.Py_ssize_t
    if index < 0:
        index += count
    if index < 0 or index >= count:
        return -1
    if index * 2 <= count:
        at = pack.head
        while index > 0:
            at = pack_next(pack, at)
            index -= 1
    else:
        at = pack.tail
        while index < count:
            at = pack_prev(pack, at)
            index += 1
    return at


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def pack_find(
    pack: cython.pointer(cython.const[Pack]),
    at: cython.Py_ssize_t,
    data: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
    skip: cython.int,
) -> cython.Py_ssize_t:
    """The first entry from `at` on that equals `data`, with `skip` entries passed over after
    each one that is compared (1 for the fields of field, value, field, value); -1: none."""
    here: cython.Py_ssize_t
    passed: cython.int = 0
    p: cython.pointer(cython.const[cython.char])
    if pack.count == 0:
        return -1
    while at >= 0:
        p = pack_get(pack, at, cython.address(here))
        if passed == 0:
            if here == size and memcmp(p, data, size) == 0:
                return at
            passed = skip
        else:
            passed -= 1
        at = pack_after(pack, at, p, here)
    return -1


@cython.cfunc
def pack_bytes(pack: cython.pointer(cython.const[Pack]), at: cython.Py_ssize_t) -> bytes:
    """The entry at `at` as a bytes object."""
    size: cython.Py_ssize_t
    p: cython.pointer(cython.const[cython.char]) = pack_get(pack, at, cython.address(size))
    return PyBytes_FromStringAndSize(p, size)


@cython.cfunc
@cython.exceptval(-1, check=False)
def pack_give(
    pack: cython.pointer(cython.const[Pack]), first: cython.int, step: cython.int, taker: Taker
) -> cython.int:
    """Give the entries number first, first + step, ... (first < step)."""
    at: cython.Py_ssize_t = pack_first(pack)
    size: cython.Py_ssize_t
    p: cython.pointer(cython.const[cython.char])
    skip: cython.int = first
    while at >= 0:
        p = pack_get(pack, at, cython.address(size))
        if skip == 0:
            taker.text(p, size)
            skip = step
        skip -= 1
        at = pack_after(pack, at, p, size)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _rounded(need: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """A capacity for `need` bytes: what the allocator gives anyway, with room to grow in
    large packs only, since the small ones are the many."""
    if need > 256:
        need += need >> 2
    return ((need + 7) | 15) - 7


@cython.cfunc
@cython.exceptval(-1)
def _open(pack: cython.pointer(Pack), at: cython.Py_ssize_t, extra: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Make a gap of `extra` bytes before offset `at`; where the gap begins."""
    used: cython.Py_ssize_t = pack.tail - pack.head
    before: cython.Py_ssize_t = at - pack.head
    after: cython.Py_ssize_t = used - before
    capacity: cython.Py_ssize_t
    head: cython.Py_ssize_t
    grown: cython.pointer(cython.uchar)
    if used + extra > USED_MAX:
        raise MemoryError()
    if before <= after and extra <= cython.cast(cython.Py_ssize_t, pack.head):
        memmove(pack.data + pack.head - extra, pack.data + pack.head, before)
        pack.head -= extra
        return pack.head + before
    if after <= before or before > 0:
        if extra <= cython.cast(cython.Py_ssize_t, pack.capacity - pack.tail):
            memmove(pack.data + at + extra, pack.data + at, after)
            pack.tail += extra
            return at
    if before == 0 and used > 0:
        # At the left end: leave as much room before the entries as there would be behind.
        capacity = _rounded(used + extra)
        grown = cython.cast(cython.pointer(cython.uchar), malloc(capacity))
        if grown == cython.NULL:
            raise MemoryError()
        head = capacity - used - extra
        memcpy(grown + head + extra, pack.data + pack.head, used)
        free(pack.data)
        pack.data = grown
        pack.head = head
        pack.tail = capacity
        pack.capacity = capacity
        return head
    if pack.head > 0 and used + extra <= cython.cast(cython.Py_ssize_t, pack.capacity) - (pack.capacity >> 3):
        memmove(pack.data, pack.data + pack.head, before)
        memmove(pack.data + before + extra, pack.data + at, after)
    else:
        if pack.head > 0:
            memmove(pack.data, pack.data + pack.head, used)
            pack.head = 0
            pack.tail = used
        capacity = _rounded(used + extra)
        grown = cython.cast(cython.pointer(cython.uchar), realloc(pack.data, capacity))
        if grown == cython.NULL:
            raise MemoryError()
        pack.data = grown
        pack.capacity = capacity
        memmove(pack.data + before + extra, pack.data + before, after)
    pack.head = 0
    pack.tail = used + extra
    return before


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _write(
    p: cython.pointer(cython.uchar), data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
) -> cython.void:
    """Write one entry at p."""
    header: cython.Py_ssize_t = 0
    rest: cython.Py_ssize_t = size
    end: cython.pointer(cython.uchar)
    if size < 128:
        p[0] = size
        memcpy(p + 1, data, size)
        p[1 + size] = size
        return
    while rest >= 128:
        p[header] = (rest & 127) | 128
        rest >>= 7
        header += 1
    p[header] = rest
    header += 1
    memcpy(p + header, data, size)
    end = p + 2 * header + size - 1
    while header > 0:
        end[0] = p[0]
        end -= 1
        p += 1
        header -= 1


@cython.cfunc
@cython.exceptval(-1)
def pack_append(
    pack: cython.pointer(Pack), data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
) -> cython.int:
    """Add an entry at the right end. MemoryError leaves the pack as it was."""
    need: cython.Py_ssize_t = size + 2 * pack_header(size)
    at: cython.Py_ssize_t = pack.tail
    if need <= cython.cast(cython.Py_ssize_t, pack.capacity - pack.tail):
        pack.tail += need
    else:
        at = _open(pack, pack.tail, need)
    _write(pack.data + at, data, size)
    pack.count += 1
    return 0


@cython.cfunc
@cython.exceptval(-1)
def pack_prepend(
    pack: cython.pointer(Pack), data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
) -> cython.int:
    """Add an entry at the left end."""
    return pack_insert(pack, pack.head, data, size)


@cython.cfunc
@cython.exceptval(-1)
def pack_insert(
    pack: cython.pointer(Pack),
    at: cython.Py_ssize_t,
    data: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
) -> cython.int:
    """Add an entry before the one at `at` (pack.tail: at the end)."""
    at = _open(pack, at, size + 2 * pack_header(size))
    _write(pack.data + at, data, size)
    pack.count += 1
    return 0


@cython.cfunc
@cython.exceptval(-1)
def pack_replace(
    pack: cython.pointer(Pack),
    at: cython.Py_ssize_t,
    data: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
) -> cython.int:
    """Put another string in the place of the entry at `at`."""
    old: cython.Py_ssize_t
    p: cython.p_char = cython.cast(cython.p_char, pack_get(pack, at, cython.address(old)))
    count: cython.uint = pack.count
    if old == size:
        memcpy(p, data, size)
        return 0
    if size < 128 and old < 128 and size < old:
        # Shorter: close up from the right, the capacity stays for the next longer one.
        _write(pack.data + at, data, size)
        memmove(pack.data + at + size + 2, pack.data + at + old + 2, pack.tail - at - old - 2)
        pack.tail -= old - size
        return 0
    # The gap first: when memory runs out nothing has changed yet.
    at = _open(pack, at, size + 2 * pack_header(size))
    _write(pack.data + at, data, size)
    pack.count = count + 1
    pack_delete(pack, pack_next(pack, at), 1)
    return 0


@cython.cfunc
@cython.exceptval(-1)
def pack_delete(pack: cython.pointer(Pack), at: cython.Py_ssize_t, count: cython.Py_ssize_t) -> cython.int:
    """Take out `count` entries that are there, from `at` on."""
    end: cython.Py_ssize_t = at
    n: cython.Py_ssize_t = count
    used: cython.Py_ssize_t
    while n > 0:
        end = pack_next(pack, end)
        if end < 0:
            end = pack.tail
        n -= 1
    pack.count -= count
    if at - pack.head <= pack.tail - end:
        memmove(pack.data + pack.head + end - at, pack.data + pack.head, at - pack.head)
        pack.head += end - at
    else:
        memmove(pack.data + at, pack.data + end, pack.tail - end)
        pack.tail -= end - at
    used = pack.tail - pack.head
    if used == 0:
        pack.head = 0
        pack.tail = 0
    if used + 64 < cython.cast(cython.Py_ssize_t, pack.capacity) >> 1:
        pack_trim(pack)
    return 0


@cython.cfunc
@cython.exceptval(-1)
def pack_trim(pack: cython.pointer(Pack)) -> cython.int:
    """Give back the free space."""
    used: cython.Py_ssize_t = pack.tail - pack.head
    capacity: cython.Py_ssize_t = ((used + 7) | 15) - 7
    shrunk: cython.pointer(cython.uchar)
    if pack.data == cython.NULL or capacity >= cython.cast(cython.Py_ssize_t, pack.capacity):
        return 0
    if pack.head > 0:
        memmove(pack.data, pack.data + pack.head, used)
        pack.head = 0
        pack.tail = used
    shrunk = cython.cast(cython.pointer(cython.uchar), realloc(pack.data, capacity))
    if shrunk != cython.NULL:
        pack.data = shrunk
        pack.capacity = capacity
    return 0


@cython.cfunc
@cython.exceptval(-1)
def pack_copy(to: cython.pointer(Pack), source: cython.pointer(cython.const[Pack])) -> cython.int:
    """Make `to`, whatever stands in it, a copy (it must own nothing)."""
    used: cython.Py_ssize_t = source.tail - source.head
    capacity: cython.Py_ssize_t = ((used + 7) | 15) - 7
    data: cython.pointer(cython.uchar) = cython.cast(cython.pointer(cython.uchar), malloc(capacity))
    if data == cython.NULL:
        raise MemoryError()
    memcpy(data, source.data + source.head, used)
    to.data = data
    to.head = 0
    to.tail = used
    to.capacity = capacity
    to.count = source.count
    return 0


@cython.cfunc
@cython.exceptval(-1)
def pack_split(pack: cython.pointer(Pack), at: cython.Py_ssize_t, rest: cython.pointer(Pack)) -> cython.int:
    """Move the entries from `at` on into `rest`, which must own nothing."""
    used: cython.Py_ssize_t = pack.tail - at
    capacity: cython.Py_ssize_t = ((used + 7) | 15) - 7
    before: cython.uint = 0
    i: cython.Py_ssize_t = pack.head
    data: cython.pointer(cython.uchar) = cython.cast(cython.pointer(cython.uchar), malloc(capacity))
    if data == cython.NULL:
        raise MemoryError()
    while 0 <= i < at:
        before += 1
        i = pack_next(pack, i)
    memcpy(data, pack.data + at, used)
    rest.data = data
    rest.head = 0
    rest.tail = used
    rest.capacity = capacity
    rest.count = pack.count - before
    pack.tail = at
    pack.count = before
    pack_trim(pack)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def pack_free(pack: cython.pointer(Pack)) -> cython.void:
    """Give the buffer back; the pack is empty and can be used again."""
    free(pack.data)
    pack.data = cython.NULL
    pack.head = 0
    pack.tail = 0
    pack.capacity = 0
    pack.count = 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def pack_memory(pack: cython.pointer(cython.const[Pack])) -> cython.Py_ssize_t:
    """Bytes of heap that the buffer takes."""
    return pack.capacity + 8 if pack.data != cython.NULL else 0


@cython.cclass
class Packed:
    """A pack as a Python object. Indexes count entries, negative ones from the end;
    IndexError outside."""

    def __dealloc__(self):
        pack_free(cython.address(self.pack))

    @cython.cfunc
    @cython.exceptval(-1)
    def _at(self, index: cython.Py_ssize_t) -> cython.Py_ssize_t:
        at: cython.Py_ssize_t = pack_seek(cython.address(self.pack), index)
        if at < 0:
            raise IndexError(index)
        return at

    @cython.ccall
    def append(self, item: bytes):
        """Add at the right end."""
        pack_append(cython.address(self.pack), PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item))

    @cython.ccall
    def prepend(self, item: bytes):
        """Add at the left end."""
        pack_prepend(cython.address(self.pack), PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item))

    @cython.ccall
    def insert(self, index: cython.Py_ssize_t, item: bytes):
        """Add before entry `index`; at the end when that is the number of entries."""
        at: cython.Py_ssize_t = self.pack.tail
        if index != cython.cast(cython.Py_ssize_t, self.pack.count):
            at = self._at(index)
        pack_insert(cython.address(self.pack), at, PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item))

    @cython.ccall
    def replace(self, index: cython.Py_ssize_t, item: bytes):
        """Put another string in the place of entry `index`."""
        pack_replace(cython.address(self.pack), self._at(index), PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item))

    @cython.ccall
    def delete(self, index: cython.Py_ssize_t, count: cython.Py_ssize_t = 1):
        """Take out up to `count` entries from `index` on."""
        at: cython.Py_ssize_t = self._at(index)
        if index < 0:
            index += self.pack.count
        pack_delete(cython.address(self.pack), at, min(count, cython.cast(cython.Py_ssize_t, self.pack.count) - index))

    @cython.ccall
    def get(self, index: cython.Py_ssize_t) -> bytes:
        """Entry `index`."""
        return pack_bytes(cython.address(self.pack), self._at(index))

    @cython.ccall
    @cython.exceptval(-2, check=True)
    def find(self, item: bytes, start: cython.Py_ssize_t = 0, skip: cython.int = 0) -> cython.Py_ssize_t:
        """The index of the first equal entry among start, start + 1 + skip, ...; -1: none."""
        index: cython.Py_ssize_t
        for index in range(start, self.pack.count, 1 + skip):
            if self.get(index) == item:
                return index
        return -1

    @cython.ccall
    def items(self) -> list:
        """All entries from left to right."""
        found: list = []
        at: cython.Py_ssize_t = pack_first(cython.address(self.pack))
        while at >= 0:
            found.append(pack_bytes(cython.address(self.pack), at))
            at = pack_next(cython.address(self.pack), at)
        return found

    def memory(self) -> int:
        """Bytes of heap that the entries take."""
        return pack_memory(cython.address(self.pack))

    def __iter__(self):
        return iter(self.items())

    def __len__(self):
        return self.pack.count
