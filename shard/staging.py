"""A staged keyspace: commands run on it, and what they write is only noted.

The home shard of an operation over several shards runs its commands here: on the keys that it
borrowed and on copies of its own. Afterwards `parts()` says what each owner has
to do; nothing of the real keyspace has been touched. See docs/transactions.md.
"""

import cython
from cython.cimports.cluster.wire import Buffer, slot
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.shard.engine import Engine
from cython.cimports.shard.keyspace import Database

from cluster import errors, frames
from cluster.command_table import TABLE, row_of
from cluster.errors import CommandError
from cluster.records import unpack_entries
from cluster.slots import slot_map, slot_of
from cluster.wire import command as encode
from cluster.wire import parse_command
from shard.notifications import StagedNotifier
from shard.pieces import is_large
from shard.signals import NOTIFIER, STAGED

MISSING = object()
DEL = cython.declare(cython.int, TABLE["DEL"].id)
SET = cython.declare(cython.int, TABLE["SET"].id)
RESTORE = cython.declare(cython.int, TABLE["RESTORE"].id)
NOTIFY = cython.declare(cython.int, TABLE["SHARD.NOTIFY"].id)
HUSHED = cython.declare(cython.int, frames.HUSHED)
ADOPT = cython.declare(cython.int, TABLE["SHARD.ADOPT"].id)


@cython.cclass
class StagedDatabase(Database):
    """Reads through to the real database for the keys of this shard, keeps writes to itself.

    local: key -> value, or MISSING for a key that is not there. times: key -> unix ms or -1. absent: keys that were
    not there when they were brought. ask: gives keys and answers of other shards (shard/controls/holds.py).
    """

    real = cython.declare(Database, visibility="public")
    local = cython.declare(dict, visibility="public")
    times = cython.declare(dict, visibility="public")
    owners = cython.declare(list)
    shares = cython.declare(cython.bint)
    part = cython.declare(object)
    shard = cython.declare(cython.int)
    ask = cython.declare(object, visibility="public")
    now = cython.declare(cython.longlong, visibility="public")
    flushed = cython.declare(cython.bint, visibility="public")
    absent = cython.declare(set, visibility="public")

    def __init__(self, owners: list, shard: cython.int):
        self.owners = owners
        self.shard = shard
        self.volatile = 1  # always ask for the expiry
        self.local = {}
        self.times = {}
        self.absent = set()

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def stand_for(
        self, real: Database, now: cython.longlong, ask: object, shares: cython.bint, part: object
    ) -> cython.int:
        """Be this database from now on, with nothing written yet."""
        self.index = real.index
        self.real = real
        self.slots = real.slots
        self.expires = real.expires
        self.size = real.size
        self.now = now
        self.ask = ask
        self.shares = shares
        self.part = part
        self.flushed = False
        if self.times or self.absent:  # whatever is local has a time
            self.local = {}
            self.times = {}
            self.absent = set()
        return 0

    @cython.cfunc
    def _bring(self, key: bytes) -> object:
        """The staged value of a key; the first time, a copy of the real one. A key whose time has come
        hides: its owner deletes it, an operation that only reads must not."""
        value: object = self.local.get(key)
        if value is None and self.flushed:
            value = self.local[key] = MISSING
            self.times[key] = -1
            self.absent.add(key)
        elif value is None:
            if self.owner(key) != self.shard:
                if self.ask is None:
                    raise CommandError(errors.UNDECLARED_KEY.format(key=key.decode("utf-8", "backslashreplace")))
                value, at_ms = self.ask.key(self.real.index, key)
                self.lend(key, value, at_ms)
                return self.local[key]
            value = self.real.find(key)
            at_ms = -1 if value is None else self.real.expiry(key)
            if value is None or 0 <= at_ms <= self.now:
                self.size -= value is not None
                value = MISSING
                self.times[key] = -1
                self.absent.add(key)
            else:
                self.times[key] = at_ms
                part = None if self.part is None else self.part(key, value)
                if part is not None:
                    value = part
                elif isinstance(value, bytearray):
                    value = bytearray(value)
                elif not self.shares and not isinstance(value, bytes):
                    value = value.copy()
            self.local[key] = value
        return value

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def owner(self, key: bytes) -> cython.int:
        """The shard of a key."""
        return self.owners[slot(key)]

    def owner_of(self, key: bytes) -> int:
        """The same, for Python."""
        return self.owner(key)

    @cython.cfunc
    def find(self, key: bytes) -> object:
        value: object = self._bring(key)
        return None if value is MISSING else value

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def store(self, key: bytes, value: object) -> cython.int:
        new: cython.bint = self._bring(key) is MISSING
        self.local[key] = value
        self.size += new
        return new

    @cython.cfunc
    def remove(self, key: bytes) -> object:
        value: object = self._bring(key)
        if value is MISSING:
            return None
        self.local[key] = MISSING
        self.times[key] = -1
        self.size -= 1
        return value

    @cython.cfunc
    @cython.exceptval(-2, check=True)
    def expiry(self, key: bytes) -> cython.longlong:
        self._bring(key)
        return self.times[key]

    def expire(self, key: bytes, at_ms: cython.longlong):
        """Set the expiry of a key that is there."""
        self._bring(key)
        self.times[key] = at_ms

    def duplicate(self, key: bytes, value):
        """What goes to another shard becomes one of its own there."""
        if self.shares and self.owner(key) != self.shard:
            return value
        return Database.duplicate(self, key, value)

    def persist(self, key: bytes) -> bool:
        """Drop a key's expiry; whether it had one."""
        self._bring(key)
        had = self.times[key] >= 0
        self.times[key] = -1
        return had

    def lend(self, key: bytes, value, at_ms: cython.longlong):
        """Put a borrowed value (None: the key is not there) in place."""
        self.local[key] = MISSING if value is None else value
        self.times[key] = at_ms
        if value is None:
            self.absent.add(key)

    def state(self) -> tuple:
        """What `restore` takes; `clear` and `restore` leave the containers in it as they are."""
        return (
            self.real, self.local, self.times, self.absent, self.slots, self.expires, self.size, self.flushed
        )  # fmt: skip

    def restore(self, state: tuple):
        """Be as another moment, or another staged database, was."""
        self.real, self.local, self.times, self.absent, self.slots, self.expires, self.size, self.flushed = state

    def clear(self):
        """Forget every key, those of other shards, too: only an operation that holds everything may."""
        if self.ask is None:
            raise CommandError(errors.WHOLE_KEYSPACE)
        self.local = {}
        self.times = {}
        self.absent = set()
        self.slots = [None] * 16384
        self.expires = [None] * 16384
        self.size = 0
        self.flushed = True


class Staging:
    """Swaps an engine's databases for staged ones while one operation runs.

    with Staging(engine) as staging: ... engine.call(...) ...
    """

    def __init__(self, engine: Engine):
        self.engine = engine
        owners = slot_map(engine.worker_shards)
        self.dbs = [StagedDatabase(owners, engine.shard_index) for _ in engine.dbs]
        self.ask = None  # a shard.controls.holds.Asking, where all shards are held whole
        self.shares = False
        self.part = None  # a shard.projections.Part
        self.client = 0  # whose operation it is

    def __enter__(self):
        engine: Engine = self.engine
        self.saved = (engine.dbs, engine.db, engine.listening, engine.unit, engine.dirty, engine.counted, engine.rewritten, engine.changes)
        self.refusals = (engine.write_error, engine.over_memory)
        self.told = StagedNotifier(engine.notifier)
        self._stand_for(engine.dbs, engine.now)
        engine.dbs = self.dbs
        engine.db = engine.dbs[self.saved[1].index]
        engine.listening = STAGED | (engine.listening & NOTIFIER)
        engine.notifier = self.told
        engine.staged = set()
        engine.unit = []
        return self

    def _stand_for(self, dbs: list, now: cython.longlong):
        at: cython.int
        for at in range(len(dbs)):
            cython.cast(StagedDatabase, self.dbs[at]).stand_for(dbs[at], now, self.ask, self.shares, self.part)

    def __exit__(self, *_):
        engine: Engine = self.engine
        self.dbs = engine.dbs
        self.unit = engine.unit
        self.written = engine.staged
        engine.staged = None
        engine.notifier = self.told.real
        (
            engine.dbs,
            engine.db,
            engine.listening,
            engine.unit,
            engine.dirty,
            engine.counted,
            engine.rewritten,
            engine.changes,
        ) = self.saved

    def assume_absent(self, entries: bytes):
        """The keys of other shards in these entries are only written: what they have does not matter."""
        for command, db, _, _, raw in unpack_entries(entries):
            for key in effect_keys(parse_command(raw)):
                if self.dbs[db].owner_of(key) != self.engine.shard_index:
                    self.dbs[db].lend(key, None, -1)

    def end(self):
        """What was written is forgotten; the next operation may use this one."""
        self.ask = self.part = None
        if self.told.events:
            self.told.tell(self.engine)
        self._stand_for(self.engine.dbs, 0)
        self.unit = self.told = None
        self.engine.staging = self

    def parts(self, op: bytes = b"", large: list | None = None) -> bytes:
        """What was written, as the parts of a record (cluster/records.py) for each owner; empty if nothing was.

        With `op` the large values of one owner are left out, offered to be fetched, and `large` gets db, key and owner
        of each: that owner will adopt them. (Of one owner: it commits before the others, see router/operation.py.)

        An owner gets commands with keys of its own only. A command whose keys lie apart becomes the
        resulting value of each key that it changed; the others were only read, and their owners must not hear of a
        write. Commands without keys are left to this shard.
        """
        whole: set = set()
        single: list = []
        parts: dict = {}
        args: list
        keys: list
        swapped: cython.bint = False
        for db, raw in self.unit:
            args = parse_command(raw)
            keys = effect_keys(args)
            swapped = swapped or args[0] == b"SWAPDB"
            if len(keys) > 1 or args[0].upper() == b"MOVE":
                whole.update([place for place in self.written if place[1] in keys])  # COPY and MOVE: another database
            elif keys:
                single.append((db, keys[0], args, raw))
            else:
                single.append((db, None, args, raw))
        if swapped:  # what was written before has another database now
            whole = self.written
        # Once a key is written whole, its single effects are part of that.
        for db, key, args, raw in single:
            if key is None and row_of(args).whole:
                for shard in range(self.engine.worker_shards):
                    self._add(parts, None, row_of(args).id, db, raw, shard)
            elif key is None or not (swapped or (db, key) in whole):
                self._add(parts, key, row_of(args).id, db, raw)
        adopting = self._adopting(whole) if op else -1
        for db, key in sorted(whole):
            value = self.dbs[db].local.get(key)
            if value is not None and value is not MISSING and self.dbs[db].owner_of(key) == adopting and is_large(value):
                self.engine.pieces.offer_made(op, db, key, value, self.dbs[db].times[key])
                large += [b"%d" % db, key, b"%d" % adopting]
                self._add(parts, key, ADOPT, db, encode(b"SHARD.ADOPT", op, key))
            else:
                self._add_value(parts, db, key)
        if parts:
            for db, kind, event, key in self.told.events:
                words = [b"SHARD.NOTIFY", kind, event, key]
                owner = self.dbs[db].owner_of(key)
                if self.part is not None and event == b"del":
                    words.append(b"GONE")  # all that was lent of it: only its owner knows whether there is more
                self._add(parts, None, NOTIFY, db, encode(*words), owner if owner in parts else min(parts))
            self.told.events.clear()
        packed: Buffer = Buffer(256)
        member: cython.ushort
        size: cython.uint
        for number, part in parts.items():
            member = number
            size = cython.cast(Buffer, part).size
            packed.append(cython.cast(cython.p_char, cython.address(member)), 2)
            packed.append(cython.cast(cython.p_char, cython.address(size)), 4)
            packed.append(cython.cast(Buffer, part).data, size)
        return packed.take()

    def _adopting(self, places: set) -> int:
        """The owner of the most large values among those that were written, -1 if there are none."""
        owners: list = []
        for db, key in places:
            value = self.dbs[db].local.get(key)
            if value is not None and value is not MISSING and is_large(value):
                owners.append(self.dbs[db].owner_of(key))
        return max(owners, key=owners.count) if owners else -1

    def _add(self, parts: dict, key, command: cython.int, db: cython.int, raw: bytes, shard: cython.int = -1):
        """One entry (cluster/frames.py) more for a shard: the owner of a key, or this one."""
        staged: StagedDatabase = self.dbs[db]
        if shard < 0:
            shard = staged.shard if key is None else staged.owner(key)
        part: Buffer = parts.get(shard)
        head: cython.p_char
        if part is None:
            part = parts[shard] = Buffer(256)
        part.reserve(12)
        head = part.data + part.size
        cython.cast(cython.pointer(cython.uint), head)[0] = cython.cast(cython.uint, PyBytes_GET_SIZE(raw))
        cython.cast(cython.pointer(cython.ushort), head + 4)[0] = cython.cast(cython.ushort, command)
        head[6] = db
        cython.cast(cython.p_uchar, head)[7] = HUSHED
        cython.cast(cython.pointer(cython.uint), head + 8)[0] = self.client
        part.size += 12
        part.append(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))

    def _add_value(self, parts: dict, index: cython.int, key: bytes):
        """Commands that give a key the value that it has in the staged database."""
        db: StagedDatabase = self.dbs[index]
        value: object = db.local.get(key)
        if value is None:
            return
        if value is MISSING:
            if key in db.absent:  # made and gone again: nothing to write, but watchers and caches hear of it, as in Redis
                self._add(parts, key, NOTIFY, index, encode(b"SHARD.NOTIFY", 0, b"", key))
            elif db.owner(key) != db.shard or db.real.find(key) is not None:
                self._add(parts, key, DEL, index, encode(b"DEL", key))
            return
        at_ms = db.times[key]
        if type(value) is bytes:
            words = [b"SET", key, value]
            if at_ms >= 0:
                words += [b"PXAT", at_ms]
            self._add(parts, key, SET, index, encode(*words))
        else:
            payload = dump(self.engine, value)
            raw = encode(b"RESTORE", key, max(at_ms, 0), payload, b"REPLACE", b"ABSTTL")
            self._add(parts, key, RESTORE, index, raw)


def staging_of(engine: Engine, ask, shares: bool, part=None):
    """A Staging for an operation; `end` gives it back."""
    found = engine.staging or Staging(engine)
    engine.staging = None  # while it is used
    found.ask = ask
    found.shares = shares
    found.part = part
    return found


def effect_keys(args):
    """Keys of one effect."""
    try:
        row = row_of(args)
    except KeyError:
        return []
    return [args[i] for i in row.key_indexes(args)]


def dump(engine, value) -> bytes:
    """The DUMP payload of a value."""
    from shard.rdb.writer import dump as dump_payload

    return dump_payload(value)


def pack_value(engine: Engine, key: bytes) -> list:
    """A key of the current database as it is lent: [kind, bytes, expiry in ms or -1]; no kind: it is not there."""
    value = engine.lookup(key)
    return [b"", b"", -1] if value is None else pack(engine, value, engine.expire_at(key))


def pack(engine: Engine, value: object, at_ms: int) -> list:
    """The same for a value that is there."""
    if type(value) is bytes:
        return [b"s", value, at_ms]
    return [b"d", dump(engine, value), at_ms]


def unpack_value(kind: bytes, raw: bytes):
    """The value that `pack_value` made bytes of."""
    if kind == b"s":
        return raw
    from shard.rdb.reader import restore as load_payload

    return load_payload(raw)


def owner_test(shards: int, index: int):
    """Whether a key belongs to shard `index` of `shards`."""
    owners = slot_map(shards)
    return lambda key: owners[slot_of(key)] == index
