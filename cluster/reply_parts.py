"""Where RESP replies end, and the pieces that follow each other in bytes of them. Compiled.

Source: the RESP2 and RESP3 specifications.
"""

import cython
from cython.cimports.cluster.wire import read_number
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memchr


@cython.cfunc
@cython.exceptval(-2)
def reply_end(data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Where the reply that starts at `at` ends. ValueError when it is cut or no RESP."""
    mark: cython.char
    count: cython.Py_ssize_t
    line: cython.p_char
    start: cython.Py_ssize_t
    if at >= size:
        raise ValueError("cut reply")
    mark = data[at]
    line = cython.cast(cython.p_char, memchr(data + at, 10, size - at))
    if line == cython.NULL:
        raise ValueError("cut reply")
    start = line - data + 1
    if mark == 36 or mark == 61 or mark == 33:  # $ = !
        at += 1
        count = read_number(data, size, cython.address(at))
        if count < 0:
            return start
        if start + count + 2 > size:
            raise ValueError("cut reply")
        return start + count + 2
    if mark == 42 or mark == 126 or mark == 62 or mark == 37 or mark == 124:  # * ~ > % |
        at += 1
        count = read_number(data, size, cython.address(at))
        if mark == 37 or mark == 124:
            count *= 2
        while count > 0:
            count -= 1
            start = reply_end(data, size, start)
        return start
    return start


@cython.cfunc
def _pieces(raw: bytes, at: cython.Py_ssize_t, parts: list) -> object:
    """Put the replies from `at` on into `parts`; ValueError at one that is cut."""
    data: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(raw)
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(raw)
    end: cython.Py_ssize_t
    while at < size:
        end = reply_end(data, size, at)
        parts.append(PyBytes_FromStringAndSize(data + at, end - at))
        at = end
    return parts


def split_reply(raw: bytes) -> list:
    """The elements of an aggregate reply, each as its raw RESP bytes."""
    return _pieces(raw, raw.index(b"\n") + 1, [])


def split_replies(raw: bytes) -> list:
    """Replies that follow each other, each as its raw RESP bytes."""
    return _pieces(raw, 0, [])


def whole_replies(raw: bytes) -> tuple:
    """(the whole replies at the start, each as its raw RESP bytes; where the rest begins, which is none or cut)."""
    parts: list = []
    try:
        _pieces(raw, 0, parts)
    except ValueError:
        return parts, sum(map(len, parts))
    return parts, len(raw)
