"""The batch loop: a message of commands in, a message of replies and events out. Compiled.

    for each entry: decode, look the handler up, run it, append its reply, note its effects

This is the shard's core: no I/O; the time that commands see is the router's, which the batch brings (a
monotonic clock only measures how long they take, for the slow log). While operations hold keys
(shard/holds.py, docs/transactions.md) the first entry that may touch one of them and all behind it wait in
`deferred`; only those flagged RESOLVE overtake. Invariant: entries that are not RESOLVE run in the order of the link.
"""

import logging
from collections import deque

import cython
from cython.cimports.cluster.csocket import sched_yield
from cython.cimports.cluster.wire import Buffer, encode, encode_command, split_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memcpy
from cython.cimports.posix.time import CLOCK_MONOTONIC, clock_gettime, timespec
from cython.cimports.shard.controls.direct_holds import run_commit, run_hold
from cython.cimports.shard.controls.transactions import run_unit
from cython.cimports.shard.direct import run_direct
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.entries import INNER_COMMIT, INNER_HOLD, INNER_TXN, NOT_DIRECT, Entry
from cython.cimports.shard.look_ahead import LookAhead
from cython.cimports.shard.reply_writer import ReplyWriter

from cluster import frames
from cluster.errors import CommandError
from shard.reply_writer import WRITTEN as _WRITTEN
from shard.signals import Block
from shard.slowlog import SlowLog

log = logging.getLogger("elixircache.shard")

WRITTEN = cython.declare(object, _WRITTEN)
DONE = cython.declare(cython.int, frames.DONE)
PIECES = cython.declare(dict, {b"stream": frames.STREAM, b"same": frames.SAME})
F_RESP3 = cython.declare(cython.int, 1)
F_END = cython.declare(cython.int, 2)
F_NO_TOUCH = cython.declare(cython.int, 4)
F_TRACK = cython.declare(cython.int, 8)
F_RESOLVE = cython.declare(cython.int, 16)
F_SILENT = cython.declare(cython.int, 64)
# After so many bytes of a master's stream, an eighth of a millisecond of SETs, whoever waits for this processor goes first:
# nobody waits for a replica that keeps up, and all clients may wait for one process of its master on the same machine.
GIVE_WAY = cython.declare(cython.Py_ssize_t, 1 << 14)


@cython.cfunc
@cython.exceptval(check=False)
def _clock_us() -> cython.longlong:
    """How long commands take is told, and decides nothing."""
    spec: timespec
    clock_gettime(CLOCK_MONOTONIC, cython.address(spec))
    return cython.cast(cython.longlong, spec.tv_sec) * 1000000 + spec.tv_nsec // 1000


@cython.cclass
class Loop:
    """Runs batches on an engine.

    kept: the router has the batch: its entries can be named. behind: it has to catch up, and gives way to nobody.
    """

    def __init__(self, engine: Engine):
        self.engine = engine
        self.out = Buffer(1 << 16)
        self.writer = ReplyWriter(self.out)
        self.deferred = deque()
        self.holds = engine.holds
        self.partial = None
        self.run_at = -1
        self.ahead = LookAhead(engine)
        self.slowlog = SlowLog()

    def configure(self, config):
        """Time every command from now on, note the slow ones, and give way to other processes while following a master.
        (A simulation does not call this.)"""
        self.gives_way = True
        log = self.slowlog
        log.slower_us = config["slowlog-log-slower-than"]
        log.latency_ms = config["latency-monitor-threshold"]
        if log.entries.maxlen != config["slowlog-max-len"]:
            log.resize(config["slowlog-max-len"])
        self.timed = True
        for entry in self.engine.entries:
            entry.tracked = entry.shown and config["latency-tracking"]
        self.limit_us = log.limit_us()

    def start(self, generation: int):
        """A new link to a router: whatever the old one had pending is forgotten."""
        self.generation = generation
        self.deferred.clear()
        self.partial = None
        self.holds.clear()
        self.engine.pieces.clear()
        self.holds.shard = self.engine.shard_index

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def execute(self, message: bytes) -> cython.bint:
        """Run one batch; whether it belonged to this link. Replies are taken by `take`."""
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(message)
        data: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(message)
        generation: cython.uint = 0
        now: cython.longlong = 0
        if size < 32:
            return False
        memcpy(cython.address(generation), data, 4)
        if generation != self.generation:
            return False
        self.kept = data[4] & 2
        self.behind = data[4] & 4
        memcpy(cython.address(now), data + 8, 8)
        memcpy(cython.address(self.epoch), data + 16, 8)
        memcpy(cython.address(self.watermark), data + 24, 8)
        if now > self.engine.now:
            self.engine.now = now
        self.batches += 1
        self._begin_reply()
        self._entries(message, 32, False)
        self.kept = False
        self._resume()
        self.engine.records.trim(self.epoch, self.watermark)
        return True

    def settle(self):
        """Run what a hold that ended outside a batch (its deadline) has kept waiting."""
        self._begin_reply()
        self._resume()

    @cython.cfunc
    def _resume(self) -> object:
        waiting: bytes
        data: cython.pointer(cython.const[cython.char])
        while self.deferred:
            waiting = self.deferred[0]
            data = PyBytes_AS_STRING(waiting)
            command: cython.ushort = 0
            memcpy(cython.address(command), data + 4, 2)
            if self.holds.count and self.holds.blocks(command, data + 12, PyBytes_GET_SIZE(waiting) - 12):
                break
            self.deferred.popleft()
            self._entries(waiting, 0, True)
        return None

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _begin_reply(self) -> cython.int:
        if self.out.size == 0:
            self.out.reserve(16)
            self.out.size = 16
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _entries(self, message: bytes, at: cython.Py_ssize_t, resuming: cython.bint) -> cython.int:
        """Run the entries of a message from offset `at` on, or put them off."""
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(message)
        data: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(message)
        length: cython.uint = 0
        command: cython.ushort = 0
        flags: cython.int
        db: cython.int
        start: cython.Py_ssize_t
        given_way: cython.Py_ssize_t = at
        put_off: cython.bint = False
        # A COMMIT in this message may end the hold: what has waited longer still goes first.
        behind: cython.bint = not resuming and len(self.deferred) > 0
        self.ahead.start(at)
        if self.timed:
            self.began_us = _clock_us()
        while at + 12 <= size:
            start = at
            memcpy(cython.address(length), data + at, 4)
            memcpy(cython.address(command), data + at + 4, 2)
            db = cython.cast(cython.uchar, data[at + 6])
            flags = cython.cast(cython.uchar, data[at + 7])
            memcpy(cython.address(self.client), data + at + 8, 4)
            at += 12
            if flags & F_RESOLVE:
                self._resolve(command, db, data + at, length)
            elif (
                behind
                or put_off
                or (self.holds.count > 0 and not resuming and self.holds.blocks(command, data + at, length))
            ):
                put_off = True
                if self.run_at >= 0:
                    self._interrupt_run()
                self.deferred.append(message[start : at + length])
            elif flags & F_SILENT:
                self.ahead.look(data, size)
                self._unanswered(command, db, flags, data + at, length, at)
                if at - given_way > GIVE_WAY and self.gives_way and not self.behind:
                    given_way = at
                    sched_yield()
            else:
                if self.run_at < 0:
                    self._begin_run()
                self.ahead.look(data, size)
                self._one(command, db, flags, data + at, length, at)
                if flags & F_END:
                    self._end_run(0)
            self.ahead.done += 1
            at += length
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _begin_run(self) -> cython.int:
        self.run_at = self.out.size
        self.out.reserve(8)
        self.out.size += 8
        if self.partial is not None:
            self.out.append(PyBytes_AS_STRING(self.partial), PyBytes_GET_SIZE(self.partial))
            self.partial = None
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _interrupt_run(self) -> cython.int:
        """The rest of a run waits for a hold: a run is answered whole, so what it has been answered waits, too."""
        self.partial = PyBytes_FromStringAndSize(self.out.data + self.run_at + 8, self.out.size - self.run_at - 8)
        self.out.size = self.run_at
        self.run_at = -1
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _end_run(self, kind: cython.int) -> cython.int:
        self.out.put_u32(self.run_at, self.out.size - self.run_at - 8)
        self.out.put_u32(self.run_at + 4, kind)
        self.run_at = -1
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _resolve(
        self,
        command: cython.int,
        db: cython.int,
        raw: cython.pointer(cython.const[cython.char]),
        size: cython.Py_ssize_t,
    ) -> cython.int:
        """An entry that overtakes: its handler answers with events, not with a reply."""
        entry: Entry = self.engine.entries[command]
        self.engine.db = self.engine.dbs[db]
        self.engine.resp = 2
        self.engine.begin()
        if entry.inner != INNER_COMMIT or not run_commit(self.engine, raw, size):
            entry.handler(self.engine, split_command(raw, size))
        self.engine.finish(raw, size)
        if self.engine.listening and self.engine.waiting is not None:
            self.engine.waiting.serve(self.engine)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _one(
        self,
        command: cython.int,
        db: cython.int,
        flags: cython.int,
        raw: cython.pointer(cython.const[cython.char]),
        size: cython.Py_ssize_t,
        offset: cython.Py_ssize_t,
    ) -> cython.int:
        engine: Engine = self.engine
        entry: Entry = engine.entries[command]
        mark: cython.Py_ssize_t = self.out.size
        engine.db = engine.dbs[db]
        engine.resp = 3 if flags & F_RESP3 else 2
        engine.no_touch = flags & F_NO_TOUCH
        engine.replaying = flags & 32
        engine.begin()
        engine.reading = entry.reads
        self.commands += 1
        entry.calls += 1
        args: list = None
        ahead: LookAhead = self.ahead
        place: cython.int = ahead.done & 15
        kind: cython.int = ahead.kinds[place] if ahead.offsets[place] == offset else NOT_DIRECT
        try:
            if (
                kind
                and not flags & F_TRACK
                and run_direct(
                    engine,
                    engine.db,
                    kind,
                    ahead.slots[place],
                    ahead.hashes[place],
                    cython.address(ahead.strings[place]),
                    self.out,
                )
            ):
                return self._done(entry, None, raw, size)
            if entry.inner == INNER_TXN and run_unit(engine, raw, size, self.out):
                return self._done(entry, None, raw, size)
            if entry.inner == INNER_HOLD and run_hold(engine, raw, size, self.out):
                return self._done(entry, None, raw, size)
            if ahead.offsets[place] == offset and not kind:
                args = cython.cast(list, ahead.args[place])
                ahead.args[place] = None
            else:
                args = split_command(raw, size)
            if (engine.write_error or engine.over_memory) and entry.write:
                engine.refuse(entry)
            engine.writer = self.writer
            if flags & F_TRACK:
                engine.caching = self.client
            reply: object = entry.handler(engine, args)
            if reply is not WRITTEN:
                encode(self.out, reply, engine.resp)
        except CommandError as error:
            self.out.size = mark
            entry.failed += 1
            engine.stats.count_error(error)
            encode(self.out, error, engine.resp)
        except Block as block:
            self.out.size = mark
            encode(self.out, block.nil, engine.resp)
        except Exception as error:
            # A bug of ours must not take the shard and its data down with it.
            log.exception("command %s failed", entry.name.decode())
            self.out.size = mark
            entry.failed += 1
            encode(self.out, CommandError(f"ERR internal error: {type(error).__name__}: {error}"), engine.resp)
        engine.writer = None
        if engine.caching:
            engine.caching = 0
            if not entry.write:
                engine.tracking.read(self.client, entry, args)
        return self._done(entry, args, raw, size)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _unanswered(
        self,
        command: cython.int,
        db: cython.int,
        flags: cython.int,
        raw: cython.pointer(cython.const[cython.char]),
        size: cython.Py_ssize_t,
        offset: cython.Py_ssize_t,
    ) -> cython.int:
        """A command of a master's stream: its reply is dropped. An error is a difference to the master, and said."""
        mark: cython.Py_ssize_t = self.out.size
        self._one(command, db, flags, raw, size, offset)
        if self.out.data[mark] == 45:
            reply: bytes = PyBytes_FromStringAndSize(self.out.data + mark, self.out.size - mark)
            name: bytes = cython.cast(Entry, self.engine.entries[command]).name
            log.error("a command of the master's stream failed: %s: %s", name.decode(), reply[1:-2].decode(errors="replace"))
        self.out.size = mark
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _done(
        self, entry: Entry, args: object, raw: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.int:
        """A command has replied: its effects, who waited for them, how long it took."""
        engine: Engine = self.engine
        ended: cython.longlong
        took: cython.longlong
        if (engine.dirty > 0 or engine.unit) and engine.finish(raw, size) and self.kept:
            engine.name(self.ahead.done, size)
        if engine.listening and engine.waiting is not None:
            engine.waiting.serve(engine)
        if self.timed:
            # One reading a command: where one ends the next begins.
            ended = _clock_us()
            took = ended - self.began_us
            self.began_us = ended
            entry.took(took)
            if 0 <= self.limit_us <= took and entry.shown:
                self.slowlog.took(
                    engine.now, took, split_command(raw, size) if args is None else args, self.client, entry.quick
                )
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _events(self, events: list, kind: cython.int) -> cython.int:
        """Append events as entries of this kind, each a RESP array; commits and pieces of the stream have kinds of their own."""
        self._begin_reply()
        for event in events:
            self.run_at = self.out.size
            self.out.reserve(8)
            self.out.size += 8
            if kind == 1 and event[0] == b"done":
                self.out.reserve(1)
                self.out.data[self.out.size] = cython.cast(cython.char, PyBytes_GET_SIZE(event[1]))
                self.out.size += 1
                self.out.append(PyBytes_AS_STRING(event[1]), PyBytes_GET_SIZE(event[1]))
                self.out.append(PyBytes_AS_STRING(event[2]), PyBytes_GET_SIZE(event[2]))
                self._end_run(DONE)
            elif kind == 2 and event[0] in PIECES:
                self.out.reserve(8)
                self.out.size += 8
                self.out.put_u32(self.run_at + 8, cython.cast(cython.uint, cython.cast(cython.int, event[1])))
                self.out.put_u32(self.run_at + 12, cython.cast(cython.uint, cython.cast(cython.int, event[2])))
                self.out.append(PyBytes_AS_STRING(event[3]), PyBytes_GET_SIZE(event[3]))
                self._end_run(PIECES[event[0]])
            else:
                encode_command(self.out, list(event))
                self._end_run(kind)
        events.clear()
        return 0

    @cython.ccall
    def take(self, answer: cython.bint = False) -> bytes:
        """The reply message, b"" when there is nothing to say and it does not `answer` a batch.
        The caller has journalled the effects before."""
        flags: cython.uint = 0
        if self.engine.events:
            self._events(self.engine.events, 1)
        if self.engine.fed:
            self._events(self.engine.fed, 2)
            flags |= 16
        if self.out.size <= 16:
            if not answer:
                self.out.size = 0
                return b""
            self._begin_reply()
        if answer:
            flags |= 8
        if self.engine.over_memory:
            flags |= 1
        if self.engine.write_error:
            flags |= 2
        if self.engine.loading:
            flags |= 4
        self.out.put_u32(0, self.generation)
        self.out.put_u32(4, flags)
        memcpy(self.out.data + 8, cython.address(self.offset), 8)
        return self.out.take()


def constants_agree() -> bool:
    """The C constants above against those that Python code uses."""
    return (F_RESP3, F_END, F_NO_TOUCH, F_TRACK, F_RESOLVE, F_SILENT) == (
        frames.RESP3,
        frames.END_OF_RUN,
        frames.NO_TOUCH,
        frames.TRACK,
        frames.RESOLVE,
        frames.SILENT,
    )
