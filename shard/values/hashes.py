"""Hashes, compiled: small ones packed as field, value, field, value ...; large ones in a table.

A hash becomes large when it outgrows `hash-max-listpack-entries` or a field or value outgrows
`hash-max-listpack-value`, and stays so, as in Redis. Fields' expiry times stand in a
dictionary of their own; `soonest` is never later than the earliest of them. The container
does not know the time: who uses it asks for `due(now)` and deletes those fields.
"""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.stdlib import calloc, free
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
    pack_replace,
    pack_seek,
)
from cython.cimports.shard.values.table import (
    Node,
    Table,
    bytes_hash,
    node_key,
    node_value,
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

LIMITS = cython.declare(cython.Py_ssize_t[2])
LIMITS[0] = 512
LIMITS[1] = 64


# How many hashes have fields that expire: without any, nobody need look for them.
EXPIRING = cython.declare(cython.longlong[1])
EXPIRING[0] = 0


def expiring_hashes() -> int:
    """How many hashes of this process have fields that expire."""
    return EXPIRING[0]


def set_limits(entries: int, value: int) -> None:
    """hash-max-listpack-entries and hash-max-listpack-value (bytes), for all hashes from now on."""
    LIMITS[0] = min(max(entries, 0), 1 << 20)
    LIMITS[1] = min(max(value, 0), 1 << 26)


def get_limits() -> tuple:
    """(entries, bytes of a field or value) up to which hashes stay packed."""
    return LIMITS[0], LIMITS[1]


@cython.cclass
class HashValue(Elements):
    """Fields and values, byte strings; a field may have an expiry, unix ms."""

    type_name = b"hash"

    def __dealloc__(self):
        if self.times is not None:
            EXPIRING[0] -= 1
        pack_free(cython.address(self.pack))
        if self.table != cython.NULL:
            table_free(self.table)
            free(self.table)

    @classmethod
    def load(cls, pairs):
        """Build from an iterable of (field, value)."""
        value: HashValue = cls()
        for field, content in pairs:
            value.set(field, content)
        return value

    @cython.cfunc
    @cython.exceptval(-1)
    def enlarge(self) -> cython.int:
        """Move everything into a table."""
        at: cython.Py_ssize_t = pack_first(cython.address(self.pack))
        size: cython.Py_ssize_t
        length: cython.Py_ssize_t
        key: cython.pointer(cython.const[cython.char])
        value: cython.pointer(cython.const[cython.char])
        if self.table != cython.NULL:
            return 0
        table: cython.pointer(Table) = cython.cast(cython.pointer(Table), calloc(1, cython.sizeof(Table)))
        if table == cython.NULL:
            raise MemoryError()
        table_open(table, self.pack.count // 2 + 1)
        while at >= 0:
            key = pack_get(cython.address(self.pack), at, cython.address(size))
            at = pack_next(cython.address(self.pack), at)
            value = pack_get(cython.address(self.pack), at, cython.address(length))
            at = pack_next(cython.address(self.pack), at)
            table_put(table, text_hash(key, size), key, size, value, length)
        self.table = table
        pack_free(cython.address(self.pack))
        return 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def length(self) -> cython.Py_ssize_t:
        return self.pack.count >> 1 if self.table == cython.NULL else self.table.count

    def __len__(self):
        return self.length()

    def encoding(self, limits=None) -> bytes:
        """Redis's name of the form."""
        if self.table != cython.NULL:
            return b"hashtable"
        return b"listpack" if self.times is None else b"listpackex"

    @cython.cfunc
    @cython.exceptval(check=False)
    def ask(self, member: bytes, step: cython.int) -> cython.bint:
        if self.table != cython.NULL:
            return table_ask(self.table, member, step)
        if step == 0:
            elixir_prefetch(self.pack.data)
        return False

    @cython.ccall
    def get(self, field: bytes) -> bytes:
        """The value of a field, or None."""
        at: cython.Py_ssize_t
        node: cython.pointer(Node)
        if self.table == cython.NULL:
            at = pack_find(
                cython.address(self.pack), self.pack.head, PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field), 1
            )
            return None if at < 0 else pack_bytes(
                cython.address(self.pack), pack_next(cython.address(self.pack), at)
            )
        node = table_find(self.table, bytes_hash(field), PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field))
        return None if node == cython.NULL else PyBytes_FromStringAndSize(node_value(node), node.value)

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def set(self, field: bytes, value: bytes) -> cython.bint:
        """Store a field, its expiry stays; whether it is new."""
        at: cython.Py_ssize_t
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(field)
        length: cython.Py_ssize_t = PyBytes_GET_SIZE(value)
        if self.table == cython.NULL:
            if size <= LIMITS[1] and length <= LIMITS[1]:
                at = pack_find(cython.address(self.pack), self.pack.head, PyBytes_AS_STRING(field), size, 1)
                if at >= 0:
                    pack_replace(
                        cython.address(self.pack),
                        pack_next(cython.address(self.pack), at),
                        PyBytes_AS_STRING(value),
                        length,
                    )
                    return False
                if (self.pack.count >> 1) < LIMITS[0]:
                    pack_append(cython.address(self.pack), PyBytes_AS_STRING(field), size)
                    pack_append(cython.address(self.pack), PyBytes_AS_STRING(value), length)
                    return True
            self.enlarge()
        return table_put(
            self.table, bytes_hash(field), PyBytes_AS_STRING(field), size, PyBytes_AS_STRING(value), length
        )

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def delete(self, field: bytes) -> cython.bint:
        """Take a field and its expiry out; whether it was there."""
        at: cython.Py_ssize_t
        if self.table != cython.NULL:
            if not table_remove(self.table, bytes_hash(field), PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field)):
                return False
        else:
            at = pack_find(
                cython.address(self.pack), self.pack.head, PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field), 1
            )
            if at < 0:
                return False
            pack_delete(cython.address(self.pack), at, 2)
        if self.times is not None:
            self.persist(field)
        return True

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def has(self, field: bytes) -> cython.bint:
        """Whether a field is there."""
        if self.table != cython.NULL:
            return table_find(self.table, bytes_hash(field), PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field)) != cython.NULL
        return (
            pack_find(cython.address(self.pack), self.pack.head, PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field), 1)
            >= 0
        )

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def give(self, fields: cython.bint, values: cython.bint, taker: Taker, shape: cython.int = LIST) -> cython.int:
        """Give the fields, the values, or each field and its value, as one list."""
        taker.open(self.length() * (2 if fields and values else 1), shape)
        if self.table != cython.NULL:
            table_give(self.table, fields, values, taker)
        else:
            pack_give(cython.address(self.pack), 0 if fields else 1, 1 if fields and values else 2, taker)
        return taker.close()

    @cython.cfunc
    def _list(self, fields: cython.bint, values: cython.bint) -> list:
        taker: Taker = Taker()
        self.give(fields, values, taker)
        return taker.taken

    @cython.ccall
    def flat(self) -> list:
        """[field, value, field, value, ...]"""
        return self._list(True, True)

    @cython.ccall
    def fields(self) -> list:
        """All fields."""
        return self._list(True, False)

    @cython.ccall
    def values(self) -> list:
        """All values, in the order of `fields`."""
        return self._list(False, True)

    def items(self):
        """(field, value) of each field, without a copy of all. The hash must not change."""
        i: cython.size_t
        taker: Taker = Taker()
        if self.table == cython.NULL:
            part = self.flat()
            yield from zip(part[::2], part[1::2])
        else:
            for i in range(table_buckets(self.table)):
                taker.open(0)
                table_give_bucket(self.table, i, True, True, taker)
                taker.close()
                part = taker.taken
                yield from zip(part[::2], part[1::2])

    def __iter__(self):
        return self.items()

    def __contains__(self, field: bytes) -> bool:
        return self.has(field)

    def random(self, rng) -> tuple:
        """One (field, value), each with the same chance. IndexError when empty."""
        at: cython.Py_ssize_t
        node: cython.pointer(Node)
        count: cython.Py_ssize_t = self.length()
        if count == 0:
            raise IndexError("empty hash")
        if self.table == cython.NULL:
            at = pack_seek(cython.address(self.pack), 2 * cython.cast(cython.Py_ssize_t, rng.randrange(count)))
            return (
                pack_bytes(cython.address(self.pack), at),
                pack_bytes(cython.address(self.pack), pack_next(cython.address(self.pack), at)),
            )
        node = table_random(self.table, rng.getrandbits(64))
        return (
            PyBytes_FromStringAndSize(node_key(node), node.key),
            PyBytes_FromStringAndSize(node_value(node), node.value),
        )

    def scan(self, cursor: int, count: int) -> tuple:
        """(next cursor, [field, value, ...]); a packed hash comes in one go."""
        taker: Taker = Taker()
        if self.table == cython.NULL:
            return 0, self.flat()
        taker.open(count)
        following = table_scan(self.table, cursor & 0xFFFFFFFFFFFFFFFF, count, True, taker)
        return following, taker.taken

    # -- expiry of fields --------------------------------------------------------------

    @cython.ccall
    @cython.exceptval(-2, check=True)
    def expire_at(self, field: bytes) -> cython.longlong:
        """Unix ms at which a field expires, -1 if never."""
        if self.times is None:
            return -1
        return self.times.get(field, -1)

    def set_expire(self, field: bytes, at_ms: cython.longlong):
        """Give a field that is there an expiry, unix ms."""
        if self.times is None:
            self.times = {}
            self.soonest = at_ms
            EXPIRING[0] += 1
        elif at_ms < self.soonest:
            self.soonest = at_ms
        self.times[field] = at_ms

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def persist(self, field: bytes) -> cython.bint:
        """Drop a field's expiry; whether it had one."""
        if self.times is None or self.times.pop(field, None) is None:
            return False
        if not self.times:
            self.times = None
            EXPIRING[0] -= 1
        return True

    def has_expiries(self) -> bool:
        """Whether any field has an expiry."""
        return self.times is not None

    def earliest(self) -> int:
        """Unix ms of the field that expires first, -1 when none does."""
        if self.times is None:
            return -1
        self.soonest = min(self.times.values())
        return self.soonest

    def due(self, now: cython.longlong) -> list:
        """The fields whose time has come."""
        if self.times is None or self.soonest > now:
            return []
        found = [field for field, at in self.times.items() if at <= now]
        if not found:
            self.earliest()
        return found

    # -- as a whole --------------------------------------------------------------------

    def copy(self):
        """A hash of its own with the same fields, values and expiries."""
        other: HashValue = HashValue()
        if self.table == cython.NULL:
            if self.pack.count:
                pack_copy(cython.address(other.pack), cython.address(self.pack))
        else:
            other.enlarge()
            for field, value in self.items():
                other.set(field, value)
        if self.times is not None:
            other.times = dict(self.times)
            other.soonest = self.soonest
            EXPIRING[0] += 1
        return other

    def memory(self) -> int:
        """Bytes that it takes."""
        size: cython.Py_ssize_t = 72 + (0 if self.times is None else 232 + 96 * len(self.times))
        if self.table == cython.NULL:
            return size + pack_memory(cython.address(self.pack))
        return size + cython.sizeof(Table) + 8 + table_memory(self.table)

    def release(self, count: int) -> bool:
        """Free about `count` fields of a hash that is no longer used; whether it is empty."""
        if self.times is not None:
            self.times = None
            EXPIRING[0] -= 1
        pack_free(cython.address(self.pack))
        if self.table == cython.NULL:
            return True
        if not table_release(self.table, count):
            return False
        free(self.table)
        self.table = cython.NULL
        return True
