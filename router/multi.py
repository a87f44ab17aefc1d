"""Transactions and commands with many keys, compiled: from the client's bytes to the shards' parts.

    MULTI, queued commands   entries of a batch as they will be sent, and the shard of each
    EXEC, one shard          one SHARD.TXN
    EXEC, several shards     a part for each, in one go; a record when something is written
    WATCH, EXEC              the same with a watcher; over several shards its parts are prepared, then committed
    MGET, MSET, DEL, ...     the client's bytes are cut at the keys and sorted by shard
    RENAME, SUNIONSTORE, ... the keys of each shard, for an operation (router/operation.py)

What is not this case (dataflow or commands of the router inside MULTI, a shard that is away) is left to
`router/transactions.py` and `router/fanout.py`. Invariant: the parts of one operation enter all
their links within one call, so nothing comes in between.
"""

import cython
from cython.cimports.cluster.wire import Buffer, read_number, slot_of_bytes, split_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcpy, memmove
from cython.cimports.router.connection import Conn, Link
from cython.cimports.router.core import Core, Path
from cython.cimports.router.dataflow import flow, prepare, rename
from cython.cimports.router.gather import Answer, join_run, new_answer, open_txn, put, put_record
from cython.cimports.router.kinds import AT_MOST, BEGIN, COMMIT, OBSERVE, OTHER, SPLIT, Kind, kind_of, one_of, one_shard
from cython.cimports.router.open_records import Open, OpenRecords
from cython.cimports.router.operation import InFlight
from cython.cimports.router.packing import PART_HEAD, RECORD_END, RECORD_HEAD, begin_part, begin_record, end_record
from cython.cimports.router.queued import Queue, begin_entry, new_queue, spare_queue
from cython.cimports.router.watched import Watch
from cython.cimports.router.watching import forget_watch, tell_shards, watch_more

from cluster import frames
from cluster.command_table import BY_ID, TABLE

SHARDS_MAX = cython.declare(cython.int, 64)
TXN = cython.declare(cython.int, TABLE["SHARD.TXN"].id)
FIRST_REPLY = cython.declare(cython.int, 3)  # router/gather.py's FIRST

DB_NAMES: list = [b"%d" % number for number in range(256)]

CARRIED = cython.declare(cython.int, frames.CARRIED)
TRACK = cython.declare(cython.int, frames.TRACK)


@cython.cclass
class Multi(Path):
    """The compiled way of MULTI, EXEC and split commands.

    records: router.records.RouterRecords. stats: router.stats.Stats. operations: router.operations.Operations.
    """

    operations = cython.declare(InFlight, visibility="public")
    records = cython.declare(OpenRecords)
    stats = cython.declare(object)
    parts = cython.declare(list)  # a scratch buffer for each shard
    unordered = cython.declare(Buffer)  # of what has one reply
    begun = cython.declare(cython.longlong)
    executed = cython.declare(cython.longlong)
    watched = cython.declare(cython.longlong)

    def __init__(self, records, stats):
        self.records = records
        self.stats = stats
        stats.counting = self
        self.parts = []
        self.unordered = Buffer(1)

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
        kind: cython.pointer(Kind) = kind_of(command)
        argc: cython.Py_ssize_t = conn.scan_argc
        if kind.kind == OTHER or core.shards > SHARDS_MAX:
            return 0
        if argc != kind.arity if kind.arity >= 0 else argc < -kind.arity:
            return 0
        if kind.kind == BEGIN:
            if conn.queue is not None:
                return 0
            conn.queue = new_queue(conn.id)
            conn.fast = False
            conn.queueing = True
            self.begun += 1
            _say(core, conn, b"+OK\r\n", 5)
            return 1
        if conn.queue is not None:
            if kind.kind == COMMIT:
                return self._exec(core, conn)
            return 0 if kind.kind == OBSERVE else self._queue(core, conn, command, data, size)
        if kind.kind == OBSERVE:
            return self._watch(core, conn, data, size)
        if core.shards == 1:
            return 0
        if kind.kind == SPLIT:
            return self._split(core, conn, command, data, size)
        if kind.blind:
            return self._rename(core, conn, command, data, size)
        return self._flow(core, conn, command, data, size) if kind.home else 0

    def take_calls(self) -> dict:
        """name -> calls since the last time."""
        calls: dict = {"MULTI": self.begun, "EXEC": self.executed, "WATCH": self.watched}
        self.begun = self.executed = self.watched = 0
        return calls

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _watch(
        self, core: Core, conn: Conn, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.int:
        """Note what is watched; the shards are told before anything else happens (`tell`)."""
        if not watch_more(core, conn, split_command(data, size)):
            return 0
        conn.untold = True
        conn.fast = False
        conn.queueing = True
        self.watched += 1
        _say(core, conn, b"+OK\r\n", 5)
        return 1

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def tell(self, core: Core, conn: Conn, command: cython.int) -> cython.int:
        if command >= 0 and (conn.queue is not None or kind_of(command).kind == BEGIN or kind_of(command).kind == OBSERVE):
            return 0
        conn.untold = False
        if conn.queue is None:
            conn.fast = True
            conn.queueing = False
        tell_shards(core, conn, conn.watch)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _untouched(self, core: Core, watch: Watch) -> cython.bint:
        """Whether the shards need not be asked if somebody has touched what a client watches."""
        return core.watches.untouched(watch) and not self.operations.router.blocking.moving

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _rename(
        self,
        core: Core,
        conn: Conn,
        command: cython.int,
        data: cython.pointer(cython.const[cython.char]),
        size: cython.Py_ssize_t,
    ) -> cython.int:
        """The same for a command of two keys that reads nothing of the second one's shard."""
        home: cython.int = one_of(core, conn, 1, data)
        other: cython.int = one_of(core, conn, 2, data)
        if not cython.cast(Link, core.links[home]).up or not cython.cast(Link, core.links[other]).up or conn.flags & TRACK:
            return 0
        if home == other:
            core._forward(conn, core.links[home], command, conn.flags, data, size)
            return 1
        join_run(core, conn, cython.cast(cython.ulonglong, 1) << home | cython.cast(cython.ulonglong, 1) << other)
        gather: Answer = new_answer(core, conn, self.records, self.unordered, 1, FIRST_REPLY)
        gather.skip = 4
        conn.paused = True
        rename(self.operations, conn, command, conn.flags & CARRIED, home, other, data, size, gather)
        return 1

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _flow(
        self,
        core: Core,
        conn: Conn,
        command: cython.int,
        data: cython.pointer(cython.const[cython.char]),
        size: cython.Py_ssize_t,
    ) -> cython.int:
        """A command whose keys feed each other: on one shard it is that shard's, on several it is an operation."""
        kind: cython.pointer(Kind) = kind_of(command)
        words: list = split_command(data, size)
        last: cython.Py_ssize_t = kind.last if kind.last >= 0 else len(words) + kind.last
        at: cython.Py_ssize_t = kind.first
        shard: cython.int
        home: cython.int = -1
        most: cython.Py_ssize_t = 0
        keys: dict = {}
        places: list
        db: bytes = DB_NAMES[conn.db]
        while at <= last and at < len(words):
            shard = core.shard_of(words[at])
            if not cython.cast(Link, core.links[shard]).up or conn.flags & TRACK:
                return 0
            places = keys.get(shard)
            if places is None:
                places = keys[shard] = []
            if (db, words[at]) not in places:
                places.append((db, words[at]))
            if home < 0 or (kind.home == AT_MOST and len(places) > most):
                home = shard
            most = max(most, len(places))
            at += kind.step
        if len(keys) == 0:
            return 0
        if len(keys) == 1:
            core._forward(conn, core.links[home], command, conn.flags, data, size)
            return 1
        entry: Buffer = core.scratch
        entry.clear()
        begin_entry(entry, command, conn.db, conn.flags & CARRIED, conn.id)
        cython.cast(cython.pointer(cython.uint), entry.data)[0] = cython.cast(cython.uint, size)
        entry.append(data, size)
        siblings: cython.ulonglong = 0
        for shard in keys:
            siblings |= cython.cast(cython.ulonglong, 1) << shard
        join_run(core, conn, siblings)
        entries: bytes = entry.take()
        gather: Answer = new_answer(core, conn, self.records, self.unordered, 1, FIRST_REPLY)
        gather.skip = 4
        conn.paused = True
        flow(self.operations, keys, home, entries, kind.write, gather)
        return 1

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
            shard = one_shard(core, kind_of(command), conn, data, size)
        if shard < 0:
            queue.simple = False
        if kind_of(command).write:
            queue.writes = True
        queue.add(command, conn.db, conn.flags & CARRIED, shard, data, size)
        _say(core, conn, b"+QUEUED\r\n", 9)
        return 1

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _exec(self, core: Core, conn: Conn) -> cython.int:
        queue: Queue = conn.queue
        watch: Watch = conn.watch
        shards: cython.pointer(cython.short) = cython.cast(cython.pointer(cython.short), queue.shards.data)
        i: cython.Py_ssize_t
        shard: cython.int
        used: cython.bint[64]
        several: cython.bint = False
        if not queue.simple or queue.failed or queue.count == 0 or (core.writes_slow and not conn.writer):
            return 0
        if watch is not None and watch.broken:
            return 0
        # What the shards have not been told of, nobody can have touched: it was sent together with this.
        watched: object = () if watch is None else watch.shards
        for shard in range(core.shards):
            used[shard] = False
        for i in range(queue.count):
            used[shards[i]] = True
            several = several or shards[i] != shards[0]
            if not cython.cast(Link, core.links[shards[i]]).up:
                return 0
        elsewhere: cython.bint = False
        for shard in watched:
            elsewhere = elsewhere or several or shard != shards[0]
            if not cython.cast(Link, core.links[shard]).up:
                return 0
        conn.queue = None
        conn.queueing = False
        conn.fast = True
        self.executed += 1
        out: Buffer
        record: Open
        blob: bytes
        watcher: bytes = b""
        conn.watch = None
        conn.untold = False
        if elsewhere and self._untouched(core, watch):
            forget_watch(core, conn, watch)
            elsewhere = False
        elif watched:
            watcher = b"%d" % conn.id
            core.watches.end(watch)
        if not (several or elsewhere):
            out = core.scratch
            out.clear()
            open_txn(out, watcher, b"E")
            out.append_bulk(queue.entries.data, queue.entries.size)
            core._forward(conn, core.links[shards[0]], TXN, conn.flags, out.data, out.size)
            spare_queue(queue)
            return 1
        gather: Answer = new_answer(core, conn, self.records, queue.shards, queue.count, 0)
        gather.queue = queue
        for shard in range(core.shards):
            if used[shard]:
                gather.ask(shard)
        if queue.writes and not elsewhere:
            gather.record = record = self.records.opened()
            record.blob = queue.record(record.epoch, record.sequence, gather.siblings, core.now)
            record.missing = gather.siblings
            put_record(core, gather, TXN, record.blob)
            return 1
        parts: dict = queue.parts()
        if elsewhere:
            conn.paused = True
            prepare(self.operations, parts, gather, watcher, watched)
            return 1
        for shard in parts:
            out = Buffer(64)
            open_txn(out, b"", b"E")
            blob = parts[shard]
            out.append_bulk(PyBytes_AS_STRING(blob), PyBytes_GET_SIZE(blob))
            put(core, gather, shard, TXN, 0, 0, 0, out.data, out.size, gather.siblings)
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
        kind: cython.pointer(Kind) = kind_of(command)
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
        gather: Answer = new_answer(core, conn, self.records, order, keys, kind.merge)
        for shard in range(core.shards):
            if counts[shard]:
                gather.ask(shard)
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
                begin_entry(head, command, conn.db, conn.flags & CARRIED, conn.id)
                cython.cast(cython.pointer(cython.uint), head.data)[0] = part.size - begin
                memcpy(part.data + begin - 12, head.data, 12)
                _drop_front(part, begin - 12)
            else:
                put(
                    core,
                    gather,
                    shard,
                    command,
                    conn.db,
                    conn.flags & CARRIED,
                    conn.id,
                    part.data + begin,
                    part.size - begin,
                    gather.siblings,
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
    @cython.exceptval(-1, check=True)
    def _send_record(self, core: Core, gather: Answer) -> cython.int:
        """What is in `self.parts` as one record to each participant."""
        record: Open = self.records.opened()
        part: Buffer
        at: cython.p_char
        shard: cython.int
        size: cython.Py_ssize_t = RECORD_HEAD + RECORD_END
        for shard in range(core.shards):
            part = self.parts[shard]
            if part.size:
                size += PART_HEAD + part.size
        record.blob = PyBytes_FromStringAndSize(cython.NULL, size)
        record.missing = gather.siblings
        at = begin_record(PyBytes_AS_STRING(record.blob), record.epoch, record.sequence, gather.missing)
        for shard in range(core.shards):
            part = self.parts[shard]
            if part.size:
                at = begin_part(at, shard, part.size)
                memcpy(at, part.data, part.size)
                at += part.size
        end_record(at, core.now)
        gather.record = record
        gather.skip = 4  # a part's reply stands in an array of one
        put_record(core, gather, TXN, record.blob)
        return 0


@cython.cfunc
@cython.exceptval(-1, check=True)
def _drop_front(part: Buffer, count: cython.Py_ssize_t) -> cython.int:
    memmove(part.data, part.data + count, part.size - count)
    part.size -= count
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
