"""The socket on which a master's stream comes in, as the front door reads it. Compiled."""

import errno

import cython
from cython.cimports.cluster.csocket import MSG_DONTWAIT, recv
from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize
from cython.cimports.libc.errno import errno as c_errno
from cython.cimports.libc.stdlib import free, malloc
from cython.cimports.router.connection import Conn, Link
from cython.cimports.router.core import Core

# What may have been received and not executed while an operation of the stream is under way.
IN_FLIGHT_MAX = cython.declare(cython.Py_ssize_t, 4 << 20)
# While a shard has so many batches before it, what comes is left to make a larger one: each costs a waking of both.
BATCHES_MAX = cython.declare(cython.int, 2)
READ_SIZE = cython.declare(cython.Py_ssize_t, 1 << 20)
# Two pieces of a busy master (router/replication/backlog.py): if more has come, we are behind, and give way to nobody.
BEHIND = cython.declare(cython.Py_ssize_t, 1 << 19)


@cython.cclass
class Inflow:
    """One stream's socket. take(bytes): something has come for `conn`. ended(error or None): nothing comes any more.
    over: nothing is wanted any more."""

    def __init__(self, fd: int, core: Core, conn: Conn, take, ended):
        self.fd = fd
        self.core = core
        self.conn = conn
        self.take = take
        self.ended = ended
        self.reading = True
        self.room = cython.cast(cython.p_char, malloc(READ_SIZE))
        if self.room == cython.NULL:
            raise MemoryError()

    def __dealloc__(self):
        free(self.room)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def readable(self) -> cython.int:
        """Read once."""
        if self.over:
            return 0
        size: cython.Py_ssize_t = recv(self.fd, self.room, READ_SIZE, MSG_DONTWAIT)
        if size < 0 and (c_errno == errno.EAGAIN or c_errno == errno.EINTR):
            return 0
        if size <= 0:
            self.ended(None)
            return 0
        self.core.behind = size > BEHIND
        try:
            self.take(PyBytes_FromStringAndSize(self.room, size))
        except Exception as error:
            self.ended(error)
        return 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def wanted(self) -> cython.bint:
        """Whether our shards can have more before them. Half a command is no reason to wait, however large it is."""
        link: Link
        if self.over:
            return False
        held: cython.bint = self.conn.paused or self.conn.stalled
        if held and self.conn.inbox.size - self.conn.inbox_at > IN_FLIGHT_MAX:
            return False
        for link in self.core.links:
            if link.unanswered >= BATCHES_MAX:
                return False
        return True
