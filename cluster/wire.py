"""RESP on the wire, compiled: a growing buffer, the reply encoder, the command decoder.

Everything here works on whole commands and replies; finding the end of what a client has
sent so far is the router's scanner (`router/scanner.py`). Source: the RESP2 and RESP3
specifications; the reply types are those of `cluster.replies`.
"""

import cython
from cython.cimports.cluster.numbers import DOUBLE_ROOM, write_double, write_longlong
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.stdlib import free, malloc, realloc
from cython.cimports.libc.string import memchr, memcpy

from cluster.errors import CommandError
from cluster.replies import NIL_ARRAY, MapReply, PushReply, Raw, SetReply, Status, Verbatim

# CRC16[0] is the usual table; CRC16[n] is for a byte that n more bytes follow: four bytes take one step.
CRC16 = cython.declare(cython.ushort[256][4])  # C: unsigned short CRC16[4][256]


@cython.cfunc
def _fill_crc16() -> cython.void:
    i: cython.int
    bit: cython.int
    crc: cython.uint
    for i in range(256):
        crc = cython.cast(cython.uint, i) << 8
        for bit in range(8):
            crc = ((crc << 1) ^ 0x1021) if crc & 0x8000 else (crc << 1)
        CRC16[0][i] = crc & 0xFFFF
    for bit in range(1, 4):
        for i in range(256):
            crc = CRC16[bit - 1][i]
            CRC16[bit][i] = ((crc << 8) & 0xFFFF) ^ CRC16[0][crc >> 8]


_fill_crc16()


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def slot_of_bytes(key: cython.pointer(cython.const[cython.uchar]), size: cython.Py_ssize_t) -> cython.int:
    """CRC16-XMODEM of the key (or of its tag) modulo 16384: `cluster.slots.slot_of` in C."""
    crc: cython.uint = 0
    i: cython.Py_ssize_t = 0
    start: cython.Py_ssize_t
    brace: cython.pointer(cython.const[cython.uchar]) = cython.cast(
        cython.pointer(cython.const[cython.uchar]), memchr(key, 123, size)
    )
    if brace != cython.NULL:
        start = brace - key + 1
        for i in range(start, size):
            if key[i] == 125:  # }
                if i > start:
                    key = key + start
                    size = i - start
                break
        i = 0
    while i + 4 <= size:
        crc = crc ^ (cython.cast(cython.uint, key[i]) << 8) ^ key[i + 1]
        crc = CRC16[3][crc >> 8] ^ CRC16[2][crc & 0xFF] ^ CRC16[1][key[i + 2]] ^ CRC16[0][key[i + 3]]
        i += 4
    while i < size:
        crc = ((crc << 8) & 0xFFFF) ^ CRC16[0][((crc >> 8) ^ key[i]) & 0xFF]
        i += 1
    return crc & 16383


@cython.ccall
@cython.exceptval(check=False)
def slot(key: bytes) -> cython.int:
    """The slot of a key."""
    return slot_of_bytes(
        cython.cast(cython.pointer(cython.const[cython.uchar]), PyBytes_AS_STRING(key)), PyBytes_GET_SIZE(key)
    )


@cython.cclass
class Buffer:
    """Bytes that grow at the end. `size` is how many there are."""

    def __cinit__(self, capacity: cython.Py_ssize_t = 256):
        self.data = cython.cast(cython.p_char, malloc(capacity))
        if self.data == cython.NULL:
            raise MemoryError()
        self.capacity = capacity
        self.size = 0

    def __dealloc__(self):
        free(self.data)

    @cython.cfunc
    @cython.exceptval(-1)
    def reserve(self, extra: cython.Py_ssize_t) -> cython.int:
        need: cython.Py_ssize_t = self.size + extra
        if need <= self.capacity:
            return 0
        capacity: cython.Py_ssize_t = self.capacity * 2
        if capacity < need:
            capacity = need
        grown: cython.p_char = cython.cast(cython.p_char, realloc(self.data, capacity))
        if grown == cython.NULL:
            raise MemoryError()
        self.data = grown
        self.capacity = capacity
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def append(self, source: cython.pointer(cython.const[cython.char]), count: cython.Py_ssize_t) -> cython.int:
        if self.size + count > self.capacity:
            self.reserve(count)
        memcpy(self.data + self.size, source, count)
        self.size += count
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def append_line(self, mark: cython.char, number: cython.longlong) -> cython.int:
        """`mark`, the number in decimal, CRLF."""
        to: cython.p_char
        if self.size + 32 > self.capacity:
            self.reserve(32)
        if 0 <= number < 100:  # most lengths
            self.data[self.size] = mark
            if number >= 10:
                self.size += 1
                self.data[self.size] = cython.cast(cython.char, 48 + number // 10)
            self.data[self.size + 1] = cython.cast(cython.char, 48 + number % 10)
            memcpy(self.data + self.size + 2, b"\r\n", 2)
            self.size += 4
            return 0
        to = self.data + self.size
        to[0] = mark
        to += 1
        to += write_longlong(to, number)
        memcpy(to, b"\r\n", 2)
        self.size = to - self.data + 2
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def append_bulk(self, source: cython.pointer(cython.const[cython.char]), count: cython.Py_ssize_t) -> cython.int:
        to: cython.p_char
        if self.size + count + 34 > self.capacity:
            self.reserve(count + 34)
        if count < 100:
            to = self.data + self.size
            to[0] = 36
            if count > 9:
                to += 1
                to[0] = cython.cast(cython.char, 48 + count // 10)
            to[1] = cython.cast(cython.char, 48 + count % 10)
            memcpy(to + 2, b"\r\n", 2)
            to += 4
        else:
            self.append_line(36, count)
            to = self.data + self.size
        memcpy(to, source, count)
        memcpy(to + count, b"\r\n", 2)
        self.size = to - self.data + count + 2
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def append_double(self, value: cython.double, resp: cython.int) -> cython.int:
        """A double of RESP3; in RESP2 a bulk string."""
        text: cython.char[DOUBLE_ROOM]
        count: cython.int = write_double(text, value)
        if resp < 3:
            return self.append_bulk(text, count)
        self.append(b",", 1)
        self.append(text, count)
        self.append(b"\r\n", 2)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def put_u32(self, at: cython.Py_ssize_t, value: cython.uint) -> cython.int:
        memcpy(self.data + at, cython.address(value), 4)
        return 0

    def write(self, data: bytes):
        """Append bytes."""
        self.append(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))

    @cython.ccall
    def take(self) -> bytes:
        """All bytes; the buffer is empty afterwards (a large one gives its memory back)."""
        taken: bytes = PyBytes_FromStringAndSize(self.data, self.size)
        self.clear()
        return taken

    @cython.ccall
    @cython.exceptval(check=False)
    def clear(self) -> cython.void:
        self.size = 0
        if self.capacity > 1 << 20:
            free(self.data)
            self.data = cython.cast(cython.p_char, malloc(4096))
            self.capacity = 4096

    def __len__(self):
        return self.size


@cython.ccall
@cython.exceptval(-1)
def encode(out: Buffer, reply: object, resp: cython.int) -> cython.int:
    """Append one reply (see `cluster.replies`) in protocol version `resp` (2 or 3)."""
    kind: object = type(reply)
    if kind is bytes:
        out.append_bulk(PyBytes_AS_STRING(reply), PyBytes_GET_SIZE(reply))
    elif kind is int:
        try:
            out.append_line(58, reply)
        except OverflowError:
            out.write(b"(" + str(reply).encode() + b"\r\n" if resp >= 3 else _bulk(str(reply).encode()))
    elif reply is None:
        if resp >= 3:
            out.append(b"_\r\n", 3)
        else:
            out.append(b"$-1\r\n", 5)
    elif kind is Status:
        out.append(b"+", 1)
        out.append(PyBytes_AS_STRING(reply), PyBytes_GET_SIZE(reply))
        out.append(b"\r\n", 2)
    elif kind is list:
        out.append_line(42, len(reply))
        for item in cython.cast(list, reply):
            encode(out, item, resp)
    elif kind is float:
        out.append_double(reply, resp)
    else:
        _encode_rare(out, reply, kind, resp)
    return 0


@cython.cfunc
def _bulk(text: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(text), text)


@cython.cfunc
@cython.exceptval(-1)
def _encode_rare(out: Buffer, reply: object, kind: object, resp: cython.int) -> cython.int:
    if kind is tuple:
        out.append_line(42, len(reply))
    elif kind is MapReply:
        if resp >= 3:
            out.append_line(37, len(reply) // 2)
        else:
            out.append_line(42, len(reply))
    elif kind is dict:
        if resp >= 3:
            out.append_line(37, len(reply))
        else:
            out.append_line(42, 2 * len(reply))
        for key, value in reply.items():
            encode(out, key, resp)
            encode(out, value, resp)
        return 0
    elif kind is SetReply:
        out.append_line(126 if resp >= 3 else 42, len(reply))
    elif kind is PushReply:
        out.append_line(62 if resp >= 3 else 42, len(reply))
    elif kind is Raw:
        out.write(bytes(reply))
        return 0
    elif kind is Verbatim:
        if resp >= 3:
            out.write(b"=%d\r\ntxt:%s\r\n" % (len(reply) + 4, reply))
        else:
            out.write(_bulk(bytes(reply)))
        return 0
    elif kind is bool:
        if resp >= 3:
            out.write(b"#t\r\n" if reply else b"#f\r\n")
        else:
            out.write(b":1\r\n" if reply else b":0\r\n")
        return 0
    elif kind is bytearray:
        out.write(_bulk(bytes(reply)))
        return 0
    elif kind is str:
        out.write(_bulk(reply.encode()))
        return 0
    elif reply is NIL_ARRAY:
        out.write(b"_\r\n" if resp >= 3 else b"*-1\r\n")
        return 0
    elif isinstance(reply, CommandError):
        out.write(b"-" + reply.text.encode("utf-8", "surrogateescape").replace(b"\r", b" ").replace(b"\n", b" ") + b"\r\n")
        return 0
    else:
        raise TypeError(f"no RESP form for a reply of type {kind!r}")
    for item in reply:
        encode(out, item, resp)
    return 0


def encoded(reply, resp: cython.int = 2) -> bytes:
    """One reply as bytes."""
    out: Buffer = Buffer(64)
    encode(out, reply, resp)
    return out.take()


@cython.ccall
@cython.exceptval(-1)
def encode_command(out: Buffer, args: list, rest: list = None, first: cython.Py_ssize_t = 0) -> cython.int:
    """Append a command, args and rest[first:], as an array of bulk strings. Arguments are bytes, str or int."""
    if rest is None:
        out.append_line(42, len(args))
        return _encode_arguments(out, args, 0)
    out.append_line(42, len(args) + len(rest) - first)
    _encode_arguments(out, args, 0)
    return _encode_arguments(out, rest, first)


@cython.cfunc
@cython.exceptval(-1)
def _encode_arguments(out: Buffer, args: list, first: cython.Py_ssize_t) -> cython.int:
    i: cython.Py_ssize_t
    raw: bytes
    for i in range(first, len(args)):
        arg: object = args[i]
        if type(arg) is bytes:
            out.append_bulk(PyBytes_AS_STRING(arg), PyBytes_GET_SIZE(arg))
        else:
            raw = arg.encode() if type(arg) is str else b"%d" % arg if type(arg) is int else bytes(arg)
            out.append_bulk(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))
    return 0


def command(*args) -> bytes:
    """A command as RESP bytes."""
    out: Buffer = Buffer(64)
    encode_command(out, list(args))
    return out.take()


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def read_number(data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t, at: cython.pointer(cython.Py_ssize_t)) -> cython.Py_ssize_t:
    """The decimal at data[at[0]:], ended by CRLF; at[0] moves behind it. -2: not a number or cut."""
    i: cython.Py_ssize_t = at[0]
    value: cython.Py_ssize_t = 0
    negative: cython.bint = False
    first: cython.Py_ssize_t
    if i < size and data[i] == 45:
        negative = True
        i += 1
    first = i
    while i < size and 48 <= data[i] <= 57:
        value = value * 10 + (data[i] - 48)
        i += 1
    if i == first or i + 1 >= size or data[i] != 13:
        return -2
    at[0] = i + 2
    return -value if negative else value


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def command_end(data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Bytes of the first whole command (array of bulk strings) in `data`, 0 if cut, -1 if damaged."""
    at: cython.Py_ssize_t = 1
    count: cython.Py_ssize_t
    length: cython.Py_ssize_t
    if size == 0:
        return 0
    if data[0] != 42:
        return -1
    if memchr(data, 10, size) == cython.NULL:
        return 0 if size < 32 else -1
    count = read_number(data, size, cython.address(at))
    if count < 0:
        return -1
    while count > 0:
        count -= 1
        if at >= size:
            return 0
        if data[at] != 36:
            return -1
        if memchr(data + at, 10, size - at) == cython.NULL:
            return 0 if size - at < 32 else -1
        at += 1
        length = read_number(data, size, cython.address(at))
        if length < 0:
            return -1
        if at + length + 2 > size:
            return 0
        if data[at + length] != 13 or data[at + length + 1] != 10:
            return -1
        at += length + 2
    return at


@cython.cfunc
def split_command(data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> list:
    """The arguments of one whole, valid command. ValueError if it is neither."""
    at: cython.Py_ssize_t = 1
    count: cython.Py_ssize_t
    length: cython.Py_ssize_t
    args: list = []
    if size < 4 or data[0] != 42:
        raise ValueError("not a command")
    count = read_number(data, size, cython.address(at))
    while count > 0:
        count -= 1
        if at >= size or data[at] != 36:
            raise ValueError("not a command")
        at += 1
        length = read_number(data, size, cython.address(at))
        if length < 0 or at + length + 2 > size:
            raise ValueError("not a command")
        args.append(PyBytes_FromStringAndSize(data + at, length))
        at += length + 2
    return args


def parse_command(raw: bytes) -> list:
    """The arguments of one whole command in RESP. ValueError if it is not one."""
    return split_command(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))


def parse_commands(data: bytes) -> tuple:
    """All whole commands at the start of `data`: (list of argument lists, bytes consumed).

    ValueError, with the offset, at the first damaged byte.
    """
    raw: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(data)
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(data)
    at: cython.Py_ssize_t = 0
    end: cython.Py_ssize_t
    found: list = []
    while at < size:
        end = command_end(raw + at, size - at)
        if end == 0:
            break
        if end < 0:
            raise ValueError(f"damaged command at offset {at}")
        found.append(split_command(raw + at, end))
        at += end
    return found, at
