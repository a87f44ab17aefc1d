"""Transactions and commands with many keys, compiled: from the client's bytes to the shards' parts.

    MULTI, queued commands   entries of a batch as they will be sent, and the shard of each
    EXEC, one shard          one SHARD.TXN
    EXEC, several shards     a part for each, in one go; a record when something is written
    MGET, MSET, DEL, ...     the client's bytes are cut at the keys and sorted by shard

What is not this case (WATCH, dataflow, commands of the router inside MULTI, a shard that is away) is left to
`router/transactions.py` and `router/fanout.py`. Invariant: the parts of one operation enter all
their links within one call, so nothing comes in between.
"""

import cython
from cython.cimports.cluster.wire import Buffer, encode_command, read_number, reply_end, slot_of_bytes, split_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcpy, memmove
from cython.cimports.router.core import Conn, Core, Link, Parts, Path

from cluster.command_table import BY_ID, TABLE
from cluster.command_table.model import At, F, Merge, Range, Spread
from cluster.errors import CommandError
from cluster.wire import encoded

# What a command is to this module.
OTHER = cython.declare(cython.int, 0)
BEGIN = cython.declare(cython.int, 1)  # MULTI
COMMIT = cython.declare(cython.int, 2)  # EXEC
KEYED = cython.declare(cython.int, 3)  # keys at first, first + step, ... last: queued
SPLIT = cython.declare(cython.int, 4)  # the same, and cut into parts outside MULTI

SUM = cython.declare(cython.int, 1)
SCATTER = cython.declare(cython.int, 2)
FIRST = cython.declare(cython.int, 3)

Kind = cython.struct(
    kind=cython.int,
    arity=cython.int,
    first=cython.int,
    last=cython.int,
    step=cython.int,
    merge=cython.int,
    write=cython.int,
)
KINDS = cython.declare(Kind[2048])
SHARDS_MAX = cython.declare(cython.int, 64)
TXN = cython.declare(cython.int, TABLE["SHARD.TXN"].id)

# Flags of a client that its entries carry: RESP3, FROM_MASTER; outside MULTI also TRACK.
IN_MULTI = cython.declare(cython.int, 33)
OUTSIDE = cython.declare(cython.int, 41)


def _fill():
    merges = {Merge.SUM: 1, Merge.SCATTER: 2, Merge.ALL_OK: 3}
    kind: cython.pointer(Kind)
    for row in BY_ID:
        kind = cython.address(KINDS[cython.cast(cython.int, row.id)])
        kind.kind = 0
        kind.arity = row.arity
        kind.write = bool(row.flags & F.WRITE) or not row.flags & F.READONLY
        kind.merge = merges.get(row.merge, 0)
        if row.name == "MULTI":
            kind.kind = 1
        elif row.name == "EXEC":
            kind.kind = 2
        elif (
            row.at is At.SHARD
            and isinstance(row.keys, Range)
            and row.spread is not Spread.ALL
            and "|" not in row.name
            and not row.container
            and not row.flags & (F.NO_MULTI | F.INTERNAL | F.BLOCKING)
            and row.group not in ("scripting", "python")
        ):
            kind.first, kind.last, kind.step = row.keys.first, row.keys.last, row.keys.step
            kind.kind = 4 if row.spread is Spread.SPLIT and kind.merge and kind.first == 1 and kind.last == -1 else 3


_fill()


@cython.cclass
class Queue:
    """The queued commands of one transaction.

    entries: as a batch carries them (cluster/frames.py). shards: of each, -1 when its keys lie on several.
    simple: all of them have keys on one shard each; failed: one could not be queued.
    """

    client = cython.declare(cython.uint)
    entries = cython.declare(Buffer)
    shards = cython.declare(Buffer)
    count = cython.declare(cython.Py_ssize_t)
    simple = cython.declare(cython.bint)
    writes = cython.declare(cython.bint)
    failed = cython.declare(cython.bint, visibility="public")

    def __init__(self, client: int):
        self.client = client
        self.entries = Buffer(512)
        self.shards = Buffer(32)
        self.simple = True

    def append(self, command: int, args: list, db: int, flags: int):
        """Queue a command that plain Python has parsed; EXEC is left to plain Python, too."""
        raw: Buffer = Buffer(64)
        encode_command(raw, args)
        self.simple = False
        self.add(command, db, flags & 33, -1, raw.data, raw.size)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def add(
        self,
        command: cython.int,
        db: cython.int,
        flags: cython.int,
        shard: cython.short,
        raw: cython.pointer(cython.const[cython.char]),
        size: cython.Py_ssize_t,
    ) -> cython.int:
        _entry(self.entries, command, db, flags, self.client)
        cython.cast(cython.pointer(cython.uint), self.entries.data + self.entries.size - 12)[0] = size
        self.entries.append(raw, size)
        self.shards.append(cython.cast(cython.p_char, cython.address(shard)), 2)
        self.count += 1
        return 0

    def __len__(self):
        return self.count

    @property
    def size(self) -> int:
        """Bytes of all that is queued."""
        return self.entries.size

    def __iter__(self):
        """(row, arguments) of each command."""
        at: cython.Py_ssize_t = 0
        size: cython.uint = 0
        command: cython.ushort = 0
        found: list = []
        while at < self.entries.size:
            memcpy(cython.address(size), self.entries.data + at, 4)
            memcpy(cython.address(command), self.entries.data + at + 4, 2)
            found.append((BY_ID[command], split_command(self.entries.data + at + 12, size)))
            at += 12 + size
        return iter(found)


@cython.cfunc
@cython.exceptval(-1, check=True)
def _entry(
    out: Buffer, command: cython.int, db: cython.int, flags: cython.int, client: cython.uint
) -> cython.int:
    """An entry's header; its length is filled in when its payload is there."""
    at: cython.p_char
    out.reserve(12)
    at = out.data + out.size
    cython.cast(cython.pointer(cython.uint), at)[0] = 0
    cython.cast(cython.pointer(cython.ushort), at + 4)[0] = cython.cast(cython.ushort, command)
    at[6] = db
    at[7] = flags
    cython.cast(cython.pointer(cython.uint), at + 8)[0] = client
    out.size += 12
    return 0


@cython.cclass
class Gather(Parts):
    """Waits for the parts of one operation and answers its client.

    order: the shard of each command (EXEC) or key (a split command), in the client's order.
    record: the sequence number of the record that carries the parts, 0 if none does.
    """

    many = cython.declare("Multi")
    core = cython.declare(Core)
    conn = cython.declare(Conn)
    place = cython.declare(cython.ulonglong)
    order = cython.declare(Buffer)
    count = cython.declare(cython.Py_ssize_t)
    missing = cython.declare(cython.int)
    merge = cython.declare(cython.int)  # 0: EXEC
    record = cython.declare(cython.longlong)
    replies = cython.declare(list)
    away = cython.declare(cython.int)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def arrived(
        self, shard: cython.int, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.int:
        if data == cython.NULL:
            self.away = shard
        else:
            self.replies[shard] = PyBytes_FromStringAndSize(data, size)
            if self.record:
                self.many.records.confirmed((self.many.records.epoch, self.record), shard)
        self.missing -= 1
        if self.missing == 0 and not self.conn.closed:
            self.finish()
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def finish(self) -> cython.int:
        raw: bytes
        out: Buffer
        failed: bytes = None
        if self.away >= 0:
            failed = encoded(CommandError(self.many.unknown_text.format(shard=self.away)))
        else:
            for raw in self.replies:
                if raw is not None and raw[:1] == b"-":
                    failed = raw
        if failed is None and self.merge != 0:
            for raw in self.replies:
                if raw is not None and raw[4 if self.record else 0 :][:1] == b"-":
                    failed = raw[4 if self.record else 0 :]
        if failed is not None:
            self.core._deliver(self.conn, self.place, PyBytes_AS_STRING(failed), PyBytes_GET_SIZE(failed))
            return 0
        out = Buffer(256)
        if self.merge == SUM:
            self._sum(out)
        elif self.merge == FIRST:
            for raw in self.replies:
                if raw is not None:
                    at: cython.int = 4 if self.record else 0
                    out.append(PyBytes_AS_STRING(raw) + at, PyBytes_GET_SIZE(raw) - at)
                    break
        else:
            self._interleave(out)
        self.core._deliver(self.conn, self.place, out.data, out.size)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _sum(self, out: Buffer) -> cython.int:
        total: cython.longlong = 0
        at: cython.Py_ssize_t
        raw: bytes
        for raw in self.replies:
            if raw is not None:
                at = 5 if self.record else 1  # behind "*1\r\n" and ":"
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
            raw = cython.cast(bytes, self.replies[shard])
            end = reply_end(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw), cursors[shard])
            out.append(PyBytes_AS_STRING(raw) + cursors[shard], end - cursors[shard])
            cursors[shard] = end
        return 0


@cython.cclass
class Multi(Path):
    """The compiled way of MULTI, EXEC and split commands.

    records: router.records.RouterRecords. stats: router.stats.Stats. unknown_text: what a client is told when a shard was lost.
    """

    records = cython.declare(object)
    stats = cython.declare(object)
    unknown_text = cython.declare(str)
    parts = cython.declare(list)  # a scratch buffer for each shard

    def __init__(self, records, stats, unknown_text: str):
        self.records = records
        self.stats = stats
        self.unknown_text = unknown_text
        self.parts = []

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def take(
        self,
        core: Core,
        conn: Conn,
        command: cython.int,
        data: cython.pointer(cython.const[cython.char]),
        size: cython.Py_ssize_t,
    ) -> cython.int:
        kind: cython.pointer(Kind) = cython.address(KINDS[command])
        argc: cython.Py_ssize_t = conn.scan_argc
        if kind.kind == OTHER or core.shards > SHARDS_MAX:
            return 0
        if argc != kind.arity if kind.arity >= 0 else argc < -kind.arity:
            return 0
        if kind.kind == BEGIN:
            if conn.queue is not None:
                return 0
            conn.queue = Queue(conn.id)
            conn.fast = False
            conn.queueing = True
            self.stats.count_command("MULTI", 0)
            _say(core, conn, b"+OK\r\n", 5)
            return 1
        if conn.queue is not None:
            if kind.kind == COMMIT:
                return self._exec(core, conn)
            return self._queue(core, conn, command, data, size)
        if kind.kind == SPLIT and core.shards > 1:
            return self._split(core, conn, command, data, size)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _queue(
        self,
        core: Core,
        conn: Conn,
        command: cython.int,
        data: cython.pointer(cython.const[cython.char]),
        size: cython.Py_ssize_t,
    ) -> cython.int:
        queue: Queue = conn.queue
        shard: cython.int = 0
        if queue.entries.size + size > core.inbox_max:
            return 0  # said, and closed, by plain Python
        if core.shards > 1:
            shard = _one_shard(core, cython.address(KINDS[command]), conn.scan_argc, data, size)
        if shard < 0:
            queue.simple = False
        if KINDS[command].write:
            queue.writes = True
        queue.add(command, conn.db, conn.flags & IN_MULTI, shard, data, size)
        _say(core, conn, b"+QUEUED\r\n", 9)
        return 1

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _exec(self, core: Core, conn: Conn) -> cython.int:
        queue: Queue = conn.queue
        session: object = conn.session
        shards: cython.pointer(cython.short) = cython.cast(cython.pointer(cython.short), queue.shards.data)
        i: cython.Py_ssize_t
        shard: cython.int
        used: cython.bint[64]
        several: cython.bint = False
        if not queue.simple or queue.failed or queue.count == 0 or (core.writes_slow and not conn.writer):
            return 0
        if session.watch_shards or session.watch_lost:
            return 0
        for shard in range(core.shards):
            used[shard] = False
        for i in range(queue.count):
            used[shards[i]] = True
            several = several or shards[i] != shards[0]
        for shard in range(core.shards):
            if used[shard] and not cython.cast(Link, core.links[shard]).up:
                return 0
        conn.queue = None
        conn.queueing = False
        conn.fast = True
        self.stats.count_command("EXEC", 0)
        out: Buffer
        if not several:
            out = Buffer(queue.entries.size + 64)
            _open_txn(out, b"E")
            out.append_bulk(queue.entries.data, queue.entries.size)
            core._forward(conn, core.links[shards[0]], TXN, conn.flags, out.data, out.size)
            return 1
        self._clear(core.shards)
        at: cython.Py_ssize_t = 0
        length: cython.uint = 0
        for i in range(queue.count):
            memcpy(cython.address(length), queue.entries.data + at, 4)
            cython.cast(Buffer, self.parts[shards[i]]).append(queue.entries.data + at, length + 12)
            at += length + 12
        gather: Gather = self._gather(core, conn, queue.shards, queue.count, 0)
        if queue.writes:
            self._send_record(core, gather)
        else:
            for shard in range(core.shards):
                if used[shard]:
                    part: Buffer = self.parts[shard]
                    out = Buffer(part.size + 64)
                    _open_txn(out, b"E")
                    out.append_bulk(part.data, part.size)
                    _submit(core, gather, shard, TXN, 0, 0, 0, out.data, out.size)
        return 1

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _split(
        self,
        core: Core,
        conn: Conn,
        command: cython.int,
        data: cython.pointer(cython.const[cython.char]),
        size: cython.Py_ssize_t,
    ) -> cython.int:
        """Cut the client's bytes at the keys; each shard gets the name and its own."""
        kind: cython.pointer(Kind) = cython.address(KINDS[command])
        argc: cython.Py_ssize_t = conn.scan_argc
        shard: cython.int
        counts: cython.Py_ssize_t[64]
        at: cython.Py_ssize_t = 1
        start: cython.Py_ssize_t
        name_at: cython.Py_ssize_t
        name_end: cython.Py_ssize_t
        length: cython.Py_ssize_t
        i: cython.Py_ssize_t
        step: cython.Py_ssize_t
        owner: cython.short
        part: Buffer
        link: Link
        if (argc - 1) % kind.step:
            return 0
        keys: cython.Py_ssize_t = (argc - 1) // kind.step
        self._clear(core.shards)
        for shard in range(core.shards):
            counts[shard] = 0
        read_number(data, size, cython.address(at))
        name_at = at
        at += 1
        length = read_number(data, size, cython.address(at))
        at += length + 2
        name_end = at
        order: Buffer = Buffer(2 * keys)
        for i in range(keys):
            start = at
            at += 1
            length = read_number(data, size, cython.address(at))
            owner = core.owner[
                slot_of_bytes(cython.cast(cython.pointer(cython.const[cython.uchar]), data + at), length)
            ]
            at += length + 2
            for step in range(kind.step - 1):
                at += 1
                length = read_number(data, size, cython.address(at))
                at += length + 2
            order.append(cython.cast(cython.p_char, cython.address(owner)), 2)
            part = self.parts[owner]
            if part.size == 0:
                # Room for what stands before the keys: written last, when their number is known.
                part.reserve(64 + name_end - name_at)
                part.size = 64 + name_end - name_at
            part.append(data + start, at - start)
            counts[owner] += kind.step
        for shard in range(core.shards):
            if counts[shard]:
                link = core.links[shard]
                if not link.up:
                    return 0
                if counts[shard] == argc - 1:
                    core._forward(conn, link, command, conn.flags, data, size)
                    return 1
        gather: Gather = self._gather(core, conn, order, keys, kind.merge)
        name: str = BY_ID[command].name
        # Each shard counts its part as a call; the client made one.
        self.stats.repeated[name] = self.stats.repeated.get(name, 0) + gather.missing - 1
        head: Buffer = Buffer(64)
        begin: cython.Py_ssize_t
        for shard in range(core.shards):
            if not counts[shard]:
                continue
            part = self.parts[shard]
            head.size = 0
            head.append_line(42, counts[shard] + 1)
            head.append(data + name_at, name_end - name_at)
            begin = 64 + name_end - name_at - head.size
            memcpy(part.data + begin, head.data, head.size)
            if kind.write:
                head.size = 0
                _entry(head, command, conn.db, conn.flags & OUTSIDE, conn.id)
                cython.cast(cython.pointer(cython.uint), head.data)[0] = part.size - begin
                memcpy(part.data + begin - 12, head.data, 12)
                _drop_front(part, begin - 12)
            else:
                _submit(
                    core, gather, shard, command, conn.db, conn.flags & OUTSIDE, conn.id, part.data + begin, part.size - begin
                )
        if kind.write:
            self._send_record(core, gather)
        return 1

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _clear(self, shards: cython.int) -> cython.int:
        while len(self.parts) < shards:
            self.parts.append(Buffer(256))
        for part in self.parts:
            cython.cast(Buffer, part).clear()
        return 0

    @cython.cfunc
    def _gather(self, core: Core, conn: Conn, order: Buffer, count: cython.Py_ssize_t, merge: cython.int) -> Gather:
        """The gather of the parts that are in `self.parts`; it has its place among the client's replies."""
        gather: Gather = Gather.__new__(Gather)
        gather.many = self
        gather.core = core
        gather.conn = conn
        gather.place = conn.tail
        conn.tail += 1
        gather.order = order
        gather.count = count
        gather.merge = merge
        gather.away = -1
        gather.record = 0
        gather.replies = [None] * core.shards
        gather.missing = 0
        for part in self.parts:
            gather.missing += cython.cast(Buffer, part).size > 0
        return gather

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _send_record(self, core: Core, gather: Gather) -> cython.int:
        """All parts as one record (cluster/records.py) to each participant."""
        blob: Buffer = Buffer(512)
        shard: cython.int
        epoch: cython.ulonglong
        sequence: cython.ulonglong
        number: cython.ushort = gather.missing
        length: cython.uint
        part: Buffer
        record: tuple = self.records.next_id()
        epoch, sequence = record
        gather.record = sequence
        blob.append(b"EXR1", 4)
        blob.append(cython.cast(cython.p_char, cython.address(epoch)), 8)
        blob.append(cython.cast(cython.p_char, cython.address(sequence)), 8)
        blob.append(cython.cast(cython.p_char, cython.address(number)), 2)
        members: list = []
        for shard in range(core.shards):
            part = self.parts[shard]
            if part.size:
                members.append(shard)
                number = shard
                length = part.size
                blob.append(cython.cast(cython.p_char, cython.address(number)), 2)
                blob.append(cython.cast(cython.p_char, cython.address(length)), 4)
                blob.append(part.data, part.size)
        self.records.keep(record, PyBytes_FromStringAndSize(blob.data, blob.size), set(members))
        out: Buffer = Buffer(blob.size + 64)
        _open_txn(out, b"R")
        out.append_bulk(blob.data, blob.size)
        for shard in members:
            _submit(core, gather, shard, TXN, 0, 0, 0, out.data, out.size)
        return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
def _drop_front(part: Buffer, count: cython.Py_ssize_t) -> cython.int:
    memmove(part.data, part.data + count, part.size - count)
    part.size -= count
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
def _open_txn(out: Buffer, kind: cython.p_char) -> cython.int:
    """SHARD.TXN without a watcher, up to its payload."""
    out.append(b"*4\r\n$9\r\nSHARD.TXN\r\n$0\r\n\r\n$1\r\n", 29)
    out.append(kind, 1)
    out.append(b"\r\n", 2)
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
def _submit(
    core: Core,
    gather: Gather,
    shard: cython.int,
    command: cython.int,
    db: cython.int,
    flags: cython.int,
    client: cython.uint,
    raw: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
) -> cython.int:
    """One part of an operation onto its link, as a run of its own."""
    link: Link = core.links[shard]
    core._close_run(link)
    link.expected.push(gather, shard)
    core._entry(link, command, db, flags | 2, client, raw, size)
    return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
def _say(
    core: Core, conn: Conn, text: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
) -> cython.int:
    """Answer the command at hand."""
    place: cython.ulonglong
    if conn.closed or conn.muted:
        return 0
    if conn.head == conn.tail:
        conn.out.append(text, size)
        core._mark(conn)
    else:
        place = conn.tail
        conn.tail += 1
        core._deliver(conn, place, text, size)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def _one_shard(
    core: Core,
    kind: cython.pointer(Kind),
    argc: cython.Py_ssize_t,
    data: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
) -> cython.int:
    """The shard of a command's keys, -1 if they lie on several."""
    last: cython.Py_ssize_t = kind.last if kind.last >= 0 else argc + kind.last
    at: cython.Py_ssize_t = 1
    length: cython.Py_ssize_t
    i: cython.Py_ssize_t
    shard: cython.int = -1
    owner: cython.int
    read_number(data, size, cython.address(at))
    for i in range(argc):
        if i > last:
            break
        at += 1
        length = read_number(data, size, cython.address(at))
        if i >= kind.first and (i - kind.first) % kind.step == 0:
            owner = core.owner[
                slot_of_bytes(cython.cast(cython.pointer(cython.const[cython.uchar]), data + at), length)
            ]
            if shard >= 0 and owner != shard:
                return -1
            shard = owner
        at += length + 2
    return shard if shard >= 0 else 0
