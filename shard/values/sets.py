"""Sets, compiled: integers in a sorted array, small sets packed, large ones in a table.

    intset     numbers, sorted, each of 2, 4 or 8 bytes (as wide as the widest needs)
    listpack   members in a pack, in the order in which they came
    hashtable  `shard.values.table`

A set that outgrows `set-max-intset-entries`, `set-max-listpack-entries` or
`set-max-listpack-value`, or gets a member that is no integer, takes the next form that can
hold it and does not go back, as in Redis 7.2.
"""

import cython
from cython.cimports.cluster.numbers import longlong_text, string_to_longlong, write_longlong
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.stdlib import calloc, free, malloc, realloc
from cython.cimports.libc.string import memcpy, memmove
from cython.cimports.shard.slot_table import elixir_prefetch
from cython.cimports.shard.values.elements import Elements
from cython.cimports.shard.values.packed import (
    pack_append,
    pack_bytes,
    pack_copy,
    pack_delete,
    pack_find,
    pack_first,
    pack_free,
    pack_get,
    pack_give,
    pack_memory,
    pack_next,
    pack_seek,
)
from cython.cimports.shard.values.table import (
    Node,
    Table,
    bytes_hash,
    node_key,
    table_ask,
    table_buckets,
    table_find,
    table_free,
    table_give,
    table_give_bucket,
    table_memory,
    table_open,
    table_put,
    table_random,
    table_release,
    table_remove,
    table_scan,
    text_hash,
)
from cython.cimports.shard.values.taker import LIST, Taker

# [integers of an intset, members of a pack, bytes of a packed member]
LIMITS = cython.declare(cython.Py_ssize_t[3])
LIMITS[0] = 512
LIMITS[1] = 128
LIMITS[2] = 64


def set_limits(integers: int, entries: int, value: int) -> None:
    """set-max-intset-entries, set-max-listpack-entries and set-max-listpack-value (bytes)."""
    LIMITS[0] = min(max(integers, 0), 1 << 20)
    LIMITS[1] = min(max(entries, 0), 1 << 20)
    LIMITS[2] = min(max(value, 0), 1 << 26)


def get_limits() -> tuple:
    """(integers of an intset, members of a pack, bytes of a packed member)."""
    return LIMITS[0], LIMITS[1], LIMITS[2]


@cython.cclass
class SetValue(Elements):
    """Unique byte strings."""

    type_name = b"set"

    def __cinit__(self):
        self.width = 2

    def __dealloc__(self):
        pack_free(cython.address(self.pack))
        free(self.numbers)
        if self.table != cython.NULL:
            table_free(self.table)
            free(self.table)

    @classmethod
    def load(cls, members):
        """Build from an iterable of members."""
        value: SetValue = cls()
        for member in members:
            value.add(member)
        return value

    @cython.cfunc
    @cython.exceptval(check=False)
    def length(self) -> cython.Py_ssize_t:
        if self.table != cython.NULL:
            return self.table.count
        return self.count if self.width > 0 else self.pack.count

    def __len__(self):
        return self.length()

    def encoding(self, limits=None) -> bytes:
        """Redis's name of the form."""
        if self.table != cython.NULL:
            return b"hashtable"
        return b"intset" if self.width > 0 else b"listpack"

    # -- integers ----------------------------------------------------------------------

    @cython.cfunc
    @cython.exceptval(check=False)
    def number(self, index: cython.Py_ssize_t) -> cython.longlong:
        two: cython.short = 0
        four: cython.int = 0
        eight: cython.longlong = 0
        at: cython.pointer(cython.uchar) = self.numbers + index * self.width
        if self.width == 2:
            memcpy(cython.address(two), at, 2)
            return two
        if self.width == 4:
            memcpy(cython.address(four), at, 4)
            return four
        memcpy(cython.address(eight), at, 8)
        return eight

    @cython.cfunc
    @cython.exceptval(check=False)
    def search(self, value: cython.longlong, index: cython.p_Py_ssize_t) -> cython.bint:
        """Whether an integer is there; `index` is where it stands or would."""
        low: cython.Py_ssize_t = 0
        high: cython.Py_ssize_t = self.count
        middle: cython.Py_ssize_t
        while low < high:
            middle = (low + high) >> 1
            if self.number(middle) < value:
                low = middle + 1
            else:
                high = middle
        index[0] = low
        return low < self.count and self.number(low) == value

    @cython.cfunc
    @cython.exceptval(-1)
    def add_number(self, value: cython.longlong) -> cython.int:
        """Add an integer; 1 when it is new."""
        index: cython.Py_ssize_t = 0
        wide: cython.int = 8
        i: cython.Py_ssize_t
        moved: cython.longlong
        grown: cython.pointer(cython.uchar)
        if self.search(value, cython.address(index)):
            return 0
        if -32768 <= value <= 32767:
            wide = 2
        elif -2147483648 <= value <= 2147483647:
            wide = 4
        if wide < self.width:
            wide = self.width
        if wide > self.width or (self.count + 1) * self.width > self.room:
            self.room = ((((self.count + 1) + (self.count >> 3)) * wide + 7) | 15) - 7
            grown = cython.cast(cython.pointer(cython.uchar), realloc(self.numbers, self.room))
            if grown == cython.NULL:
                self.room = self.count * self.width
                raise MemoryError()
            self.numbers = grown
            if wide > self.width:
                for i in range(cython.cast(cython.Py_ssize_t, self.count) - 1, -1, -1):
                    moved = self.number(i)
                    memcpy(self.numbers + i * wide, cython.address(moved), wide)
                self.width = wide
        memmove(
            self.numbers + (index + 1) * self.width,
            self.numbers + index * self.width,
            (self.count - index) * self.width,
        )
        memcpy(self.numbers + index * self.width, cython.address(value), self.width)
        self.count += 1
        return 1

    @cython.cfunc
    @cython.exceptval(-1)
    def remove_number(self, index: cython.Py_ssize_t) -> cython.int:
        memmove(
            self.numbers + index * self.width,
            self.numbers + (index + 1) * self.width,
            (self.count - index - 1) * self.width,
        )
        self.count -= 1
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def to_packed(self) -> cython.int:
        """From an intset to a pack."""
        i: cython.Py_ssize_t
        text: bytes
        for i in range(self.count):
            text = longlong_text(self.number(i))
            pack_append(cython.address(self.pack), PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
        free(self.numbers)
        self.numbers = cython.NULL
        self.count = 0
        self.room = 0
        self.width = 0
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def enlarge(self) -> cython.int:
        """From whatever form to a table."""
        at: cython.Py_ssize_t
        size: cython.Py_ssize_t = 0
        key: cython.pointer(cython.const[cython.char])
        table: cython.pointer(Table)
        if self.table != cython.NULL:
            return 0
        if self.width > 0:
            self.to_packed()
        table = cython.cast(cython.pointer(Table), calloc(1, cython.sizeof(Table)))
        if table == cython.NULL:
            raise MemoryError()
        table_open(table, self.pack.count + 1)
        at = pack_first(cython.address(self.pack))
        while at >= 0:
            key = pack_get(cython.address(self.pack), at, cython.address(size))
            table_put(table, text_hash(key, size), key, size, cython.NULL, 0)
            at = pack_next(cython.address(self.pack), at)
        self.table = table
        pack_free(cython.address(self.pack))
        return 0

    # -- members -----------------------------------------------------------------------

    @cython.cfunc
    @cython.exceptval(check=False)
    def ask(self, member: bytes, step: cython.int) -> cython.bint:
        if self.table != cython.NULL:
            return table_ask(self.table, member, step)
        if step == 0:
            elixir_prefetch(self.numbers if self.width > 0 else self.pack.data)
        return False

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def add(self, member: bytes) -> cython.bint:
        """Add a member; whether it is new."""
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(member)
        value: cython.longlong = 0
        new: cython.int
        if self.table != cython.NULL:
            return table_put(self.table, bytes_hash(member), PyBytes_AS_STRING(member), size, cython.NULL, 0)
        if self.width > 0:
            if string_to_longlong(PyBytes_AS_STRING(member), size, cython.address(value)):
                new = self.add_number(value)
                if self.count > LIMITS[0]:
                    if self.count <= LIMITS[1]:
                        self.to_packed()
                    else:
                        self.enlarge()
                return new
            if self.count < LIMITS[1] and size <= LIMITS[2]:
                self.to_packed()
            else:
                self.enlarge()
                return self.add(member)
        if pack_find(cython.address(self.pack), self.pack.head, PyBytes_AS_STRING(member), size, 0) >= 0:
            return False
        if size > LIMITS[2] or self.pack.count >= LIMITS[1]:
            self.enlarge()
            return self.add(member)
        pack_append(cython.address(self.pack), PyBytes_AS_STRING(member), size)
        return True

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def remove(self, member: bytes) -> cython.bint:
        """Take a member out; whether it was there."""
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(member)
        value: cython.longlong = 0
        index: cython.Py_ssize_t = 0
        if self.table != cython.NULL:
            return table_remove(self.table, bytes_hash(member), PyBytes_AS_STRING(member), size)
        if self.width > 0:
            if not string_to_longlong(PyBytes_AS_STRING(member), size, cython.address(value)):
                return False
            if not self.search(value, cython.address(index)):
                return False
            self.remove_number(index)
            return True
        index = pack_find(cython.address(self.pack), self.pack.head, PyBytes_AS_STRING(member), size, 0)
        if index < 0:
            return False
        pack_delete(cython.address(self.pack), index, 1)
        return True

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def has(self, member: bytes) -> cython.bint:
        """Whether a member is there."""
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(member)
        value: cython.longlong = 0
        index: cython.Py_ssize_t = 0
        if self.table != cython.NULL:
            return table_find(self.table, bytes_hash(member), PyBytes_AS_STRING(member), size) != cython.NULL
        if self.width > 0:
            if not string_to_longlong(PyBytes_AS_STRING(member), size, cython.address(value)):
                return False
            return self.search(value, cython.address(index))
        return pack_find(cython.address(self.pack), self.pack.head, PyBytes_AS_STRING(member), size, 0) >= 0

    def __contains__(self, member: bytes) -> bool:
        return self.has(member)

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def give(self, taker: Taker, shape: cython.int = LIST) -> cython.int:
        """Give all members as one list."""
        digits: cython.char[20]
        i: cython.Py_ssize_t
        taker.open(self.length(), shape)
        if self.table != cython.NULL:
            table_give(self.table, True, False, taker)
        elif self.width > 0:
            for i in range(self.count):
                taker.text(digits, write_longlong(digits, self.number(i)))
        else:
            pack_give(cython.address(self.pack), 0, 1, taker)
        return taker.close()

    @cython.ccall
    def members(self) -> list:
        """All members."""
        taker: Taker = Taker()
        self.give(taker)
        return taker.taken

    def __iter__(self):
        """Each member, without a copy of all. The set must not change."""
        i: cython.size_t
        taker: Taker = Taker()
        if self.table == cython.NULL:
            yield from self.members()
        else:
            for i in range(table_buckets(self.table)):
                taker.open(0)
                table_give_bucket(self.table, i, True, False, taker)
                taker.close()
                yield from taker.taken

    def random(self, rng) -> bytes:
        """One member, each with the same chance. IndexError when empty."""
        node: cython.pointer(Node)
        at: cython.Py_ssize_t
        count: cython.Py_ssize_t = self.length()
        if count == 0:
            raise IndexError("empty set")
        if self.table != cython.NULL:
            node = table_random(self.table, rng.getrandbits(64))
            return PyBytes_FromStringAndSize(node_key(node), node.key)
        at = rng.randrange(count)
        if self.width > 0:
            return longlong_text(self.number(at))
        return pack_bytes(cython.address(self.pack), pack_seek(cython.address(self.pack), at))

    def pop(self, rng) -> bytes:
        """Take out one member, each with the same chance. IndexError when empty."""
        member = self.random(rng)
        self.remove(member)
        return member

    def scan(self, cursor: int, count: int) -> tuple:
        """(next cursor, [member, ...]); a set that is no table comes in one go."""
        taker: Taker = Taker()
        if self.table == cython.NULL:
            return 0, self.members()
        taker.open(count)
        following = table_scan(self.table, cursor & 0xFFFFFFFFFFFFFFFF, count, False, taker)
        return following, taker.taken

    # -- as a whole --------------------------------------------------------------------

    def copy(self):
        """A set of its own with the same members, in the same form."""
        other: SetValue = SetValue()
        if self.table != cython.NULL:
            other.enlarge()
            for member in self:
                other.add(member)
        elif self.width > 0:
            if self.count:
                other.numbers = cython.cast(cython.pointer(cython.uchar), malloc(self.room))
                if other.numbers == cython.NULL:
                    raise MemoryError()
                memcpy(other.numbers, self.numbers, self.count * self.width)
                other.count = self.count
                other.room = self.room
                other.width = self.width
        else:
            other.width = 0
            pack_copy(cython.address(other.pack), cython.address(self.pack))
        return other

    def memory(self) -> int:
        """Bytes that it takes."""
        size: cython.Py_ssize_t = 88 + pack_memory(cython.address(self.pack)) + self.room
        if self.table != cython.NULL:
            size += cython.sizeof(Table) + 8 + table_memory(self.table)
        return size

    def release(self, count: int) -> bool:
        """Free about `count` members of a set that is no longer used; whether it is empty."""
        pack_free(cython.address(self.pack))
        self.count = 0
        if self.table == cython.NULL:
            return True
        if not table_release(self.table, count):
            return False
        free(self.table)
        self.table = cython.NULL
        return True
