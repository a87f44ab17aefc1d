"""The two kinds of ends that a router has, clients and links, as its data path sees them. Compiled; no I/O."""

import cython
from cython.cimports.cluster.wire import Buffer
from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize
from cython.cimports.router.expected import Expected


@cython.cclass
class Conn:
    """A client's connection: its unread input, its ring of pending replies, its output.

    writer: it is our master, whose writes a replica takes.
    local: it comes from the loopback interface or a unix socket.
    fast: single-key commands may go straight to a shard (no MULTI, logged in, ...).
    queueing: the same, inside MULTI; queue: what it has queued (router/multi.py), or None.
    paused: an operation is in flight that the next command must wait for.
    dirty: it has new output. resting: its output is kept back, since more is to come; rested: it is among those, 2 when for
    a while already (router/frontdoor.py).
    """

    def __init__(self, conn_id: int, fd: int = -1):
        self.id = conn_id
        self.fd = fd
        self.inbox = Buffer(16)
        self.out = Buffer(512)
        self.ring = [None] * 128
        self.flags = 0
        self.reading = True
        self.scan_left = -1
        self.over_since = 0.0
        self.reply_size = 4096  # until its first reply comes

    @property
    def pending(self):
        """Places in the ring that are not answered yet."""
        return self.tail - self.head

    @property
    def out_size(self):
        """Bytes that wait to be sent."""
        return self.out.size - self.out_sent

    @property
    def in_size(self):
        """Bytes received that are not executed yet."""
        return self.inbox.size - self.inbox_at

    def peek_output(self) -> bytes:
        """All bytes to be sent, taken out (shells without a file descriptor, simulation)."""
        data = PyBytes_FromStringAndSize(self.out.data + self.out_sent, self.out.size - self.out_sent)
        self.out.clear()
        self.out_sent = 0
        return data


@cython.cclass
class Link:
    """The router's end of the link to one shard.

    alone: queued commands that need no other link; siblings: a bit for each link that the queued parts of operations
    need; alone_sent: how many of the first kind the batch under way has, sent at sent_ms; held_ms: since when
    what is queued waits for other links, 0 if it does not. See router/rounds.py.
    kept: each batch that is not answered, None where it is not needed.
    """

    def __init__(self, index: int):
        self.index = index
        self.batch = Buffer(1 << 16)
        self.expected = Expected()
        self.last_flags = -1
        self.kept = []

    @cython.cfunc
    @cython.exceptval(check=False)
    def sent(self, now: cython.longlong) -> cython.void:
        """A batch of all that is queued is under way."""
        self.batches += 1
        self.unanswered += 1
        self.sent_ms = now
        self.alone_sent = self.alone
        self.alone = 0
        self.siblings = 0
        self.held_ms = 0

    @property
    def in_flight(self):
        """Runs and operations that the shard has not answered yet."""
        return len(self.expected)

    @property
    def batch_size(self):
        """Bytes collected for the next batch."""
        return self.batch.size


@cython.cclass
class Parts:
    """Waits for the parts of one operation; stands in `Link.expected` once for each shard."""

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def arrived(
        self, shard: cython.int, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.int:
        """A shard's reply (raw RESP; data is NULL: the shard was lost)."""
        return 0

    def lost(self, shard: int):
        """A shard's link went away before it answered."""
        self.arrived(shard, cython.NULL, 0)


@cython.cclass
class Sink:
    """Who hears what shards say of operations (router/operations.py)."""

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def said(self, shard: cython.int, event: list) -> cython.int:
        """An event ("op", ...)."""
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def committed(
        self, shard: cython.int, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.int:
        """An entry of the kind DONE (cluster/frames.py)."""
        return 0
