"""Writing RDB files (version 10) and DUMP payloads.

    "REDIS0010"  AUX...  { SELECTDB RESIZEDB { [EXPIRE] type key value }... }...  END checksum(8)

Redis 7.0 has no form for the expiry of hash fields. In a file they stand in an AUX field of
ours before the hash, which Redis passes over: it loads the hash without them. In a DUMP
payload there is no such place, so there the hash has the type and version of Redis 7.4.
"""

import cython
from cython.cimports.shard.keyspace import Database
from cython.cimports.shard.rdb.objects import encode, kind_of
from cython.cimports.shard.rdb.packed import listpack
from cython.cimports.shard.rdb.sink import Sink
from cython.cimports.shard.slot_table import Item, SlotTable, key_of, value_of

from cluster.crc64 import crc64
from shard.rdb import model
from shard.rdb.plain import to_plain


@cython.cclass
class Writer:
    """One RDB file. `write(bytes)` gets it in chunks; call header, then entries, then finish."""

    sink: Sink
    checksum: cython.bint
    keys = cython.declare(cython.longlong, visibility="public")

    def __init__(self, write, compress=True, checksum=True):
        self.sink = Sink(write, compress)
        self.checksum = checksum

    def header(self, now_ms: int, used_memory: int = 0, base: bool = False, extra=()):
        """Begin. `base`: the file is the base of a journal; extra: AUX (name, value) pairs."""
        self.sink.raw(b"REDIS%04d" % model.VERSION)
        self.aux(b"redis-ver", b"7.0.15")
        self.aux(b"redis-bits", b"64")
        self.aux(b"ctime", b"%d" % (now_ms // 1000))
        self.aux(b"used-mem", b"%d" % used_memory)
        self.aux(b"aof-base", b"1" if base else b"0")
        for name, value in extra:
            self.aux(name, value)

    def aux(self, name: bytes, value: bytes):
        """One AUX field."""
        self.sink.byte(model.AUX)
        self.sink.string(name)
        self.sink.string(value)

    def function(self, code: bytes):
        """One library of functions, its source."""
        self.sink.byte(model.FUNCTION)
        self.sink.string(code)

    def select(self, index: int, size: int, volatile: int):
        """The entries that follow are database `index`'s, about `size` of them."""
        self.sink.byte(model.SELECT_DB)
        self.sink.length(index)
        self.sink.byte(model.RESIZE_DB)
        self.sink.length(size)
        self.sink.length(volatile)

    @cython.ccall
    def entry(self, key: bytes, value: object, expire_ms: cython.longlong = -1) -> object:
        """One key. The value is a string or a container of the keyspace."""
        sink: Sink = self.sink
        self.keys += 1
        if expire_ms >= 0:
            sink.byte(252)  # EXPIRE_MS
            sink.number(expire_ms, 8)
        if type(value) is bytes:
            sink.byte(0)
            sink.string(key)
            sink.string(value)
            return None
        name, plain = to_plain(value)
        if name == b"hash" and plain.expiry:
            fields: list = []
            for field, at in plain.expiry.items():
                fields.append(field)
                fields.append(b"%d" % at)
            self.aux(model.AUX_FIELD_EXPIRY, listpack(fields))
        sink.byte(kind_of(name, plain))
        sink.string(key)
        encode(sink, name, plain)
        return None

    def databases(self, dbs, progress=None, first: int = 0, last: int = 16383):
        """Every key of every database, or those of the slots first..last. `progress(keys so
        far)` after a slot, once there are a hundred more, and at the end of a database."""
        db: Database
        told: cython.longlong = self.keys
        for db in dbs:
            if db.size == 0:
                continue
            self.select(db.index, db.size, db.volatile)
            following = db.slots[first]
            for slot in range(first, last + 1):
                # Keys lie all over the memory: the next slot's are fetched while this one's are written.
                table, following = following, db.slots[slot + 1] if slot < last else None
                if following is not None:
                    cython.cast(SlotTable, following).ask_all()
                if table is None:
                    continue
                self._slot(table, db.expires[slot])
                if progress is not None and self.keys - told >= 100:
                    told = self.keys
                    progress(told)
            if progress is not None:
                progress(self.keys)

    @cython.cfunc
    def _slot(self, table: SlotTable, times: object) -> object:
        at: cython.Py_ssize_t = 0
        item: cython.pointer(Item)
        text: cython.p_char
        while True:
            item = table.walk(cython.address(at))
            if item == cython.NULL:
                return None
            if item.value & 1 and times is None:
                self.keys += 1
                text = cython.cast(cython.p_char, item) + cython.sizeof(Item)
                self.sink.byte(0)
                self.sink.chars(text, item.key_size)
                self.sink.chars(text + item.key_size, item.value >> 1)
                continue
            key: bytes = key_of(item)
            self.entry(key, value_of(item), -1 if times is None else cython.cast(dict, times).get(key, -1))

    def flush(self):
        """Write out what is buffered: the end of a part of a file that others complete."""
        self.sink.flush()

    def finish(self):
        """End the file with its checksum (zero: none was asked for)."""
        sink: Sink = self.sink
        sink.byte(model.END)
        sink.flush()
        sink.number(sink.crc if self.checksum else 0, 8)
        sink.flush()
        return sink.written


def dump(value, compress: bool = True) -> bytes:
    """The DUMP payload of a value: type, value, version, checksum."""
    sink: Sink = Sink(None, compress)
    version: cython.int = model.VERSION
    name, plain = to_plain(value)
    if name == b"hash" and plain.expiry:
        version = model.NEWEST
        base = min(plain.expiry.values())
        sink.byte(model.HASH_FIELDS)
        sink.number(base, 8)
        sink.length(len(plain.items) // 2)
        for i in range(0, len(plain.items), 2):
            at = plain.expiry.get(plain.items[i])
            sink.length(0 if at is None else at - base + 1)
            sink.string(plain.items[i])
            sink.string(plain.items[i + 1])
    else:
        sink.byte(kind_of(name, plain))
        encode(sink, name, plain)
    sink.number(version, 2)
    body: bytes = sink.take()
    return body + crc64(body).to_bytes(8, "little")


def save(dbs, write, now_ms: int, base: bool = False, extra=(), functions=(), compress=True, checksum=True, progress=None):
    """Write a whole keyspace as one RDB file; its size in bytes."""
    writer: Writer = Writer(write, compress, checksum)
    writer.header(now_ms, base=base, extra=extra)
    for code in functions:
        writer.function(code)
    writer.databases(dbs, progress)
    return writer.finish()
