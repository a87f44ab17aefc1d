"""A hash table of bytes keys, made for few cache lines. Compiled. One for each slot that has keys.

    buckets   64 bytes each, one cache line: [tag x 7 | passed | item x 7]
    item      hash, key size, value | key | an embedded string's bytes

A look-up reads the bucket and the item, and no more: seven places are told apart by a tag, a byte of the hash, and
a short string stands in its item beside the key (a dictionary leads from entry to key object to value object, eight
lines for the same). A key goes into the first bucket with room from its home on; `passed` counts for each bucket
the keys that found it full, so that a look-up knows where to stop and a removal leaves no tombstone (255: many, for
good). Values other than short `bytes` are references. Nothing refers to a key object: children that were forked to
write a snapshot read keys and short strings without touching a reference count, and so copy no page.

Invariant: buckets are a power of two; a key's home is hash & mask; an item stands at most once.
Source of the idea: "F14", Bronson and Shi, 2019.
"""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cython.cimports.cpython.ref import Py_DECREF, Py_INCREF, PyObject
from cython.cimports.libc.string import memcmp, memcpy, memset
from cython.cimports.shard.blocks import give_block, take_block
from cython.cimports.shard.key_hash import hash_of

FULL = cython.declare(cython.int, 6)  # keys for each bucket from which on there are twice as many
EMBEDDED_MAX = EMBEDDED_LIMIT  # bytes of a string that stands in its item

# Large collections that another value has replaced: freed at once they would be a stall, so `Engine.free_some` takes
# them from here. Where nobody does (a journal is replayed), only so many wait.
replaced = []
REPLACED_MAX = 16
LARGE = 4096  # members

# How many items and strings there are, and their bytes, without those larger than what Python's allocator has blocks
# for: those the C library counts.
SMALL = cython.declare(cython.longlong[2])
SMALL[0] = SMALL[1] = 0
SMALL_MAX = cython.declare(cython.Py_ssize_t, 512)
STRING_BYTES = cython.declare(cython.Py_ssize_t, 33)  # of a bytes object beside its text

# How often a key has given up an object: who has noted one without a reference knows whether it is still there.
RELEASES = 0


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _tag(hash: cython.uint) -> cython.uchar:
    """A byte that is never 0, which means: no key."""
    return (hash >> 24) | 1


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _key(item: cython.pointer(Item)) -> cython.p_char:
    return cython.cast(cython.p_char, item) + cython.sizeof(Item)


def small_items() -> tuple:
    """(items and strings that are small blocks of Python's allocator, their bytes), of all tables of this process."""
    return SMALL[0], SMALL[1]


@cython.cfunc
def key_of(item: cython.pointer(Item)) -> bytes:
    """An item's key."""
    return PyBytes_FromStringAndSize(_key(item), item.key_size)


@cython.cfunc
def value_of(item: cython.pointer(Item)) -> object:
    """An item's value."""
    if item.value & 1:
        return PyBytes_FromStringAndSize(_key(item) + item.key_size, item.value >> 1)
    return cython.cast(object, cython.cast(cython.pointer(PyObject), item.value))


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _count(size: cython.Py_ssize_t, items: cython.int) -> cython.void:
    """An item or a string of so many bytes is made (1) or freed (-1)."""
    if size <= SMALL_MAX:
        SMALL[0] += items
        SMALL[1] += (size + 15) // 16 * 16 * items


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _free(item: cython.pointer(Item)) -> cython.void:
    global RELEASES
    _count(_size(item), -1)
    if not item.value & 1:
        RELEASES += 1
        value: object = cython.cast(object, cython.cast(cython.pointer(PyObject), item.value))
        if type(value) is bytes:
            _count(STRING_BYTES + PyBytes_GET_SIZE(value), -1)
        Py_DECREF(value)
    PyMem_Free(item)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _order(buckets: cython.uint) -> cython.int:
    """The power of two that a number of buckets is."""
    order: cython.int = 0
    while buckets >> (order + 1):
        order += 1
    return order


@cython.cfunc
def _retire(value: object) -> object:
    """A collection was replaced: a large one is freed later."""
    if type(value) is not bytearray and len(value) > LARGE and len(replaced) < REPLACED_MAX:
        replaced.append(value)


@cython.cclass
class SlotTable:
    """Keys (bytes) and their values, with the names that a dictionary has."""

    def __cinit__(self):
        self.buckets = cython.NULL
        self.count = 0
        self._resize(1)

    def __dealloc__(self):
        item: cython.pointer(Item)
        at: cython.Py_ssize_t = 0
        if self.buckets == cython.NULL:
            return
        while (item := self.walk(cython.address(at))) != cython.NULL:
            _free(item)
        give_block(self.buckets, _order(self.mask + 1))

    # -- look-ups ----------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _where(
        self, key: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t, hash: cython.uint
    ) -> cython.pointer(cython.pointer(Item)):
        """The place that holds a key, NULL if there is none."""
        at: cython.uint = hash
        i: cython.int
        tag: cython.uchar = _tag(hash)
        item: cython.pointer(Item)
        bucket: cython.pointer(Bucket)
        steps: cython.uint = 0
        while True:
            bucket = cython.address(self.buckets[at & self.mask])
            for i in range(PLACES):
                if bucket.tags[i] == tag:
                    item = bucket.items[i]
                    if item.hash == hash and item.key_size == size and memcmp(_key(item), key, size) == 0:
                        return cython.address(bucket.items[i])
            steps += 1
            if not bucket.passed or steps > self.mask:
                return cython.NULL
            at += 1

    @cython.cfunc
    def find(self, key: bytes) -> object:
        """The value of a key, or None."""
        raw: cython.p_char = PyBytes_AS_STRING(key)
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(key)
        where: cython.pointer(cython.pointer(Item)) = self._where(raw, size, hash_of(raw, size))
        return None if where == cython.NULL else value_of(where[0])

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def peek(
        self, key: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t, hash: cython.uint
    ) -> cython.pointer(PyObject):
        """The object that is the value of a key, borrowed; NULL where there is no key, or a short string."""
        where: cython.pointer(cython.pointer(Item)) = self._where(key, size, hash)
        if where == cython.NULL or where[0].value & 1:
            return cython.NULL
        return cython.cast(cython.pointer(PyObject), where[0].value)

    @cython.cfunc
    @cython.exceptval(check=False)
    def has(self, key: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.int:
        return self._where(key, size, hash_of(key, size)) != cython.NULL

    @cython.cfunc
    @cython.exceptval(check=False)
    def walk(self, at: cython.pointer(cython.Py_ssize_t)) -> cython.pointer(Item):
        """The next item from a place on (0: the first) and the place behind it; NULL at the end."""
        end: cython.Py_ssize_t = (cython.cast(cython.Py_ssize_t, self.mask) + 1) * PLACES
        bucket: cython.pointer(Bucket)
        while at[0] < end:
            bucket = cython.address(self.buckets[at[0] // PLACES])
            at[0] += 1
            if bucket.tags[(at[0] - 1) % PLACES]:
                return bucket.items[(at[0] - 1) % PLACES]
        return cython.NULL

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def ask_bucket(self, hash: cython.uint) -> cython.int:
        """Ask for the memory of a key's home."""
        elixir_prefetch(cython.address(self.buckets[hash & self.mask]))
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def ask_item(self, hash: cython.uint) -> cython.int:
        """Ask for the memory of the item that a key's home names for it."""
        bucket: cython.pointer(Bucket) = cython.address(self.buckets[hash & self.mask])
        i: cython.int
        tag: cython.uchar = _tag(hash)
        for i in range(PLACES):
            if bucket.tags[i] == tag:
                elixir_prefetch(bucket.items[i])
                elixir_prefetch(cython.cast(cython.p_char, bucket.items[i]) + 48)
                break
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def ask_all(self) -> cython.int:
        """Ask for the memory of the items, for somebody who soon walks over them."""
        i: cython.Py_ssize_t
        place: cython.int
        bucket: cython.pointer(Bucket)
        for i in range(cython.cast(cython.Py_ssize_t, self.mask) + 1):
            bucket = cython.address(self.buckets[i])
            for place in range(PLACES):
                if bucket.tags[place]:
                    elixir_prefetch(bucket.items[place])
                    elixir_prefetch(cython.cast(cython.p_char, bucket.items[place]) + 48)
        return 0

    # -- changes -----------------------------------------------------------------------

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def store(self, key: bytes, value: object) -> cython.int:
        """Set a key's value; 1 when the key is new, else 0."""
        raw: cython.p_char = PyBytes_AS_STRING(key)
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(key)
        hash: cython.uint = hash_of(raw, size)
        if type(value) is bytes and PyBytes_GET_SIZE(value) <= EMBEDDED_LIMIT:
            return self.put(raw, size, hash, None, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        return self.put(raw, size, hash, value, cython.NULL, 0)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def put(
        self,
        key: cython.pointer(cython.const[cython.char]),
        size: cython.Py_ssize_t,
        hash: cython.uint,
        value: object,
        text: cython.pointer(cython.const[cython.char]),
        length: cython.Py_ssize_t,
    ) -> cython.int:
        """`store` from C memory: `text`, at most EMBEDDED_MAX bytes, or where it is NULL the object `value`."""
        where: cython.pointer(cython.pointer(Item)) = self._where(key, size, hash)
        need: cython.Py_ssize_t = cython.sizeof(Item) + size + length
        item: cython.pointer(Item)
        old: cython.size_t = 1
        new: cython.int = where == cython.NULL
        if new:
            if size >> 32:
                raise MemoryError("a key of 4 GiB")
            item = cython.cast(cython.pointer(Item), PyMem_Malloc(need))
            if item == cython.NULL:
                raise MemoryError
            _count(need, 1)
            item.hash = hash
            item.key_size = size
            memcpy(_key(item), key, size)
        else:
            item = where[0]
            old = item.value
            # Its room is the allocator's for this size: nothing to do while that stays.
            if (_size(item) + 15) // 16 != (need + 15) // 16:
                before: cython.Py_ssize_t = _size(item)
                item = cython.cast(cython.pointer(Item), PyMem_Realloc(item, need))
                if item == cython.NULL:
                    raise MemoryError
                where[0] = item
                _count(before, -1)
                _count(need, 1)
        if text != cython.NULL:
            item.value = cython.cast(cython.size_t, length) * 2 + 1
            memcpy(_key(item) + size, text, length)
        else:
            Py_INCREF(value)
            if type(value) is bytes:
                _count(STRING_BYTES + PyBytes_GET_SIZE(value), 1)
            item.value = cython.cast(cython.size_t, cython.cast(cython.pointer(PyObject), value))
        if new:
            try:
                if self.count >= (self.mask + 1) * FULL:
                    self._resize((self.mask + 1) * 2)
            except MemoryError:
                _free(item)
                raise
            self._place(item)
            self.count += 1
            self.drained = self.mask
        elif not old & 1:
            global RELEASES
            RELEASES += 1
            gone: object = cython.cast(object, cython.cast(cython.pointer(PyObject), old))
            if type(gone) is bytes:
                _count(STRING_BYTES + PyBytes_GET_SIZE(gone), -1)
            elif gone is not value:
                _retire(gone)
            Py_DECREF(gone)
        return new

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _place(self, item: cython.pointer(Item)) -> cython.int:
        """Put an item into the first bucket with room; there is some."""
        at: cython.uint = item.hash
        i: cython.int
        bucket: cython.pointer(Bucket)
        while True:
            bucket = cython.address(self.buckets[at & self.mask])
            for i in range(PLACES):
                if not bucket.tags[i]:
                    bucket.tags[i] = _tag(item.hash)
                    bucket.items[i] = item
                    return 0
            if bucket.passed < 255:
                bucket.passed += 1
            at += 1

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _resize(self, buckets: cython.uint) -> cython.int:
        """Move all items to so many buckets. MemoryError: nothing was changed."""
        memory: cython.p_void = take_block(_order(buckets))
        item: cython.pointer(Item)
        old: cython.pointer(Bucket) = self.buckets
        old_places: cython.Py_ssize_t = (cython.cast(cython.Py_ssize_t, self.mask) + 1) * PLACES
        at: cython.Py_ssize_t
        if memory == cython.NULL:
            raise MemoryError
        memset(memory, 0, cython.sizeof(Bucket) * buckets)
        self.buckets = cython.cast(cython.pointer(Bucket), memory)
        self.mask = buckets - 1
        self.drained = self.mask
        if old != cython.NULL:
            for at in range(old_places):
                if old[at // PLACES].tags[at % PLACES]:
                    item = old[at // PLACES].items[at % PLACES]
                    self._place(item)
            give_block(old, _order(old_places // PLACES))
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _take_out(self, where: cython.pointer(cython.pointer(Item))) -> cython.int:
        """Empty a place; its item is the caller's."""
        item: cython.pointer(Item) = where[0]
        index: cython.Py_ssize_t = (
            cython.cast(cython.p_char, where) - cython.cast(cython.p_char, self.buckets)
        ) // cython.sizeof(Bucket)
        at: cython.uint = item.hash & self.mask
        bucket: cython.pointer(Bucket) = cython.address(self.buckets[index])
        i: cython.Py_ssize_t = where - cython.address(bucket.items[0])
        bucket.tags[i] = 0
        while at != index:
            if self.buckets[at].passed < 255:
                self.buckets[at].passed -= 1
            at = (at + 1) & self.mask
        self.count -= 1
        return 0

    @cython.cfunc
    def remove(self, key: bytes) -> object:
        """Take a key out; its value, or None."""
        raw: cython.p_char = PyBytes_AS_STRING(key)
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(key)
        where: cython.pointer(cython.pointer(Item)) = self._where(raw, size, hash_of(raw, size))
        item: cython.pointer(Item)
        value: object
        if where == cython.NULL:
            return None
        item = where[0]
        value = value_of(item)
        self._take_out(where)
        _free(item)
        if self.mask and self.count <= self.mask:
            try:
                self._resize((self.mask + 1) // 2)
            except MemoryError:
                pass  # it stays as large as it is
        return value

    # -- for Python --------------------------------------------------------------------

    def __len__(self):
        return self.count

    def __contains__(self, key: bytes):
        return self.has(PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key)) != 0

    def __iter__(self):
        return iter(self.keys())

    def get(self, key: bytes, default=None):
        """The value of a key, or `default`."""
        value: object = self.find(key)
        return default if value is None else value

    def keys(self) -> list:
        """The keys of this moment."""
        found: list = []
        at: cython.Py_ssize_t = 0
        item: cython.pointer(Item)
        while (item := self.walk(cython.address(at))) != cython.NULL:
            found.append(key_of(item))
        return found

    def items(self) -> list:
        """[(key, value)] of this moment."""
        found: list = []
        at: cython.Py_ssize_t = 0
        item: cython.pointer(Item)
        while (item := self.walk(cython.address(at))) != cython.NULL:
            found.append((key_of(item), value_of(item)))
        return found

    def objects(self, kind: type) -> list:
        """[(key, value)] of the values of one class, which no short string is of."""
        found: list = []
        at: cython.Py_ssize_t = 0
        item: cython.pointer(Item)
        while (item := self.walk(cython.address(at))) != cython.NULL:
            if not item.value & 1:
                value = cython.cast(object, cython.cast(cython.pointer(PyObject), item.value))
                if type(value) is kind:
                    found.append((key_of(item), value))
        return found

    def overhead(self) -> int:
        """Bytes that it takes beside the keys and values themselves."""
        return 64 + (self.mask + 1) * cython.sizeof(Bucket) + self.count * cython.sizeof(Item)

    def near(self, number: cython.Py_ssize_t) -> bytes:
        """A key at the place with this number or behind it, for sampling. KeyError when there is none."""
        at: cython.Py_ssize_t = number % ((cython.cast(cython.Py_ssize_t, self.mask) + 1) * PLACES)
        item: cython.pointer(Item) = self.walk(cython.address(at))
        if item == cython.NULL:
            at = 0
            item = self.walk(cython.address(at))
            if item == cython.NULL:
                raise KeyError("no keys")
        return key_of(item)

    def set(self, key: bytes, value) -> bool:
        """Set a key's value; whether the key is new."""
        return self.store(key, value) == 1

    def pop(self, key: bytes):
        """Take a key out; its value, or None."""
        return self.remove(key)

    def popitem(self) -> tuple:
        """Take any key out, in constant time for one after the other: (key, value). KeyError when there is none."""
        bucket: cython.pointer(Bucket)
        item: cython.pointer(Item)
        i: cython.int
        while self.count and self.drained >= 0:
            bucket = cython.address(self.buckets[self.drained])
            for i in range(PLACES):
                if bucket.tags[i]:
                    item = bucket.items[i]
                    found = (key_of(item), value_of(item))
                    self._take_out(cython.address(bucket.items[i]))
                    _free(item)
                    return found
            self.drained -= 1
        raise KeyError("no keys")


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _size(item: cython.pointer(Item)) -> cython.Py_ssize_t:
    """Bytes that an item takes."""
    return cython.sizeof(Item) + item.key_size + (item.value >> 1 if item.value & 1 else 0)
