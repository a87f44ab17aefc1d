"""What clients WATCH, and whether the router itself can say that nobody has touched it. Compiled; no I/O.

The router is the sequencer: whatever writes, passes here. While some client watches, it notes for each slot when something
that may write there was sent. An EXEC over several shards whose slots have seen nothing since their WATCH needs nobody's
consent: it goes in one hop, as if nothing were watched. Otherwise the shards are asked, who know better (a write that
changed nothing is no touch, nor is one to another key of the slot): PREPARE, then commit (router/operation.py).

What a shard does by itself is not seen here: expiry (shards say with the WATCH whether a key has one), eviction, and
what blocked clients get that have waited since before (`may_have_written`, when such a wait ends).

A WATCH that the same read of a client follows up with its EXEC, and nothing between but what it queues, is never told to
the shards: nothing can come in between (`Watch.untold`).
"""

import cython
from cython.cimports.cluster.wire import read_number, slot, slot_of_bytes, split_command
from cython.cimports.libc.string import memcpy
from cython.cimports.router.connection import Parts

from cluster.command_table import BY_ID, row_of
from cluster.command_table.model import F, Range
from cluster.wire import parse_command

# What an entry of a batch may write.
NOTHING = cython.declare(cython.int, 0)
KEYS = cython.declare(cython.int, 1)  # the keys of its row
ANYTHING = cython.declare(cython.int, 2)
UNIT = cython.declare(cython.int, 3)  # what its entries, or the parts of its record, write
HOLD = cython.declare(cython.int, 4)  # the keys that it holds, if it will commit a record
RECORD = cython.declare(cython.int, 5)  # what the parts of its record write
BLOCK = cython.declare(cython.int, 6)  # the keys of the command inside it

# Of what only routers say. A COMMIT writes what its HOLD holds, and WATCH of a held key comes after it. A waiter that an UNBLOCK
# takes away may have been the first of a key whose element the next one gets then.
_OF_ROUTERS = {"SHARD.TXN": 3, "SHARD.HOLD": 4, "SHARD.PREPARE": 5, "SHARD.BLOCK": 6}
_HARMLESS = frozenset(
    f"SHARD.{name}"
    for name in (
        "WATCH UNWATCH COMMIT ABORT BORROW RUN LEND PULL PUSH SEEN ADOPT AWAIT LASTIDS TRACK NOTIFY INFO SLOWLOG"
        " SCAN RANDOMKEY SCRIPTS CONFIG SAVE REWRITE SNAPSHOT ROLE PLACE"
    ).split()
)


@cython.cfunc
@cython.exceptval(-1, check=True)
def _rule(row: object) -> cython.int:
    if row.flags & F.INTERNAL:
        return 0 if row.name in _HARMLESS else _OF_ROUTERS.get(row.name, 2)
    if row.flags & F.READONLY and not row.flags & (F.WRITE | F.MAY_REPLICATE):
        return 0
    if isinstance(row.keys, Range) and row.group not in ("scripting", "python") and not row.whole:
        return 1
    return 2


RULES = cython.declare(cython.int[2048])
FIRSTS = cython.declare(cython.int[2048])
LASTS = cython.declare(cython.int[2048])
STEPS = cython.declare(cython.int[2048])


def _fill():
    number: cython.int
    for row in BY_ID:
        number = row.id
        RULES[number] = _rule(row)
        if RULES[number] == KEYS:
            FIRSTS[number], LASTS[number], STEPS[number] = row.keys.first, row.keys.last, row.keys.step


_fill()


@cython.cclass
class Watch(Parts):
    """What one client watches, and what shards say of it.

    places: (database, key). shards: those that have been told. untold: places that they have not been told of yet.
    broken: one of them was restarted, so what has happened is not known. waiting: shards that have not answered yet.
    expires: a key may go by itself. mark: `Watches.now` when the shards were told first.
    """

    def __init__(self):
        self.places = set()
        self.shards = set()
        self.untold = []

    def __len__(self):
        """How many keys."""
        return len(self.places.union(self.untold))

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def arrived(
        self, shard: cython.int, data: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.int:
        """A shard watches, and says how many of its keys expire."""
        self.waiting -= 1
        if data == cython.NULL or size < 2 or data[0] != 58 or data[1] != 48:
            self.expires = True
        return 0


@cython.cclass
class Watches:
    """open: clients that the shards watch keys for. evicting: shards may evict keys. now: grows with each entry that may
    have written; slots, anything: `now` at the last one that may have written a slot, or any of them."""

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def begin(self, watch: Watch) -> cython.int:
        """Shards are about to be told of it."""
        if not watch.begun:
            watch.begun = True
            watch.mark = self.now
            self.open += 1
        return 0

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def end(self, watch: Watch) -> cython.int:
        """Its EXEC is here, or will not come."""
        if watch.begun:
            watch.begun = False
            self.open -= 1
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def untouched(self, watch: Watch) -> cython.bint:
        """Whether all shards would say that nothing of it was touched."""
        if self.evicting or watch.broken or watch.expires or watch.waiting or self.anything > watch.mark:
            return False
        for place in watch.places:
            if self.slots[slot(place[1])] > watch.mark:
                return False
        return True

    def may_have_written(self):
        """Something happens that is not an entry with its keys."""
        self.now += 1
        self.anything = self.now

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def note(
        self, command: cython.int, raw: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.int:
        """An entry goes to a shard; only asked while somebody watches."""
        rule: cython.int = RULES[command]
        at: cython.Py_ssize_t = 1
        length: cython.Py_ssize_t
        i: cython.Py_ssize_t
        argc: cython.Py_ssize_t
        last: cython.Py_ssize_t
        if rule == NOTHING:
            return 0
        self.now += 1
        if rule == KEYS:
            argc = read_number(raw, size, cython.address(at))
            last = LASTS[command] if LASTS[command] >= 0 else argc + LASTS[command]
            for i in range(min(argc, last + 1)):
                at += 1
                length = read_number(raw, size, cython.address(at))
                if i >= FIRSTS[command] and (i - FIRSTS[command]) % STEPS[command] == 0:
                    self.slots[slot_of_bytes(cython.cast(cython.pointer(cython.const[cython.uchar]), raw + at), length)] = self.now
                at += length + 2
        elif rule == UNIT or rule == RECORD:
            self._note_unit(raw, size, rule == UNIT)
        elif rule == HOLD:
            self._note_hold(raw, size)
        elif rule == BLOCK:
            self._note_keys(parse_command(split_command(raw, size)[2]))
        else:
            self.anything = self.now
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _note_entries(self, raw: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.int:
        at: cython.Py_ssize_t = 0
        length: cython.uint = 0
        command: cython.ushort = 0
        while at + 12 <= size:
            memcpy(cython.address(length), raw + at, 4)
            memcpy(cython.address(command), raw + at + 4, 2)
            self.note(command, raw + at + 12, length)
            at += 12 + length
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _note_unit(
        self, raw: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t, may_be_entries: cython.bint
    ) -> cython.int:
        """SHARD.TXN watcher E entries | watcher R record, or SHARD.PREPARE op watcher record."""
        at: cython.Py_ssize_t = 1
        length: cython.Py_ssize_t = 0
        kind: cython.char = 0
        i: cython.int
        read_number(raw, size, cython.address(at))
        for i in range(4):
            at += 1
            length = read_number(raw, size, cython.address(at))
            if i == 2:
                kind = raw[at]
            if i < 3:
                at += length + 2
        if may_be_entries and kind == 69:  # E
            self._note_entries(raw + at, length)
        else:
            self._note_parts(raw + at)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _note_parts(self, blob: cython.pointer(cython.const[cython.char])) -> cython.int:
        """A packed record (cluster/records.py): the parts of all shards."""
        at: cython.Py_ssize_t = 22
        length: cython.uint = 0
        count: cython.ushort = 0
        i: cython.int
        memcpy(cython.address(count), blob + 20, 2)
        for i in range(count):
            memcpy(cython.address(length), blob + at + 2, 4)
            self._note_entries(blob + at + 6, length)
            at += 6 + length
        return 0

    def _note_keys(self, args: list):
        """A whole command."""
        for at in row_of(args).key_indexes(args):
            self.slots[slot(args[at])] = self.now

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _note_hold(self, raw: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.int:
        """SHARD.HOLD op watcher how [db key ...]."""
        words: list = split_command(raw, size)
        at: cython.Py_ssize_t = 5
        if b"W" in words[3]:
            self.anything = self.now
        if b"R" in words[3]:
            while at < len(words):
                self.slots[slot(words[at])] = self.now
                at += 2
        return 0
