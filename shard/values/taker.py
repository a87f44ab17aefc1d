"""Who takes the elements that a container gives. Compiled.

    taker.open(2)                       [
    taker.text(data, size)                b"...",
    taker.open(0); taker.close()          [],
    taker.close()                       ]

A container walks itself in one place, for whoever asks: this class makes Python lists of what comes; `shard.reply_writer`
writes a reply of it, and no object is made. Whoever opens a list says how many elements it becomes.
"""

import cython
from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize

from cluster.replies import MapReply, SetReply


@cython.cclass
class Taker:
    """Takes nested lists of byte strings and doubles; the outermost one is `taken` when it is closed.

    shaped: a MAP (key, value, key, value ...) becomes a MapReply and a SET a SetReply; otherwise these are lists.
    """

    def __init__(self, shaped: cython.bint = False):
        self.shaped = shaped
        self.around = []

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def open(self, count: cython.Py_ssize_t, shape: cython.int = LIST) -> cython.int:
        """A list of `count` elements begins."""
        fresh: list = []
        if self.shaped and shape != LIST:
            fresh = cython.cast(list, MapReply() if shape == MAP else SetReply())
        if self.here is None:
            self.taken = fresh
        else:
            self.here.append(fresh)
            self.around.append(self.here)
        self.here = fresh
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def close(self) -> cython.int:
        """The list that was opened last is complete."""
        if self.around:
            self.here = cython.cast(list, self.around.pop())  # perhaps a MapReply, which a check would refuse
        else:
            self.here = None
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def text(self, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.int:
        """A byte string."""
        self.here.append(PyBytes_FromStringAndSize(data, size))
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def item(self, item: bytes) -> cython.int:
        """A byte string that is an object already."""
        self.here.append(item)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def score(self, score: cython.double) -> cython.int:
        """A double."""
        self.here.append(score)
        return 0
