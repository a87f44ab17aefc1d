"""Writing RDB's primitive forms: a buffer that is passed on in chunks, with the checksum."""

import cython
from cython.cimports.cluster.crc64 import crc64_of
from cython.cimports.cluster.wire import Buffer
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.shard.rdb.lzf import compress
from cython.cimports.shard.rdb.packed import small_integer


@cython.cclass
class Sink:
    """`write(bytes)` gets chunks of about 256 KiB; None collects everything for `take`."""

    def __init__(self, write=None, compress: bool = True):
        self.out = Buffer(4096)
        self.write = write
        self.compress = compress

    @cython.cfunc
    @cython.exceptval(-1)
    def flush_if_full(self) -> cython.int:
        if self.out.size >= 262144 and self.write is not None:
            self.flush()
        return 0

    @cython.ccall
    @cython.exceptval(-1)
    def flush(self) -> cython.int:
        """Pass on what has been collected."""
        if self.out.size == 0:
            return 0
        self.crc = crc64_of(
            self.crc, cython.cast(cython.pointer(cython.const[cython.uchar]), self.out.data), self.out.size
        )
        if self.write is not None:
            self.written += self.out.size
            self.write(PyBytes_FromStringAndSize(self.out.data, self.out.size))
            self.out.clear()
        return 0

    def take(self) -> bytes:
        """Everything so far, of a sink without `write`."""
        return self.out.take()

    @cython.ccall
    @cython.exceptval(-1)
    def byte(self, value: cython.int) -> cython.int:
        """One byte."""
        raw: cython.char = value
        self.out.append(cython.address(raw), 1)
        return 0

    @cython.ccall
    @cython.exceptval(-1)
    def length(self, value: cython.ulonglong) -> cython.int:
        """A length, in 1, 2, 5 or 9 bytes."""
        raw: cython.uchar[9]
        i: cython.int
        size: cython.int
        if value < 64:
            raw[0] = value
            size = 1
        elif value < 16384:
            raw[0] = 0x40 | (value >> 8)
            raw[1] = value & 255
            size = 2
        else:
            size = 9 if value >> 32 else 5
            raw[0] = 0x80 if size == 5 else 0x81
            for i in range(1, size):
                raw[i] = (value >> (8 * (size - 1 - i))) & 255
        self.out.append(cython.cast(cython.p_char, cython.address(raw[0])), size)
        return 0

    @cython.ccall
    @cython.exceptval(-1)
    def number(self, value: cython.ulonglong, width: cython.int) -> cython.int:
        """A little-endian number of `width` bytes."""
        self.out.append(cython.cast(cython.p_char, cython.address(value)), width)
        return 0

    @cython.ccall
    @cython.exceptval(-1)
    def raw(self, data: bytes) -> cython.int:
        """Bytes as they are."""
        self.out.append(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        return 0

    @cython.ccall
    @cython.exceptval(-1)
    def string(self, text: bytes) -> cython.int:
        """A string: small integers as such, long ones compressed where that saves something."""
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(text)
        number: cython.longlong = 0
        packed: bytes
        kind: cython.int
        if size <= 11 and small_integer(text, cython.address(number)):
            kind = -1
            if -128 <= number <= 127:
                kind = 0
            elif -32768 <= number <= 32767:
                kind = 1
            elif -2147483648 <= number <= 2147483647:
                kind = 2
            if kind >= 0:
                self.byte(0xC0 | kind)
                self.out.append(cython.cast(cython.p_char, cython.address(number)), 1 << kind)
                return 0
        elif size > 20 and self.compress:
            packed = compress(text)
            if packed is not None:
                self.byte(0xC3)
                self.length(PyBytes_GET_SIZE(packed))
                self.length(size)
                self.raw(packed)
                self.flush_if_full()
                return 0
        self.length(size)
        self.out.append(PyBytes_AS_STRING(text), size)
        self.flush_if_full()
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def chars(self, text: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.int:
        """`string`, for bytes that are no object and, most of them, need none."""
        if (size > 20 and self.compress) or (size <= 11 and (size == 0 or text[0] <= 57)):
            return self.string(PyBytes_FromStringAndSize(text, size))
        self.length(size)
        self.out.append(text, size)
        return self.flush_if_full()

    def score(self, value: float):
        """A binary double."""
        raw: cython.double = value
        self.out.append(cython.cast(cython.p_char, cython.address(raw)), 8)
