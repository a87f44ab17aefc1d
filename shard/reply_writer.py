"""A reply written while a container gives its elements: from the container's bytes to the reply's. Compiled."""

import cython
from cython.cimports.cluster.wire import Buffer
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.shard.values.taker import LIST, MAP, Taker


class _Written:
    __slots__ = ()

    def __repr__(self) -> str:
        return "WRITTEN"


WRITTEN = _Written()  # what a handler returns whose reply stands in the buffer already


@cython.cclass
class ReplyWriter(Taker):
    """Writes what it takes as RESP; `shaped`: as RESP3."""

    def __init__(self, out: Buffer):
        self.out = out
        self.taken = WRITTEN

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def open(self, count: cython.Py_ssize_t, shape: cython.int = LIST) -> cython.int:
        if not self.shaped or shape == LIST:
            return self.out.append_line(42, count)
        if shape == MAP:
            return self.out.append_line(37, count // 2)
        return self.out.append_line(126, count)

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def close(self) -> cython.int:
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def text(self, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.int:
        return self.out.append_bulk(data, size)

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def item(self, item: bytes) -> cython.int:
        return self.out.append_bulk(PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item))

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def score(self, score: cython.double) -> cython.int:
        return self.out.append_double(score, 3 if self.shaped else 2)
