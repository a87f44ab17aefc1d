"""Reading RDB files of versions 1 to 12 and DUMP payloads.

`load` fills databases; `Reader.entries` gives what is in a file one by one to anything else.
Everything wrong with a file is a DamagedFile with its offset.
"""

import os

import cython
from cython.cimports.shard.keyspace import Database
from cython.cimports.shard.rdb.objects import decode
from cython.cimports.shard.rdb.source import Source

from cluster.crc64 import crc64
from shard.rdb import model
from shard.rdb.errors import DamagedFile
from shard.rdb.objects import TYPE_NAMES
from shard.rdb.packed import listpack_items
from shard.rdb.plain import from_plain


@cython.cclass
class Reader:
    """One RDB file, from a Source that stands at its beginning.

    version, aux (name -> value), records (blobs of multi-shard records), functions (sources)
    keys and expired (how many were left out) are known as far as the file has been read.
    """

    source: Source
    version = cython.declare(cython.int, visibility="public")
    keys = cython.declare(cython.longlong, visibility="public")
    expired = cython.declare(cython.longlong, visibility="public")
    aux = cython.declare(dict, visibility="public")
    records = cython.declare(list, visibility="public")
    functions = cython.declare(list, visibility="public")
    db = cython.declare(cython.int, visibility="public")
    expire = cython.declare(cython.longlong, visibility="public")
    idle = cython.declare(cython.longlong, visibility="public")
    freq = cython.declare(cython.int, visibility="public")
    field_expiry: object

    def __init__(self, source):
        self.source = source
        self.aux = {}
        self.records = []
        self.functions = []
        magic: bytes = self.source.take(9)
        if magic[:5] != b"REDIS" or not magic[5:].isdigit():
            raise self.source.damaged("this is no RDB file", 0)
        self.version = int(magic[5:])
        if not 1 <= self.version <= model.NEWEST:
            raise self.source.damaged(f"RDB version {self.version} is not known", 5)

    @cython.cfunc
    @cython.exceptval(-2, check=True)
    def next(self) -> cython.int:
        """The type of the next value, whose key comes next in the source; -1 at the end."""
        code: cython.int
        source: Source = self.source
        self.expire = -1
        self.idle = -1
        self.freq = -1
        self.field_expiry = None
        while True:
            code = source.byte()
            if code < 244:
                return code
            if code == 252:  # EXPIRE_MS
                self.expire = source.number(8)
            elif code == 253:  # EXPIRE_S
                self.expire = source.number(4) * 1000
            elif code == 254:  # SELECT_DB
                self.db = source.length()
            elif code == 251:  # RESIZE_DB
                source.length()
                source.length()
            elif code == 249:  # FREQ
                self.freq = source.byte()
            elif code == 248:  # IDLE
                self.idle = source.length()
            elif code == 250:  # AUX
                self._aux()
            elif code == 245:  # FUNCTION
                self.functions.append(source.string())
            elif code == 244:  # SLOT_INFO
                source.length()
                source.length()
                source.length()
            elif code == 247:  # MODULE_AUX
                self._module_aux()
            elif code == 255:  # END
                self._end()
                return -1
            else:
                raise source.damaged(f"unknown code {code}", source.offset() - 1)

    @cython.cfunc
    def _aux(self) -> object:
        offset = self.source.offset()
        name: bytes = self.source.string()
        value: bytes = self.source.string()
        if name == model.AUX_FIELD_EXPIRY:
            try:
                items = listpack_items(value)
                self.field_expiry = dict(zip(items[::2], [int(at) for at in items[1::2]]))
            except ValueError as error:
                raise self.source.damaged(str(error), offset) from None
        elif name == model.AUX_RECORD:
            self.records.append(value)
        else:
            self.aux[name] = value
        return None

    @cython.cfunc
    def _module_aux(self) -> object:
        """Pass over what a module saved for itself."""
        source: Source = self.source
        source.length()
        while True:
            code = source.length()
            if code == 0:
                return None
            if code == 1 or code == 2:
                source.length()
            elif code == 3:
                source.take(4)
            elif code == 4:
                source.take(8)
            elif code == 5:
                source.string()
            else:
                raise source.damaged("unknown code in a module's field")

    @cython.cfunc
    def _end(self) -> object:
        source: Source = self.source
        if self.version < 5:
            return None
        offset = source.offset()
        found = source.checksum()
        said = int.from_bytes(source.take(8), "little")
        if said != 0 and said != found:
            raise source.damaged(f"the checksum is {said:016x}, that of the data {found:016x}", offset)
        return None

    @cython.cfunc
    def value(self, kind: cython.int, key: bytes) -> object:
        """The container of the value that comes next."""
        plain: object = decode(self.source, kind)
        if kind == 0:
            return plain
        if self.field_expiry is not None and TYPE_NAMES[kind] == b"hash":
            plain.expiry = self.field_expiry
        offset = self.source.offset()
        try:
            return from_plain(TYPE_NAMES[kind], plain)
        except (ValueError, OverflowError) as error:
            raise self.source.damaged(f"{error}", offset) from None

    def offset(self) -> int:
        """Bytes read so far."""
        return self.source.offset()

    def entries(self):
        """(database, key, value, expiry in unix ms or -1) of every key."""
        kind: cython.int
        while True:
            kind = self.next()
            if kind < 0:
                return
            key = self.source.string()
            yield self.db, key, self.value(kind, key), self.expire
            self.keys += 1

    def fill(self, dbs, drop_before_ms: cython.longlong = -1, progress=None, touch=None):
        """Put every key into `dbs`. Those that expired up to `drop_before_ms` are left out
        (-1: none are). progress(offset, keys) is called every 16,384 keys. `touch(key, idle
        seconds or -1, frequency or -1)` hears of keys that come with access data."""
        kind: cython.int
        index: cython.int = -1
        db: Database = None
        key: bytes
        value: object
        source: Source = self.source
        while True:
            kind = self.next()
            if kind < 0:
                return
            if self.db != index:
                if not 0 <= self.db < len(dbs):
                    raise source.damaged(f"database {self.db} does not exist")
                index = self.db
                db = dbs[index]
            elif db is None:
                db = dbs[0]
            offset = source.base + source.at
            key = source.string()
            value = source.string() if kind == 0 else self.value(kind, key)
            if 0 <= self.expire <= drop_before_ms:
                self.expired += 1
                continue
            if not db.store(key, value):
                raise source.damaged(f"the key {key[:64]!r} stands twice", offset)
            if self.expire >= 0:
                db.expire(key, self.expire)
            if touch is not None and (self.idle >= 0 or self.freq >= 0):
                touch(key, self.idle, self.freq)
            self.keys += 1
            if progress is not None and not self.keys & 16383:
                progress(source.offset(), self.keys)


def open_rdb(path):
    """(Reader of a file on disk, the open file)."""
    file = open(path, "rb", buffering=0)
    try:
        return Reader(Source(file.read, str(path), os.fstat(file.fileno()).st_size)), file
    except BaseException:
        file.close()
        raise


def load(path, dbs, drop_before_ms: int = -1, progress=None, touch=None):
    """Fill databases from a file; its Reader, for records, functions and AUX fields."""
    reader, file = open_rdb(path)
    with file:
        reader.fill(dbs, drop_before_ms, progress, touch)
    return reader


def restore(payload: bytes):
    """The value of a DUMP payload. ValueError: wrong version or checksum; DamagedFile: the
    checksum is right and the value is not."""
    if len(payload) < 10:
        raise ValueError("too short")
    version = int.from_bytes(payload[-10:-8], "little")
    said = int.from_bytes(payload[-8:], "little")
    if version > model.NEWEST or crc64(payload[:-8]) != said:
        raise ValueError("wrong version or checksum")
    source: Source = Source.of(payload[:-10])
    kind = source.byte()
    if kind not in TYPE_NAMES:
        raise source.damaged("unknown type", 0)
    plain = decode(source, kind)
    if not source.ended():
        raise source.damaged("bytes after the value")
    try:
        return from_plain(TYPE_NAMES[kind], plain)
    except (ValueError, OverflowError) as error:
        raise DamagedFile("DUMP payload", 0, str(error)) from None
