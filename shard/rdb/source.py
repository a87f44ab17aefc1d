"""Reading RDB's primitive forms from a file or from bytes, in chunks, with the checksum.

A `Source` never holds more than one chunk and the string that is being read. Everything that
it says about damage carries the file's name and the offset.
"""

import cython
from cython.cimports.cluster.crc64 import crc64_of
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcpy
from cython.cimports.shard.rdb.lzf import expand
from cython.cimports.shard.rdb.packed import decimal

from shard.rdb.errors import DamagedFile

CHUNK = 1 << 20


@cython.cclass
class Source:
    """`read(count)` gives at most `count` bytes, b"" at the end. `total` is the size of it all in
    bytes when it is known (-1 if not): a length beyond it is refused before it is read."""

    def __init__(self, read, name="RDB", total=-1):
        self.read = read
        self.name = name
        self.total = total
        self.chunk = b""
        self.data = cython.cast(cython.pointer(cython.const[cython.uchar]), PyBytes_AS_STRING(self.chunk))

    @staticmethod
    def of(raw: bytes, name: str = "DUMP payload") -> "Source":
        """A source over bytes."""
        source: Source = Source(None, name, len(raw))
        source.chunk = raw
        source.data = cython.cast(cython.pointer(cython.const[cython.uchar]), PyBytes_AS_STRING(raw))
        source.size = PyBytes_GET_SIZE(raw)
        return source

    def offset(self) -> int:
        """Bytes read so far."""
        return self.base + self.at

    def damaged(self, reason: str, offset=None):
        """The error to raise."""
        return DamagedFile(self.name, self.base + self.at if offset is None else offset, reason)

    @cython.cfunc
    @cython.exceptval(-1)
    def _sum(self) -> cython.int:
        self.crc = crc64_of(self.crc, self.data + self.summed, self.at - self.summed)
        self.summed = self.at
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def need(self, count: cython.Py_ssize_t) -> cython.int:
        """Have `count` bytes at hand, or raise: the file is cut."""
        if 0 <= count <= self.size - self.at:
            return 0
        if count < 0 or (self.total >= 0 and count > self.total - self.base - self.at) or self.read is None:
            raise self.damaged("the file is cut, or a length is damaged")
        self._sum()
        parts: list = [self.chunk[self.at : self.size]]
        have: cython.Py_ssize_t = self.size - self.at
        while have < count:
            more: bytes = self.read(max(count - have, CHUNK))
            if not more:
                raise self.damaged("the file is cut")
            parts.append(more)
            have += len(more)
        self.base += self.at
        self.chunk = b"".join(parts)
        self.data = cython.cast(cython.pointer(cython.const[cython.uchar]), PyBytes_AS_STRING(self.chunk))
        self.size = have
        self.at = 0
        self.summed = 0
        return 0

    def checksum(self) -> int:
        """CRC-64 of everything read so far."""
        self._sum()
        return self.crc

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def byte(self) -> cython.int:
        """One byte."""
        if self.at >= self.size:
            self.need(1)
        self.at += 1
        return self.data[self.at - 1]

    @cython.ccall
    def take(self, count: cython.Py_ssize_t) -> bytes:
        """The next `count` bytes."""
        self.need(count)
        self.at += count
        return PyBytes_FromStringAndSize(cython.cast(cython.p_char, self.data) + self.at - count, count)

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def number(self, width: cython.int) -> cython.longlong:
        """A little-endian number of `width` bytes (eight: signed, shorter ones: unsigned)."""
        value: cython.longlong = 0
        self.need(width)
        memcpy(cython.address(value), self.data + self.at, width)
        self.at += width
        return value

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def length(self) -> cython.longlong:
        """A length (negative: above 2**63, as no real one is). `encoded` says that it is none
        but the kind of a special string."""
        head: cython.int
        value: cython.ulonglong = 0
        i: cython.int
        width: cython.int
        if self.at >= self.size:
            self.need(1)
        head = self.data[self.at]
        self.at += 1
        self.encoded = False
        if head < 0x40:
            return head
        if head < 0x80:
            return ((head & 63) << 8) | self.byte()
        if head >= 0xC0:
            self.encoded = True
            return head & 63
        if head == 0x80:
            width = 4
        elif head == 0x81:
            width = 8
        else:
            raise self.damaged("unknown length encoding")
        self.need(width)
        for i in range(width):  # these two are big-endian
            value = (value << 8) | self.data[self.at + i]
        self.at += width
        return value

    @cython.ccall
    def string(self) -> bytes:
        """A string of any encoding."""
        size: cython.longlong = self.length()
        if self.encoded:
            return self._special(size)
        if size < 0 or size > self.size - self.at:
            self.need(size)
        self.at += size
        return PyBytes_FromStringAndSize(cython.cast(cython.p_char, self.data) + self.at - size, size)

    @cython.cfunc
    def _special(self, kind: cython.longlong) -> bytes:
        value: cython.longlong
        packed: cython.longlong
        size: cython.longlong
        start: cython.Py_ssize_t
        if kind <= 2:
            value = self.number(1 << kind)
            if kind == 0:
                value = cython.cast(cython.schar, value)
            elif kind == 1:
                value = cython.cast(cython.short, value)
            else:
                value = cython.cast(cython.int, value)
            return decimal(value)
        if kind != 3:
            raise self.damaged("unknown string encoding")
        packed = self.length()
        size = self.length()
        self.need(packed)
        start = self.at
        try:
            result: bytes = expand(self.data + start, packed, size)
        except ValueError as error:
            raise self.damaged(str(error)) from None
        self.at += packed
        return result

    def ended(self) -> bool:
        """Whether nothing is left (of bytes, or of a file whose size is known)."""
        return self.base + self.at >= self.total if self.total >= 0 else self.at >= self.size
