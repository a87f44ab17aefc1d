"""Waits for the parts of one operation, and makes one reply of theirs. Compiled.

    Gather      one reply from each shard; a record's parts are noted as applied
      Collected   hands all of them to a function of plain Python
      Answer      merges them at the place that a client's command has among its replies
"""

import cython
from cython.cimports.cluster.reply_parts import reply_end
from cython.cimports.cluster.wire import Buffer, read_number
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.router.connection import Conn, Link, Parts
from cython.cimports.router.core import Core
from cython.cimports.router.open_records import OpenRecords
from cython.cimports.router.queued import spare_queue

from cluster import frames
from cluster.errors import SHARD_DOWN_UNKNOWN, CommandError
from cluster.wire import encoded

RESOLVE = cython.declare(cython.int, frames.RESOLVE)
INTERLEAVE = 0  # arrays, whose elements take turns: EXEC
SUM = 1  # integers
SCATTER = 2  # arrays, whose elements take turns: MGET
FIRST = 3  # all the same


@cython.cfunc
@cython.exceptval(-1, check=True)
def put(
    core: Core,
    target: Parts,
    shard: cython.int,
    command: cython.int,
    db: cython.int,
    flags: cython.int,
    client: cython.uint,
    raw: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
    siblings: cython.ulonglong,
) -> cython.int:
    """One part of an operation onto its link, as a run of its own. What is to RESOLVE a hold is not answered.

    siblings: a bit for each link that has parts in the same go, 0: it is not to wait for others (router/rounds.py).
    """
    link: Link = core.links[shard]
    core._close_run(link)
    if not flags & RESOLVE:
        link.expected.push(target, shard)
    core._entry(link, command, db, flags | 2, client, raw, size)
    if siblings:
        link.alone -= 1
        link.siblings |= siblings
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
def open_txn(out: Buffer, watcher: bytes, kind: bytes) -> cython.int:
    """SHARD.TXN up to its payload."""
    out.append(b"*4\r\n$9\r\nSHARD.TXN\r\n", 19)
    out.append_bulk(PyBytes_AS_STRING(watcher), PyBytes_GET_SIZE(watcher))
    out.append_bulk(PyBytes_AS_STRING(kind), PyBytes_GET_SIZE(kind))
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
def put_record(core: Core, target: Gather, txn: cython.int, blob: bytes) -> cython.int:
    """The same for a record, which each of the target's shards gets as a whole."""
    out: Buffer = core.scratch
    shard: cython.int
    out.clear()
    open_txn(out, b"", b"R")
    out.append_bulk(PyBytes_AS_STRING(blob), PyBytes_GET_SIZE(blob))
    for shard in range(core.shards):
        if (target.siblings >> shard) & 1:
            put(core, target, shard, txn, 0, 0, 0, out.data, out.size, target.siblings)
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
def join_run(core: Core, conn: Conn, siblings: cython.ulonglong) -> cython.int:
    """What a client has sent to an operation's shards just before it, and that is still queued, goes with its parts: it is
    answered no sooner than the operation."""
    link: Link
    for link in core.links:
        if link.run_conn is conn and link.index < 64 and (siblings >> link.index) & 1:
            link.alone -= conn.counts[link.run_seq & 127]
            link.siblings |= siblings
            core._close_run(link)  # it is counted once
    return 0


@cython.cclass
class Gather(Parts):
    """replies: by shard, raw, None where none is awaited or it was lost. away: the last shard that was lost, or -1.

    record: the record that carries the parts, None if none does. siblings: a bit for each shard asked.
    """

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def arrived(
        self, shard: cython.int, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.int:
        if data == cython.NULL:
            self.away = shard
        else:
            self.replies[shard] = PyBytes_FromStringAndSize(data, size)
            if self.record is not None:
                self.records.confirmed(self.record, shard)
        self.missing -= 1
        if self.missing == 0:
            self.finish()
        return 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def ask(self, shard: cython.int) -> cython.void:
        """This shard gets a part."""
        self.missing += 1
        self.siblings |= cython.cast(cython.ulonglong, 1) << shard

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def finish(self) -> cython.int:
        """All parts are there."""
        return 0


@cython.cclass
class Collected(Gather):
    """done(replies) gets shard -> raw reply, None for a part that was lost."""

    def __init__(self, shards, done):
        self.missing = len(shards)
        self.replies = [None] * (max(shards) + 1)
        self.away = -1
        self.done = done
        self.shards = list(shards)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def finish(self) -> cython.int:
        self.done({shard: self.replies[shard] for shard in self.shards})
        return 0


@cython.cclass
class Answer(Gather):
    """order: the shard of each command (EXEC) or key (a split command), in the client's order; of EXEC in `queue`.

    skip: where a part's reply begins in what its shard says: 4 behind "*1\\r\\n".
    """

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def finish(self) -> cython.int:
        raw: bytes
        out: Buffer
        failed: bytes = None
        at: cython.Py_ssize_t = self.skip
        if self.conn.closed:
            return 0
        if self.away >= 0:
            failed = encoded(CommandError(SHARD_DOWN_UNKNOWN.format(shard=self.away)))
        else:
            for raw in self.replies:
                if raw is not None and PyBytes_AS_STRING(raw)[0] == 45:
                    failed = raw
        if failed is None and self.merge != INTERLEAVE:
            for raw in self.replies:
                if raw is not None and PyBytes_AS_STRING(raw)[at] == 45:
                    failed = raw[at:]
        if failed is not None:
            self.core._deliver(self.conn, self.place, PyBytes_AS_STRING(failed), PyBytes_GET_SIZE(failed))
            return 0
        out = self.core.scratch
        out.clear()
        if self.merge == SUM:
            self._sum(out)
        elif self.merge == FIRST:
            for raw in self.replies:
                if raw is not None:
                    out.append(PyBytes_AS_STRING(raw) + at, PyBytes_GET_SIZE(raw) - at)
                    break
        else:
            self._interleave(out)
        self.core._deliver(self.conn, self.place, out.data, out.size)
        if self.queue is not None:
            spare_queue(self.queue)
            self.queue = None
        return 0

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def operated(self, replies: dict, error: object) -> cython.int:
        """What an operation's commands were answered (see Operation.done)."""
        if self.conn.closed:
            return 0
        if error is not None or replies is None:
            raw: bytes = b"_\r\n" if self.conn.flags & 1 else b"*-1\r\n"
            if error is not None:
                raw = encoded(error)
            self.core._deliver(self.conn, self.place, PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))
        else:
            for shard, raw in replies.items():
                self.replies[shard] = raw
            self.finish()
        self.core.resume(self.conn)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _sum(self, out: Buffer) -> cython.int:
        total: cython.longlong = 0
        at: cython.Py_ssize_t
        raw: bytes
        for raw in self.replies:
            if raw is not None:
                at = self.skip + 1
                total += read_number(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw), cython.address(at))
        out.append_line(58, total)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _interleave(self, out: Buffer) -> cython.int:
        """Each shard's reply is an array; `order` says whose element is next."""
        cursors: cython.Py_ssize_t[64]
        i: cython.Py_ssize_t
        end: cython.Py_ssize_t
        shard: cython.int
        raw: bytes
        for shard in range(len(self.replies)):
            raw = self.replies[shard]
            if raw is not None:
                cursors[shard] = 1
                read_number(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw), cython.address(cursors[shard]))
        out.append_line(42, self.count)
        for i in range(self.count):
            shard = cython.cast(cython.pointer(cython.short), self.order.data)[i]
            raw = self.replies[shard]
            if raw is None:
                raise ValueError(f"shard {shard} has not answered")
            end = reply_end(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw), cursors[shard])
            out.append(PyBytes_AS_STRING(raw) + cursors[shard], end - cursors[shard])
            cursors[shard] = end
        return 0


@cython.cfunc
def new_answer(
    core: Core, conn: Conn, records: OpenRecords, order: Buffer, count: cython.Py_ssize_t, merge: cython.int
) -> Answer:
    """An answer of no parts yet; it has its place among the client's replies."""
    answer: Answer = Answer.__new__(Answer)
    answer.records = records
    answer.core = core
    answer.conn = conn
    answer.place = conn.tail
    conn.tail += 1
    answer.order = order
    answer.count = count
    answer.merge = merge
    answer.away = -1
    answer.replies = [None] * core.shards
    return answer
