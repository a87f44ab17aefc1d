"""The engine: one command in, its reply and its effects out. Compiled; no I/O, no clock.

    batch loop --args--> Engine.call / handler --reply-->
                            |  lookup, put, changed, effect
                            v
                Database    stream (what is journalled and replicated)    events

A handler is `handler(engine, args) -> reply` (see `cluster.replies`); it checks all its
arguments before its first write, and raises `CommandError`. After a write it calls
`changed(...)`, once for each key. What goes into the stream is then

  * the command as it came, when something changed (`dirty` > 0) and its row says VERBATIM;
  * or exactly what the handler named with `effect(...)` (SPOP: SREM, EXPIRE: PEXPIREAT).

Several effects of one command, script or transaction are wrapped in MULTI ... EXEC.
Invariant: applying the stream to an empty engine gives the same keyspace.
"""

import random

import cython
from cython.cimports.cluster.wire import Buffer, encode_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.shard.entries import Entry
from cython.cimports.shard.keyspace import Database
from cython.cimports.shard.values.taker import Taker

import shard.commands
import shard.controls  # noqa: F401
from cluster import errors
from cluster.errors import CommandError
from cluster.wire import command as encode
from shard.access import Access
from shard.entries import build_entries
from shard.expiry_cycle import ExpiryCycle
from shard.holds import Holds
from shard.memory import Memory
from shard.notifications import Notifier
from shard.pieces import Pieces
from shard.records import Records
from shard.signals import N_EVICTED, N_EXPIRED, N_KEYMISS, N_NEW, NOTIFIER, STAGED, TRACKERS, WAITERS, WATCHERS
from shard.slot_table import LARGE, replaced
from shard.stats import Stats
from shard.tracking import Tracking
from shard.values import limits
from shard.waiting import Waiting
from shard.watching import Watching

DATABASES = 16


@cython.cfunc
def _encoded(args: list) -> bytes:
    """A command in RESP."""
    out: Buffer = Buffer(64)
    encode_command(out, args)
    return out.take()


@cython.cclass
class Engine:
    """Keyspace, dispatch and effects of one shard."""

    def __init__(self, config=None, seed=None):
        self.now = 0
        self.config = {} if config is None else config
        self.dbs = [Database(i) for i in range(int(self.config.get("databases", DATABASES)))]
        self.db = self.dbs[0]
        self.resp = 2
        self.master = True
        self.entries, self.by_name = build_entries()
        self.unit = []
        self.stream = Buffer(4096)
        self.scratch = Buffer(256)
        self.body, self.draft = Buffer(256), Buffer(256)  # of a unit; for whoever clears it first
        self.stream_db = -1
        self.events = []
        self.fed = []  # the same about the replication stream, told ahead of the replies that it belongs to
        self.lazy = []
        limits.apply(self.config)
        self.rng = random.Random(seed)
        self.write_error = b""
        self.access = Access(self)
        self.memory = Memory()
        self.tracking = Tracking()
        self.stats = Stats()
        self.records = Records()
        self.pieces = Pieces()
        self.watching = Watching()
        self.waiting = Waiting()
        self.notifier = Notifier()
        self.expiry = ExpiryCycle()
        self.shard_index = 0
        self.holds = Holds(self.watching)
        self.units = []
        self.named = Buffer(64)
        self.worker_shards = 1

    # -- keys, for handlers ------------------------------------------------------------

    @cython.ccall
    def lookup(self, key: bytes) -> object:
        """The live value of a key, or None. An expired key is deleted (on a master)."""
        db: Database = self.db
        value: object = db.find(key)
        if value is not None and db.volatile > 0:
            at: cython.longlong = db.expiry(key)
            if at >= 0 and at <= self.now and not self.replaying:
                value = self._expire(key, value)
        if value is None:
            if self.reading:
                self.misses += 1
                if self.listening & NOTIFIER:
                    self.notify(N_KEYMISS, b"keymiss", key)
            return None
        self.hits += self.reading
        if self.track_access and not self.no_touch:
            self.access.touch(self, key)
        return value

    @cython.ccall
    def typed(self, key: bytes, kind: object) -> object:
        """The live value if it is a `kind` (a class or a tuple of classes), None if there is
        none; WRONGTYPE otherwise."""
        value: object = self.lookup(key)
        if value is not None and not isinstance(value, kind):
            raise errors.wrong_type()
        return value

    @cython.ccall
    def put(self, key: bytes, value: object) -> object:
        """Store a value; an expiry that the key has stays."""
        if self.db.volatile > 0 and not self.master and not self.replaying:
            # A writable replica hides an expired key until its master deletes it; written anew, it is a new key.
            at: cython.longlong = self.db.expiry(key)
            if 0 <= at <= self.now:
                self.db.persist(key)
        if self.db.store(key, value) and self.listening & NOTIFIER:
            self.notify(N_NEW, b"new", key)

    @cython.ccall
    def overwrite(self, key: bytes, value: object) -> object:
        """Store a value as SET does: the old value and its expiry are gone."""
        if self.db.volatile > 0:
            at: cython.longlong = self.db.expiry(key)
            if 0 <= at <= self.now and self.master and not self.replaying:
                self._expire(key, None)
            elif at >= 0:
                self.db.persist(key)
        if self.db.store(key, value) and self.listening & NOTIFIER:
            self.notify(N_NEW, b"new", key)

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def delete(self, key: bytes) -> cython.bint:
        """Remove a live key; whether it was there. The caller says `changed`."""
        reading: cython.bint = self.reading
        self.reading = False
        value: object = self.lookup(key)
        self.reading = reading
        if value is None:
            return False
        self.free(self.db.remove(key))
        return True

    def expire_at(self, key: bytes) -> int:
        """Unix ms at which a key expires, -1 if never."""
        return self.db.expiry(key)

    def set_expire(self, key: bytes, at_ms: int):
        """Give a key that is there an expiry, unix ms."""
        self.db.expire(key, at_ms)

    def persist(self, key: bytes) -> bool:
        """Drop a key's expiry; whether it had one."""
        return self.db.persist(key)

    @cython.cfunc
    def _expire(self, key: bytes, value: object) -> object:
        """What looking up an expired key does: on a master it dies, on a replica it hides."""
        if not self.master:
            return None
        self.free(self.db.remove(key))
        self.unit.append((self.db.index, encode(b"DEL", key)))
        if self.stats is not None:
            self.stats.expired_keys += 1
        if self.listening:
            self._touched(key, False)
            self.notify(N_EXPIRED, b"expired", key)
        return None

    def expire_now(self, key: bytes):
        """Delete a key whose time has come (active expiry), with its effect."""
        value = self.db.find(key)
        if value is not None:
            self._expire(key, value)

    def evict(self, key: bytes):
        """Delete a key to free memory, with its effect."""
        self.free(self.db.remove(key))
        self.unit.append((self.db.index, encode(b"DEL", key)))
        self.stats.evicted_keys += 1
        if self.listening:
            self._touched(key, False)
            self.notify(N_EVICTED, b"evicted", key)

    def free(self, value):
        """A value (or None) that nobody has any more: large collections are taken apart a little at a time, by `free_some`."""
        if value is not None and not isinstance(value, (bytes, bytearray)) and len(value) > LARGE and hasattr(value, "release"):
            self.lazy.append(value)
            if self.memory is not None and hasattr(value, "memory"):
                self.memory.freed(value.memory())

    def free_some(self, budget: int = 20000) -> bool:
        """Release up to `budget` members of deleted and replaced collections; whether more are left."""
        while replaced:
            self.free(replaced.pop())
        while self.lazy and budget > 0:
            left = len(self.lazy[-1])
            if self.lazy[-1].release(budget):
                self.lazy.pop()
                self.stats.lazyfreed += 1
            budget -= left
        return bool(self.lazy)

    @cython.cfunc
    def taker(self) -> Taker:
        """Who takes a reply's elements; the handler returns its `taken`. For a client they are written at once; for
        a caller inside the shard they become Python lists."""
        if self.writer is None:
            return Taker(self.resp >= 3)
        self.writer.shaped = self.resp >= 3
        return self.writer

    # -- what a write says -------------------------------------------------------------

    @cython.ccall
    def changed(self, key: bytes, event: bytes, kind: cython.int, count: cython.longlong = 1) -> object:
        """A key was changed `count` times: watchers, waiters, trackers and listeners hear it."""
        self.dirty += count
        if self.listening:
            self._touched(key)
            self.notify(kind, event, key)

    @cython.ccall
    def noted(self, key: bytes, event: bytes, kind: cython.int, count: cython.longlong = 1) -> object:
        """A change beside a key's value, a consumer group's: an effect and an event, but to watchers and caches
        the key is as it was, as in Redis."""
        self.dirty += count
        if self.listening:
            if self.listening & STAGED:
                self.staged.add((self.db.index, key))
            self.notify(kind, event, key)

    def touched(self, key: bytes):
        """A key was changed by something that is no event of its own (a store's target)."""
        self.dirty += 1
        if self.listening:
            self._touched(key)

    def touched_only(self, key: bytes):
        """A key was written and is as it was: no effect, no event, but whoever waits for a change hears of it."""
        if self.listening:
            self._touched(key)

    def _touched(self, key, by_client=True):
        if self.listening & WATCHERS:
            self.watching.touched(self.db.index, key)
        if self.listening & WAITERS:
            self.waiting.touched(self.db.index, key)
        if self.listening & TRACKERS:
            self.tracking.touched(self, key, by_client)
        if self.listening & STAGED:
            self.staged.add((self.db.index, key))

    def notify(self, kind: int, event: bytes, key: bytes):
        """A keyspace notification, when somebody asked for its class."""
        if self.listening & NOTIFIER:
            self.notifier.notify(self, kind, event, key)

    def effect(self, *args):
        """Name one effect of this command (bytes, str or int arguments) in place of the
        command itself."""
        self.effect_of(list(args))

    @cython.ccall
    def effect_of(self, args: list, rest: list = None, first: cython.Py_ssize_t = 0) -> object:
        """Like `effect`, for a list, with rest[first:] behind it."""
        out: Buffer = self.scratch
        self.rewritten = True
        encode_command(out, args, rest, first)
        self.unit.append((self.db.index, out.take()))

    def no_effect(self):
        """This command puts nothing into the stream."""
        self.rewritten = True

    def select(self, index: int):
        """Make a database the current one."""
        if not 0 <= index < len(self.dbs):
            raise CommandError(errors.DB_RANGE)
        self.db = self.dbs[index]

    # -- running commands ----------------------------------------------------------------

    def resolve(self, args: list):
        """The entry that handles these arguments. CommandError if there is none."""
        entry: Entry = self.by_name.get(args[0].upper())
        if entry is None:
            raise errors.unknown_command(args)
        if entry.subcommands and len(args) > 1:
            sub = entry.subcommands.get(args[1].upper())
            if sub is None:
                raise errors.unknown_subcommand(entry.command.name, args[1])
            entry = sub
        if entry.handler is None:
            raise errors.unknown_command(args)
        argc: cython.Py_ssize_t = len(args)
        if (argc != entry.arity) if entry.arity >= 0 else (argc < -entry.arity):
            raise errors.wrong_arity(entry.command.name)
        return entry

    def call(self, args: list):
        """Run one command inside another: its effects join the outer one's unit. The reply is a value; CommandError."""
        return self.call_raw(self.resolve(args), args, None)

    @cython.cfunc
    def call_raw(self, entry: Entry, args: list, raw: bytes) -> object:
        """Like `call`, for a resolved entry; `raw`: the command in RESP, where the caller has it."""
        if entry.handler is None:
            raise errors.unknown_command(args)
        outer_dirty: cython.longlong = self.dirty
        outer_counted: cython.longlong = self.counted
        outer_rewritten: cython.bint = self.rewritten
        outer_reading: cython.bint = self.reading
        outer_writer: object = self.writer
        before: cython.Py_ssize_t = len(self.unit)
        db: Database = self.db
        self.dirty = self.counted = 0
        self.rewritten = False
        self.writer = None
        self.reading = entry.reads
        self.depth += 1
        entry.calls += 1
        try:
            if self.write_error or self.over_memory:
                self.refuse(entry)
            reply = entry.handler(self, args)
            if self.dirty > 0 and not self.rewritten:
                self.unit.append((db.index, _encoded(args) if raw is None else raw))
            self.changes += self.dirty - self.counted
            self.counted = self.dirty
            return reply
        except CommandError as error:
            entry.failed += 1
            self.stats.count_error(error)
            raise
        finally:
            if self.caching and not entry.write:
                self.tracking.read(self.caching, entry, args)
            self.depth -= 1
            self.writer = outer_writer
            self.reading = outer_reading
            self.dirty = outer_dirty + (self.dirty if len(self.unit) > before else 0)
            self.counted = outer_counted + (self.counted if len(self.unit) > before else 0)
            self.rewritten = outer_rewritten

    def refuse(self, entry: Entry):
        """Why a write cannot be taken now, as a CommandError."""
        if entry.write and self.write_error and not self.replaying:
            raise CommandError(errors.MISCONF.format(reason=self.write_error.decode()))
        if entry.denyoom and self.over_memory and not self.replaying:
            raise CommandError(errors.OOM)

    def apply(self, args: list):
        """Run one effect of a journal or a replication stream: no checks, nothing expires.
        The caller decides what becomes of the effects that it has in turn."""
        was_replaying: cython.bint = self.replaying
        self.replaying = True
        try:
            return self.call(args)
        finally:
            self.replaying = was_replaying

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def begin(self) -> cython.int:
        self.dirty = self.counted = 0
        self.rewritten = False
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def finish(self, raw: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.int:
        """After a top-level command: put its effects into the stream. 1 if its effect is the command as it came, else 0."""
        if self.dirty > 0:
            self.changes += self.dirty - self.counted
            if not self.rewritten:
                if not self.unit and not self.body_count:
                    self._select(self.db.index)
                    self.stream.append(raw, size)
                    return 1
                self.unit.append((self.db.index, raw[:size]))
        if self.unit or self.body_count:
            self.flush_unit(None)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def wrote(self, raw: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.int:
        """A command inside a unit has changed something, and is its own effect."""
        if self.unit or (self.body_count and self.body_db != self.db.index):
            self.unit.append((self.db.index, raw[:size]))
        else:
            self.body.append(raw, size)
            self.body_db = self.db.index
            self.body_count += 1
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def flush_unit(self, record: bytes) -> cython.int:
        """Write the collected effects: one as it is, several as MULTI ... EXEC. A multi-shard record always makes a
        unit, which it opens."""
        wrap: cython.bint = len(self.unit) + self.body_count > 1 or record is not None
        start: cython.Py_ssize_t = self.stream.size
        body: cython.Py_ssize_t
        db: cython.int = self.stream_db
        index: cython.int
        raw: bytes
        if wrap:
            if self.stream_db < 0:
                self._select(0)
            self.stream.append(b"*1\r\n$5\r\nMULTI\r\n", 15)
            if record is not None:
                self.stream.append(b"*2\r\n$4\r\nECHO\r\n", 14)
                self.stream.append_bulk(PyBytes_AS_STRING(record), PyBytes_GET_SIZE(record))
        body = self.stream.size
        if self.body_count:
            self._select(self.body_db)
            self.stream.append(self.body.data, self.body.size)
            self.body.size = 0
            self.body_count = 0
        for index, raw in self.unit:
            self._select(index)
            self.stream.append(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))
        if wrap:
            self.stream.append(b"*1\r\n$4\r\nEXEC\r\n", 14)
            if record is not None and self.feeding:
                # Replicas get a multi-shard record as one unit: the router joins the bodies.
                self.units.append((start, body, self.stream.size - 14, self.stream.size, db, self.stream_db))
        if self.unit:
            self.unit = []
        return 0

    def end_unit(self, record=None):
        """For Python callers (transactions, timers): write what the unit has collected."""
        if self.unit or self.body_count or record is not None:
            self.flush_unit(record)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _select(self, db: cython.int) -> cython.int:
        if db != self.stream_db:
            self.stream_db = db
            encode_command(self.stream, [b"SELECT", b"%d" % db])
        return 0

    def run(self, args: list, db: int = 0):
        """One top-level command, for tests and tools: its reply (an error is returned, not
        raised). Effects are in the stream."""
        self.db = self.dbs[db]
        self.dirty = 0
        self.rewritten = False
        try:
            reply = self.call(args)
        except CommandError as error:
            reply = error
        self.end_unit()
        return reply

    def take_stream(self) -> bytes:
        """The effects since the last call, RESP commands."""
        return self.stream.take()

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def name(self, number: cython.Py_ssize_t, size: cython.Py_ssize_t) -> cython.int:
        """The last effect, of so many bytes, is an entry of the batch as it came."""
        place: cython.Py_ssize_t = number >> 3
        while self.named.size <= place:
            self.named.append(b"\0", 1)
        self.named.data[place] = self.named.data[place] | 1 << (number & 7)
        self.named_size += size
        return 0

    def take_named(self) -> bytes:
        """A bit for each entry of the batch that has been named since the last call."""
        self.named_size = 0
        return self.named.take()
