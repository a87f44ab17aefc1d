"""The router's data path, compiled: client bytes in, batches out; replies in, client bytes out.

    client bytes --feed--> scan --one key, normal state--> batch of the key's shard
                             \\--everything else--> on_command(conn, args), plain Python
    shard replies --receive--> ring of the client --> its out buffer, in the order of requests

This is a core: it owns no socket and reads no clock (`now`, unix ms, is set by the shell).
A client's commands that go to one shard one after the other form a run; a run takes one place
in the client's ring and is answered by one piece of bytes. Invariants: a link answers in the
order of `expected`; a client's out buffer gets places of the ring in order, head to tail.
"""

import cython
from cython.cimports.cluster.csocket import sched_yield
from cython.cimports.cluster.wire import Buffer, encode, slot, slot_of_bytes, split_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memchr, memcpy, memset
from cython.cimports.router.connection import Conn, Link, Parts
from cython.cimports.router.rows import Row, find, one_stream_shard

from router import paths
from router.inline import split_inline
from router.watched import Watches as _Watches

RUNS_MAX = cython.declare(cython.int, 100)
OUT_MAX = cython.declare(cython.Py_ssize_t, 1 << 20)
# What a client may have under way to shards, in bytes of its commands and of the replies that are to be expected.
OWED_MAX = cython.declare(cython.longlong, 4 << 20)
ARGS_MAX = cython.declare(cython.Py_ssize_t, 1 << 20)
INLINE_MAX = cython.declare(cython.Py_ssize_t, 64 * 1024)
# A larger batch is not kept for naming its entries: its memory is worth more than a copy.
KEPT_MAX = cython.declare(cython.Py_ssize_t, 1 << 20)
# After so many bytes of a master's stream whoever waits for this processor goes first (see shard/loop.py).
GIVE_WAY = cython.declare(cython.Py_ssize_t, 1 << 15)

# See router/paths.py.
ONE_KEY = cython.declare(cython.int, paths.ONE_KEY)
NUM_KEYS = cython.declare(cython.int, paths.NUM_KEYS)
STREAMS = cython.declare(cython.int, paths.STREAMS)
TEXT = cython.declare(cython.int, paths.TEXT)
PYTHON = cython.declare(cython.int, paths.PYTHON)


@cython.cclass
class Path:
    """The way of commands with many keys and of transactions; `router/multi.py` fills it in."""

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
        """Execute or queue a command: 1, or 0 to leave it to plain Python."""
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def tell(self, core: Core, conn: Conn, command: cython.int) -> cython.int:
        """Before a client's next command (-1: one of plain Python, or none yet): tell the shards what it watches, unless
        that may wait for its EXEC."""
        return 0


@cython.cclass
class Core:
    """All connections and links of one router."""

    def __init__(self, owners: list):
        """`owners`: for each slot the index of its shard."""
        i: cython.int
        self.shards = max(owners) + 1
        for i in range(16384):
            self.owner[i] = owners[i]
        self.links = [Link(i) for i in range(self.shards)]
        self.dirty = []
        self.bulk_max = 512 << 20
        self.known_scripts = set()
        self.whole_scripts = set()
        self.inbox_max = 1 << 30
        self.watches = _Watches()
        self.scratch = Buffer(512)

    def shard_of(self, key: bytes) -> int:
        """The index of the shard that owns a key."""
        return self.owner[slot(key)]

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def kick(self) -> cython.int:
        """Have the shell send what there is, unless it is about to."""
        if not self.in_turn:
            self.on_kick()
        return 0

    # -- from clients ------------------------------------------------------------------

    def receive_data(self, conn: Conn, data: bytes):
        """Bytes from a client."""
        self.feed(conn, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def feed(
        self, conn: Conn, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        done: cython.Py_ssize_t
        conn.last_ms = self.now
        conn.bytes_in += size
        if conn.inbox.size == 0:
            done = self._scan(conn, data, size)
            if done < size and not conn.closing:
                conn.inbox.append(data + done, size - done)
                conn.inbox_at = 0
        else:
            if conn.inbox_at > 0 and conn.inbox_at * 2 > conn.inbox.size:
                self._compact(conn)
            conn.inbox.append(data, size)
            self._scan_inbox(conn)
        return size

    @cython.cfunc
    def _compact(self, conn: Conn) -> object:
        rest: bytes = PyBytes_FromStringAndSize(conn.inbox.data + conn.inbox_at, conn.inbox.size - conn.inbox_at)
        conn.inbox.clear()
        conn.inbox.append(PyBytes_AS_STRING(rest), PyBytes_GET_SIZE(rest))
        conn.inbox_at = 0
        return None

    @cython.cfunc
    def _scan_inbox(self, conn: Conn) -> object:
        done: cython.Py_ssize_t = self._scan(conn, conn.inbox.data + conn.inbox_at, conn.inbox.size - conn.inbox_at)
        conn.inbox_at += done
        if conn.inbox_at >= conn.inbox.size or conn.closing:
            conn.inbox.clear()
            conn.inbox_at = 0
        elif conn.inbox.size - conn.inbox_at > self.inbox_max and not conn.writer:
            self.on_flood(conn)
        return None

    @cython.ccall
    def resume(self, conn: Conn):
        """An operation ended or output drained: go on with what has been received."""
        conn.paused = False
        self.proceed(conn)

    @cython.ccall
    def proceed(self, conn: Conn):
        """Execute what has been received, as far as the client may."""
        if conn.inbox.size > 0 and not (conn.paused or conn.closed or conn.scanning):
            self._scan_inbox(conn)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _scan(
        self, conn: Conn, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """Execute the whole commands at the start of `data`; the bytes consumed."""
        at: cython.Py_ssize_t = 0
        given_way: cython.Py_ssize_t = 0
        used: cython.Py_ssize_t
        conn.scanning = True
        conn.stalled = False
        while at < size:
            if conn.paused or conn.closing:
                break
            if conn.tail - conn.head > RUNS_MAX or conn.owed > OWED_MAX or conn.out.size - conn.out_sent > OUT_MAX:
                conn.stalled = True
                break
            if data[at] == 42:
                used = self._scan_array(conn, data + at, size - at)
            else:
                used = self._scan_inline(conn, data + at, size - at)
            if used == 0:
                break
            at += used
            if at - given_way > GIVE_WAY and conn.writer and self.gives_way and not self.behind:
                given_way = at
                sched_yield()
        conn.scanning = False
        if conn.untold:
            self.many.tell(self, conn, -1)
        return at

    def _protocol_error(self, conn: Conn, text: str):
        conn.closing = True
        self.on_protocol_error(conn, "ERR Protocol error: " + text)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _scan_array(
        self, conn: Conn, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        """One command in RESP: its size once it is whole, else 0 (and where to go on)."""
        at: cython.Py_ssize_t
        number: cython.longlong
        line: cython.Py_ssize_t
        n: cython.int
        if conn.scan_left < 0:
            line = _line(data, size, 1, cython.address(number))
            if line <= 0:
                if line == 0 and size <= INLINE_MAX:
                    return 0
                self._protocol_error(conn, "too big mbulk count string" if line == 0 else "invalid multibulk length")
                return 0
            if number > ARGS_MAX:
                self._protocol_error(conn, "invalid multibulk length")
                return 0
            if number > 10 and not conn.trusted:
                self._protocol_error(conn, "unauthenticated multibulk length")
                return 0
            if number <= 0:
                return line
            conn.scan_at = line
            conn.scan_left = number
            conn.scan_argc = 0
        at = conn.scan_at
        while conn.scan_left > 0:
            if at >= size:
                break
            if data[at] != 36:
                shown = chr(cython.cast(cython.uchar, data[at]))
                conn.scan_left = -1
                self._protocol_error(conn, f"expected '$', got '{shown}'")
                return 0
            line = _line(data + at, size - at, 1, cython.address(number))
            if line == 0:
                if size - at <= INLINE_MAX:
                    break
                conn.scan_left = -1
                self._protocol_error(conn, "too big bulk count string")
                return 0
            if line < 0 or number < 0 or number > self.bulk_max:
                conn.scan_left = -1
                self._protocol_error(conn, "invalid bulk length")
                return 0
            if number > 16384 and not conn.trusted:
                conn.scan_left = -1
                self._protocol_error(conn, "unauthenticated bulk length")
                return 0
            if at + line + number + 2 > size:
                conn.inbox.reserve(number + 64 if number > 65536 else 0)
                break
            if data[at + line + number] != 13 or data[at + line + number + 1] != 10:
                # Redis skips these two bytes unread; we journal commands as they came.
                conn.scan_left = -1
                self._protocol_error(conn, "expected CRLF after bulk string")
                return 0
            n = conn.scan_argc
            if n < 4:
                conn.arg_at[n] = at + line
                conn.arg_size[n] = number
            conn.scan_argc += 1
            conn.scan_left -= 1
            at += line + number + 2
            conn.scan_at = at
        if conn.scan_left > 0:
            return 0
        conn.scan_left = -1
        self._whole(conn, data, at)
        return at

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _whole(
        self, conn: Conn, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.int:
        """Execute one whole command."""
        row: cython.pointer(Row)
        key: cython.int
        shard: cython.int = 0
        argc: cython.Py_ssize_t = conn.scan_argc
        conn.commands += 1
        self.commands += 1
        if (conn.fast or (conn.queueing and not self.queues_slow)) and not self.all_slow:
            row = find(data + conn.arg_at[0], conn.arg_size[0])
            if conn.untold and row != cython.NULL:
                self.many.tell(self, conn, row.id)
            if (
                row != cython.NULL
                and conn.fast
                and row.path
                and (argc == row.arity if row.arity >= 0 else argc >= -row.arity)
                and not (row.write and self.writes_slow and not conn.writer)
                and (not row.script or self._script_fast(conn, row.script, data))
            ):
                key = row.key
                if row.path == NUM_KEYS and self.shards > 1 and conn.arg_size[key] == 1:
                    if data[conn.arg_at[key]] == 48:  # "0": no keys
                        return self._fast(conn, 0, row.id, data, size)
                    if data[conn.arg_at[key]] == 49 and argc > key + 1:  # "1"
                        key += 1
                if row.path == STREAMS:
                    at_once: cython.int = one_stream_shard(data, size, argc, self.owner, self.shards)
                    if at_once >= 0:
                        return self._fast(conn, at_once, row.id, data, size)
                elif key > row.key or (row.path == ONE_KEY and self.shards > 1):
                    at: cython.p_char = cython.cast(cython.p_char, data + conn.arg_at[key])
                    shard = self.owner[slot_of_bytes(cython.cast(cython.pointer(cython.uchar), at), conn.arg_size[key])]
                    return self._fast(conn, shard, row.id, data, size)
                elif self.shards == 1:
                    return self._fast(conn, 0, row.id, data, size)
            if (
                row != cython.NULL
                and self.many is not None
                and not (row.write and self.writes_slow and not conn.writer)
                and self.many.take(self, conn, row.id, data, size)
            ):
                return 0
        if conn.untold:
            self.many.tell(self, conn, -1)
        self.on_command(conn, split_command(data, size))
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _script_fast(self, conn: Conn, script: cython.int, data: cython.pointer(cython.const[cython.char])) -> cython.int:
        """Whether a script may go straight to its shard (python_from 0: never, 1: from local clients, 2: from all)."""
        if script == PYTHON and self.python_from + conn.local < 2:
            return 0
        if script == TEXT and PyBytes_FromStringAndSize(data + conn.arg_at[1], conn.arg_size[1]) not in self.known_scripts:
            return 0
        if script != TEXT and len(self.whole_scripts) > 0:
            name: bytes = PyBytes_FromStringAndSize(data + conn.arg_at[1], conn.arg_size[1])
            if name in self.whole_scripts or name.lower() in self.whole_scripts:
                return 0
        return not self.scripts_slow

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _fast(
        self,
        conn: Conn,
        shard: cython.int,
        command: cython.int,
        data: cython.pointer(cython.const[cython.char]),
        size: cython.Py_ssize_t,
    ) -> cython.int:
        link: Link = self.links[shard]
        if not link.up:
            self.on_command(conn, split_command(data, size))
            return 0
        return self._forward(conn, link, command, conn.flags, data, size)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _scan_inline(
        self, conn: Conn, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        end: cython.p_char = cython.cast(cython.p_char, memchr(data, 10, size))
        length: cython.Py_ssize_t
        if end == cython.NULL:
            if size > INLINE_MAX:
                self._protocol_error(conn, "too big inline request")
            return 0
        length = end - data
        if length > INLINE_MAX:
            self._protocol_error(conn, "too big inline request")
            return 0
        line = PyBytes_FromStringAndSize(data, length)
        args = split_inline(line)
        if args is None:
            self._protocol_error(conn, "unbalanced quotes in request")
            return 0
        if args:
            conn.commands += 1
            self.commands += 1
            if conn.untold:
                self.many.tell(self, conn, -1)
            self.on_command(conn, args)
        return length + 1

    # -- to shards ---------------------------------------------------------------------

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _forward(
        self,
        conn: Conn,
        link: Link,
        command: cython.int,
        flags: cython.int,
        raw: cython.pointer(cython.const[cython.char]),
        size: cython.Py_ssize_t,
    ) -> cython.int:
        """Put a client's command into a shard's batch, as part of its run if it can be."""
        if conn.writer:  # our master: nobody waits for what its stream is answered
            self._close_run(link)
            return self._entry(link, command, conn.db, flags | 64, conn.id, raw, size)
        if link.run_conn is not conn or link.run_seq + 1 != conn.tail:
            self._close_run(link)
            link.run_conn = conn
            link.run_seq = conn.tail
            conn.tail += 1
            link.expected.push(conn, link.run_seq)
            conn.counts[link.run_seq & 127] = 0
            conn.costs[link.run_seq & 127] = 0
        conn.counts[link.run_seq & 127] += 1
        conn.costs[link.run_seq & 127] += size + conn.reply_size
        conn.owed += size + conn.reply_size
        return self._entry(link, command, conn.db, flags, conn.id, raw, size)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _close_run(self, link: Link) -> cython.int:
        if link.run_conn is not None:
            link.batch.data[link.last_flags] = link.batch.data[link.last_flags] | 2
            link.run_conn = None
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _entry(
        self,
        link: Link,
        command: cython.int,
        db: cython.int,
        flags: cython.int,
        client: cython.uint,
        raw: cython.pointer(cython.const[cython.char]),
        size: cython.Py_ssize_t,
    ) -> cython.int:
        batch: Buffer = link.batch
        at: cython.p_char
        if self.watches.open:
            self.watches.note(command, raw, size)
        if batch.size == 0:
            batch.reserve(32)
            batch.size = 32
        batch.reserve(size + 12)
        at = batch.data + batch.size
        cython.cast(cython.pointer(cython.uint), at)[0] = cython.cast(cython.uint, size)
        cython.cast(cython.pointer(cython.ushort), at + 4)[0] = cython.cast(cython.ushort, command)
        at[6] = db
        at[7] = flags
        cython.cast(cython.pointer(cython.uint), at + 8)[0] = client
        memcpy(at + 12, raw, size)
        link.last_flags = batch.size + 7
        batch.size += size + 12
        link.entries += 1
        link.alone += 1
        return 0

    def forward(self, conn: Conn, shard: int, command: int, raw: bytes):
        """Send a client's command to a shard; its reply goes to the client as it comes."""
        self._forward(conn, self.links[shard], command, conn.flags, PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))

    def submit(self, shard: int, command: int, db: int, flags: int, client: int, raw: bytes, callback):
        """Send an operation's part to a shard. `callback(raw_reply)` when it is answered, or
        `callback(None)` when the link is lost. With RESOLVE or SILENT in flags there is no reply."""
        link: Link = self.links[shard]
        self._close_run(link)
        if not flags & 80:
            link.expected.push(callback, 0)
        self._entry(link, command, db, flags | 2, client, PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))

    @cython.ccall
    def take_batch(self, shard: cython.int, echo: cython.bint = False) -> bytes:
        """The batch for a shard, b"" if there is none."""
        link: Link = self.links[shard]
        batch: Buffer = link.batch
        if batch.size == 0:
            if not echo:
                return b""
            batch.reserve(32)
            batch.size = 32
        self._close_run(link)
        memset(batch.data, 0, 32)
        memcpy(batch.data, cython.address(link.generation), 4)
        kept: cython.bint = self.outflow is not None and self.outflow.direct[shard] and batch.size <= KEPT_MAX
        batch.data[4] = echo | kept << 1 | self.behind << 2
        memcpy(batch.data + 8, cython.address(self.now), 8)
        memcpy(batch.data + 16, cython.address(self.epoch), 8)
        memcpy(batch.data + 24, cython.address(self.watermark), 8)
        link.sent(self.now)
        message: bytes = batch.take()
        link.kept.append(message if kept else None)
        return message

    # -- from shards -------------------------------------------------------------------

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def receive_reply(self, shard: cython.int, message: bytes) -> cython.bint:
        """A shard's reply message; whether it belonged to this link's generation."""
        link: Link = self.links[shard]
        data: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(message)
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(message)
        at: cython.Py_ssize_t = 16
        length: cython.uint = 0
        generation: cython.uint = 0
        seq: cython.ulonglong
        if size < 16:
            return False
        memcpy(cython.address(generation), data, 4)
        if generation != link.generation:
            return False
        link.heard_ms = self.now
        memcpy(cython.address(link.flags), data + 4, 4)
        memcpy(cython.address(link.offset), data + 8, 8)
        answers: cython.int = link.flags >> 3 & 1
        link.unanswered -= answers
        if link.flags & 16:
            while at + 8 <= size:
                memcpy(cython.address(length), data + at, 4)
                if data[at + 4] == 2:
                    self.on_event(shard, split_command(data + at + 8, length))
                elif data[at + 4] == 3 or data[at + 4] == 4:
                    self.outflow.fed(shard, data[at + 4], link.kept[0] if link.kept else None, data + at + 8, length)
                at += 8 + length
            at = 16
        while at + 8 <= size:
            memcpy(cython.address(length), data + at, 4)
            if data[at + 4] == 0:
                target: object = link.expected.pop()
                if type(target) is Conn:
                    seq = link.expected.number
                    self._settle(target, seq, length)
                    self._deliver(target, seq, data + at + 8, length)
                elif isinstance(target, Parts):
                    self._part(target, shard, data + at + 8, length)
                else:
                    self._callback(target, PyBytes_FromStringAndSize(data + at + 8, length))
            elif data[at + 4] == 5:
                self.operations.committed(shard, data + at + 8, length)
            elif data[at + 4] == 1:
                event: list = split_command(data + at + 8, length)
                if event[0] == b"op" and self.operations is not None:
                    self.operations.said(shard, event)
                else:
                    self.on_event(shard, event)
            at += 8 + length
        if answers and link.kept:
            link.kept.pop(0)
        return True

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _settle(self, conn: Conn, seq: cython.ulonglong, size: cython.Py_ssize_t) -> cython.int:
        """A run is answered: it is owed no more, and says how large the client's replies are."""
        conn.owed -= conn.costs[seq & 127]
        conn.reply_size = (conn.reply_size + size // max(conn.counts[seq & 127], 1)) // 2
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _part(
        self, target: Parts, shard: cython.int, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.int:
        try:
            target.arrived(shard, data, size)
        except Exception as error:
            self.on_internal_error(error)
        return 0

    def _callback(self, callback, raw):
        """Part of an operation is answered; a fault of it must not stop the other replies."""
        try:
            callback(raw)
        except Exception as error:
            self.on_internal_error(error)

    def run_length(self, conn: Conn, place: cython.ulonglong) -> int:
        """How many commands the run in a place of a client's ring has."""
        return conn.counts[place & 127]

    def drop_link(self, shard: int) -> list:
        """A link is lost: takes what it has not answered, [(conn, place) or (callback, 0)]."""
        link: Link = self.links[shard]
        lost = link.expected.take_all()
        for target, place in lost:
            if type(target) is Conn:
                self._settle(target, place, 0)
        link.batch.clear()
        link.alone = 0
        link.siblings = 0
        link.held_ms = 0
        link.run_conn = None
        link.unanswered = 0
        link.kept = []
        link.up = False
        return lost

    # -- to clients --------------------------------------------------------------------

    def reserve(self, conn: Conn) -> int:
        """A place in the order of a client's replies, for `fulfil`."""
        conn.tail += 1
        return conn.tail - 1

    def fulfil(self, conn: Conn, place: cython.ulonglong, raw: bytes):
        """The reply that belongs to a reserved place."""
        self._deliver(conn, place, PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))

    def reply(self, conn: Conn, value):
        """Answer the command at hand."""
        if conn.closed or conn.muted:
            return
        if conn.head == conn.tail:
            encode(conn.out, value, 3 if conn.flags & 1 else 2)
            self._mark(conn)
        else:
            out: Buffer = Buffer(64)
            encode(out, value, 3 if conn.flags & 1 else 2)
            place: cython.ulonglong = conn.tail
            conn.tail += 1
            self._deliver(conn, place, out.data, out.size)

    def push(self, conn: Conn, raw: bytes):
        """Out-of-band bytes (pub/sub, invalidations), ahead of replies that are not there yet."""
        if not conn.closed:
            conn.out.append(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))
            self._mark(conn)

    def push_stream(self, conn: Conn, count: int):
        """Send a replica the last bytes of the stream."""
        if not conn.closed:
            self.outflow.copy(conn.out, count)
            self._mark(conn)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _deliver(
        self, conn: Conn, seq: cython.ulonglong, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.int:
        waiting: object
        if conn.closed:
            return 0
        if seq != conn.head:
            conn.ring[seq & 127] = PyBytes_FromStringAndSize(data, size)
            return 0
        if not conn.muted:
            conn.out.append(data, size)
        conn.head += 1
        while conn.head != conn.tail:
            waiting = conn.ring[conn.head & 127]
            if waiting is None:
                break
            conn.ring[conn.head & 127] = None
            if not conn.muted:
                conn.out.append(PyBytes_AS_STRING(waiting), PyBytes_GET_SIZE(waiting))
            conn.head += 1
        self._mark(conn)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _mark(self, conn: Conn) -> cython.int:
        if not conn.dirty:
            conn.dirty = True
            self.dirty.append(conn)
        return 0

    def take_dirty(self) -> list:
        """Connections with new output, for shells that are not compiled."""
        found: list = self.dirty
        self.dirty = []
        for conn in found:
            cython.cast(Conn, conn).dirty = False
        return found


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _line(
    data: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
    at: cython.Py_ssize_t,
    number: cython.pointer(cython.longlong),
) -> cython.Py_ssize_t:
    """A decimal from data[at] to CRLF: the offset behind it, 0 if cut, -1 if it is no number."""
    value: cython.longlong = 0
    negative: cython.bint = False
    start: cython.Py_ssize_t
    end: cython.p_char
    if at < size and data[at] == 45:
        negative = True
        at += 1
    start = at
    while at < size and 48 <= data[at] <= 57:
        if at - start > 17:
            break
        value = value * 10 + (data[at] - 48)
        at += 1
    if at < size and data[at] == 13 and at > start:
        if at + 1 >= size:
            return 0
        if data[start] == 48 and (at - start > 1 or negative):
            return -1  # neither 01 nor -0 is a number to Redis
        number[0] = -value if negative else value
        return at + 2
    if at >= size:
        return 0
    end = cython.cast(cython.p_char, memchr(data + at, 13, size - at))
    return 0 if end == cython.NULL or end - data + 1 >= size else -1
