"""The packed forms that RDB files keep small collections in.

    listpack   total(4) count(2) entry... FF      entry: encoding, data, its own size backwards
    ziplist    total(4) tail(4) count(2) entry... FF    entry: size of the one before, encoding, data
    intset     width(4) count(4) integer...       ascending
    zipmap     count(1) {size key size free value}... FF

All numbers are little-endian. Decoders give every element as bytes, integers in decimal, and
raise ValueError for anything that is not exactly what the form allows: they read files.
"""

import cython
from cython.cimports.cluster.wire import Buffer
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcpy


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _unsigned(data: cython.pointer(cython.const[cython.uchar]), width: cython.int) -> cython.ulonglong:
    value: cython.ulonglong = 0
    memcpy(cython.address(value), data, width)
    return value


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _signed(data: cython.pointer(cython.const[cython.uchar]), width: cython.int) -> cython.longlong:
    shift: cython.int = 64 - 8 * width
    value: cython.ulonglong = _unsigned(data, width) << shift
    return cython.cast(cython.longlong, value) >> shift


@cython.cfunc
def decimal(number: cython.longlong) -> bytes:
    """A number as text."""
    digits: cython.char[24]
    at: cython.int = 24
    rest: cython.ulonglong = (
        (~cython.cast(cython.ulonglong, number)) + 1 if number < 0 else cython.cast(cython.ulonglong, number)
    )
    while True:
        at -= 1
        digits[at] = 48 + rest % 10
        rest //= 10
        if rest == 0:
            break
    if number < 0:
        at -= 1
        digits[at] = 45
    return PyBytes_FromStringAndSize(cython.address(digits[0]) + at, 24 - at)


@cython.cfunc
@cython.exceptval(check=False)
def small_integer(text: bytes, number: cython.pointer(cython.longlong)) -> cython.bint:
    """Whether `text` is a 64-bit integer written in the only way that reads back the same."""
    data: cython.p_char = PyBytes_AS_STRING(text)
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(text)
    at: cython.Py_ssize_t = 0
    value: cython.ulonglong = 0
    negative: cython.bint
    limit: cython.ulonglong
    if size == 0 or size > 20:
        return False
    negative = data[0] == 45
    if negative:
        at = 1
        if size == 1:
            return False
    if data[at] == 48:
        if size == 1:
            number[0] = 0
            return True
        return False
    if size - at > 19:
        return False  # nineteen digits always fit into 64 bits without a sign
    while at < size:
        if data[at] < 48 or data[at] > 57:
            return False
        value = value * 10 + (data[at] - 48)
        at += 1
    limit = 1
    limit = (limit << 63) if negative else (limit << 63) - 1
    if value > limit:
        return False
    number[0] = cython.cast(cython.longlong, (~value) + 1) if negative else cython.cast(cython.longlong, value)
    return True


# -- listpack ------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _back_size(size: cython.Py_ssize_t) -> cython.int:
    """Bytes that the backward length of an entry of `size` bytes takes."""
    if size <= 127:
        return 1
    if size < 16383:
        return 2
    if size < 2097151:
        return 3
    if size < 268435455:
        return 4
    return 5


@cython.ccall
def listpack_items(raw: bytes) -> list:
    """The elements of a listpack."""
    data: cython.pointer(cython.const[cython.uchar]) = cython.cast(
        cython.pointer(cython.const[cython.uchar]), PyBytes_AS_STRING(raw)
    )
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(raw)
    at: cython.Py_ssize_t = 6
    head: cython.int
    left: cython.Py_ssize_t
    length: cython.Py_ssize_t
    used: cython.Py_ssize_t
    items: list = []
    if size < 7 or _unsigned(data, 4) != cython.cast(cython.ulonglong, size) or data[size - 1] != 0xFF:
        raise ValueError("listpack with a wrong size")
    size -= 1
    while at < size:
        head = data[at]
        left = size - at
        length = -1
        if head < 0x80:
            used = 1
            items.append(decimal(head))
        elif head < 0xC0:
            used = 1
            length = head & 63
        elif head < 0xE0:
            used = 2
            if left < 2:
                raise ValueError("listpack entry is cut")
            number: cython.int = ((head & 31) << 8) | data[at + 1]
            items.append(decimal(number - 8192 if number >= 4096 else number))
        elif head < 0xF0:
            used = 2
            if left < 2:
                raise ValueError("listpack entry is cut")
            length = ((head & 15) << 8) | data[at + 1]
        elif head == 0xF0:
            used = 5
            if left < 5:
                raise ValueError("listpack entry is cut")
            length = _unsigned(data + at + 1, 4)
        elif head <= 0xF4:
            width: cython.int = head - 0xEF if head < 0xF4 else 8
            used = 1 + width
            if left < used:
                raise ValueError("listpack entry is cut")
            items.append(decimal(_signed(data + at + 1, width)))
        else:
            raise ValueError("listpack entry of an unknown encoding")
        if length >= 0:
            if left < used + length:
                raise ValueError("listpack entry is cut")
            items.append(PyBytes_FromStringAndSize(cython.cast(cython.p_char, data) + at + used, length))
            used += length
        at += used + _back_size(used)
    if at != size:
        raise ValueError("listpack entry is cut")
    used = _unsigned(data + 4, 2)
    if used != 65535 and used != len(items):
        raise ValueError("listpack with a wrong count")
    return items


@cython.cfunc
@cython.exceptval(-1)
def _put_entry(out: Buffer, text: bytes) -> cython.int:
    """Append one listpack entry: an integer where the text is one."""
    number: cython.longlong = 0
    head: cython.uchar[10]
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(text)
    used: cython.Py_ssize_t
    width: cython.int
    if small_integer(text, cython.address(number)):
        if 0 <= number <= 127:
            head[0] = number
            used = 1
        elif -4096 <= number <= 4095:
            number &= 8191
            head[0] = 0xC0 | (number >> 8)
            head[1] = number & 255
            used = 2
        else:
            if -32768 <= number <= 32767:
                width = 2
                head[0] = 0xF1
            elif -8388608 <= number <= 8388607:
                width = 3
                head[0] = 0xF2
            elif -2147483648 <= number <= 2147483647:
                width = 4
                head[0] = 0xF3
            else:
                width = 8
                head[0] = 0xF4
            memcpy(cython.address(head[0]) + 1, cython.address(number), width)
            used = 1 + width
        out.append(cython.cast(cython.p_char, cython.address(head[0])), used)
    else:
        if size < 64:
            head[0] = 0x80 | size
            used = 1
        elif size < 4096:
            head[0] = 0xE0 | (size >> 8)
            head[1] = size & 255
            used = 2
        else:
            head[0] = 0xF0
            memcpy(cython.address(head[0]) + 1, cython.address(size), 4)
            used = 5
        out.append(cython.cast(cython.p_char, cython.address(head[0])), used)
        out.append(PyBytes_AS_STRING(text), size)
        used += size
    _put_back(out, used)
    return 0


@cython.cfunc
@cython.exceptval(-1)
def _put_back(out: Buffer, size: cython.Py_ssize_t) -> cython.int:
    """The backward length: seven bits a byte, most significant first, all but the first marked."""
    count: cython.int = _back_size(size)
    raw: cython.uchar[5]
    i: cython.int
    for i in range(count):
        raw[count - 1 - i] = (size >> (7 * i)) & 127
        if i < count - 1:
            raw[count - 1 - i] |= 128
    out.append(cython.cast(cython.p_char, cython.address(raw[0])), count)
    return 0


@cython.ccall
def listpack(items: list) -> bytes:
    """The listpack of these elements (bytes)."""
    out: Buffer = Buffer(256)
    count: cython.Py_ssize_t = len(items)
    out.append(b"\0\0\0\0\0\0", 6)
    for item in items:
        _put_entry(out, item)
    out.append(b"\xff", 1)
    if count > 65534:
        count = 65535  # "count them yourself"
    out.put_u32(0, out.size)
    memcpy(out.data + 4, cython.address(count), 2)
    return out.take()


# -- ziplist -------------------------------------------------------------------------------


@cython.ccall
def ziplist_items(raw: bytes) -> list:
    """The elements of a ziplist (Redis before 7)."""
    data: cython.pointer(cython.const[cython.uchar]) = cython.cast(
        cython.pointer(cython.const[cython.uchar]), PyBytes_AS_STRING(raw)
    )
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(raw)
    at: cython.Py_ssize_t = 10
    before: cython.Py_ssize_t = 0
    start: cython.Py_ssize_t
    said: cython.Py_ssize_t
    length: cython.Py_ssize_t
    need: cython.Py_ssize_t
    head: cython.int
    items: list = []
    if size < 11 or _unsigned(data, 4) != cython.cast(cython.ulonglong, size) or data[size - 1] != 0xFF:
        raise ValueError("ziplist with a wrong size")
    size -= 1
    while at < size:
        start = at
        if data[at] < 254:
            said = data[at]
            at += 1
        else:
            if size - at < 5:
                raise ValueError("ziplist entry is cut")
            said = _unsigned(data + at + 1, 4)
            at += 5
        if said != before:
            raise ValueError("ziplist entry with a wrong size of the one before")
        if at >= size:
            raise ValueError("ziplist entry is cut")
        head = data[at]
        at += 1
        length = -1
        need = 0
        if head < 0x40:
            length = head
        elif head < 0x80:
            need = 1
        elif head == 0x80:
            need = 4
        elif head == 0xC0:
            need = 2
        elif head == 0xD0:
            need = 4
        elif head == 0xE0:
            need = 8
        elif head == 0xF0:
            need = 3
        elif head == 0xFE:
            need = 1
        elif not 0xF1 <= head <= 0xFD:
            raise ValueError("ziplist entry of an unknown encoding")
        if size - at < need:
            raise ValueError("ziplist entry is cut")
        if head >= 0xC0:
            if need:
                items.append(decimal(_signed(data + at, need)))
            else:
                items.append(decimal(head - 0xF1))
            at += need
        else:
            if head >= 0x80:
                length = (
                    (cython.cast(cython.Py_ssize_t, data[at]) << 24)
                    | (data[at + 1] << 16)
                    | (data[at + 2] << 8)
                    | data[at + 3]
                )
            elif head >= 0x40:
                length = ((head & 63) << 8) | data[at]
            at += need
            if size - at < length:
                raise ValueError("ziplist entry is cut")
            items.append(PyBytes_FromStringAndSize(cython.cast(cython.p_char, data) + at, length))
            at += length
        before = at - start
    length = _unsigned(data + 8, 2)
    if length != 65535 and length != len(items):
        raise ValueError("ziplist with a wrong count")
    return items


# -- intset and zipmap ---------------------------------------------------------------------


@cython.ccall
def intset_items(raw: bytes) -> list:
    """The numbers of an intset, as text."""
    data: cython.pointer(cython.const[cython.uchar]) = cython.cast(
        cython.pointer(cython.const[cython.uchar]), PyBytes_AS_STRING(raw)
    )
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(raw)
    width: cython.int
    count: cython.Py_ssize_t
    i: cython.Py_ssize_t
    if size < 8:
        raise ValueError("intset is cut")
    count = _unsigned(data + 4, 4)
    if _unsigned(data, 4) not in (2, 4, 8):
        raise ValueError("intset of an unknown width")
    width = _unsigned(data, 4)
    if size != 8 + width * count:
        raise ValueError("intset with a wrong size")
    return [decimal(_signed(data + 8 + i * width, width)) for i in range(count)]


@cython.ccall
def intset(numbers: list) -> bytes:
    """The intset of these integers (int, ascending, 64 bits)."""
    low: cython.longlong = numbers[0] if numbers else 0
    high: cython.longlong = numbers[len(numbers) - 1] if numbers else 0
    number: cython.longlong
    width: cython.int = 8
    if -32768 <= low and high <= 32767:
        width = 2
    elif -2147483648 <= low and high <= 2147483647:
        width = 4
    out: Buffer = Buffer(8 + width * len(numbers))
    out.append(b"\0\0\0\0\0\0\0\0", 8)
    out.put_u32(0, width)
    out.put_u32(4, len(numbers))
    for item in numbers:
        number = item
        out.append(cython.cast(cython.p_char, cython.address(number)), width)
    return out.take()


@cython.ccall
def zipmap_items(raw: bytes) -> list:
    """key, value, key, value, ... of a zipmap (Redis before 2.6)."""
    data: cython.pointer(cython.const[cython.uchar]) = cython.cast(
        cython.pointer(cython.const[cython.uchar]), PyBytes_AS_STRING(raw)
    )
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(raw)
    at: cython.Py_ssize_t = 1
    length: cython.Py_ssize_t
    unused: cython.Py_ssize_t
    items: list = []
    if size < 2 or data[size - 1] != 0xFF:
        raise ValueError("zipmap is cut")
    size -= 1
    while at < size:
        length = data[at]
        at += 1
        if length == 254:
            if size - at < 4:
                raise ValueError("zipmap entry is cut")
            length = _unsigned(data + at, 4)
            at += 4
        elif length == 255:
            raise ValueError("zipmap ends early")
        unused = 0
        if len(items) & 1:
            if at >= size:
                raise ValueError("zipmap entry is cut")
            unused = data[at]
            at += 1
        if size - at < length + unused:
            raise ValueError("zipmap entry is cut")
        items.append(PyBytes_FromStringAndSize(cython.cast(cython.p_char, data) + at, length))
        at += length + unused
    if len(items) & 1:
        raise ValueError("zipmap with a key and no value")
    return items
