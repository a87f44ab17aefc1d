"""Which keys operations over several shards hold here, and which commands may pass them. Compiled.

    HOLD k1 ... COMMIT      a command on other keys runs at once: it commutes with the operation
                            the first on k1, or about the whole keyspace, waits, and all behind it

The serial order stays the order of the link: an operation takes effect where its HOLD stands, since nothing
between its HOLD and its COMMIT sees or changes what it holds. Keys are held in all databases at once: COPY and MOVE
reach into another one. Invariant: a key is held by one operation at a time, and records are applied in the order
of their ids (a record that needs no hold waits for the holds before it, see docs/transactions.md).
"""

import cython
from cython.cimports.cluster.wire import read_number, slot, slot_of_bytes, split_command
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.libc.string import memchr, memcpy, memset

from cluster.command_table import BY_ID, row_of
from cluster.command_table.model import Range
from cluster.wire import parse_command

# How a command's keys are found: what it may touch without their being held.
ALL = cython.declare(cython.int, 0)  # anything: it waits for every hold
FIRST = cython.declare(cython.int, 1)  # its first argument
KEYS = cython.declare(cython.int, 2)  # where its row says
NONE = cython.declare(cython.int, 3)  # no key
HOLD = cython.declare(cython.int, 4)  # where its row says, or everything
UNIT = cython.declare(cython.int, 5)  # those of its entries, or of this shard's part of its record
PART = cython.declare(cython.int, 6)  # those of this shard's part of its record
BLOCK = cython.declare(cython.int, 7)  # those of the command inside it

_OF_ROUTERS = {
    "SHARD.HOLD": 4,
    "SHARD.TXN": 5,
    "SHARD.PREPARE": 6,
    "SHARD.BLOCK": 7,
    "SHARD.UNWATCH": 3,
    "SHARD.UNBLOCK": 3,
    "SHARD.RETRIED": 3,
    "SHARD.INFO": 3,
    "SHARD.SLOWLOG": 3,
    "SHARD.TRACK": 3,  # what an operation has read is noted while it holds it
}


def _rule(row) -> int:
    if row.name in _OF_ROUTERS:
        return _OF_ROUTERS[row.name]
    if row.keys is None or row.group in ("scripting", "python"):
        return 0
    if isinstance(row.keys, Range) and row.keys.first == row.keys.last == 1:
        return 1
    return 2


RULES = cython.declare(cython.int[2048])
# Where the keys of a row with a range of them stand; a step of 0: another kind of row.
FIRSTS = cython.declare(cython.int[2048])
LASTS = cython.declare(cython.int[2048])
STEPS = cython.declare(cython.int[2048])


def _fill():
    for row in BY_ID:
        RULES[cython.cast(cython.int, row.id)] = _rule(row)
        STEPS[cython.cast(cython.int, row.id)] = 0
        if isinstance(row.keys, Range):
            FIRSTS[cython.cast(cython.int, row.id)] = row.keys.first
            LASTS[cython.cast(cython.int, row.id)] = row.keys.last
            STEPS[cython.cast(cython.int, row.id)] = row.keys.step


_fill()


@cython.cclass
class Holds:
    """The operations that hold something here.

    operations: id -> (its keys, whether it will commit a record), or the one key that its record will write; its keys are
    None where it holds everything.
    keys: held key -> how often. count: operations; whole, recording: those that hold everything, that will commit.
    prepared: id -> the record that it will commit, if that is known already. cancelled: ended before their HOLD was
    reached.
    """

    def __init__(self, watching):
        """`watching`: a shard.watching.Watching; a transaction looks at the keys that its client watches."""
        self.watching = watching
        self.clear()

    def clear(self):
        """Nothing is held."""
        self.operations = {}
        self.prepared = {}
        self.keys = {}
        self.cancelled = set()
        self.count = self.whole = self.recording = 0
        memset(cython.address(self.slots[0]), 0, cython.sizeof(cython.uint) * 16384)

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def take(self, operation: bytes, keys: object, record: cython.bint) -> cython.int:
        """An operation holds these keys (None: everything) until `release`, unless that has come already."""
        if operation in self.cancelled:
            self.cancelled.discard(operation)
            self.prepared.pop(operation, None)
            return 0
        self.operations[operation] = (keys, record)
        self.count += 1
        self.recording += record
        if keys is None:
            self.whole += 1
            return 0
        for key in keys:
            self.keys[key] = self.keys.get(key, 0) + 1
            self.slots[slot(key)] += 1
        return 0

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def take_one(self, operation: bytes, key: bytes) -> cython.int:
        """The same for one key, which a record will write."""
        if operation in self.cancelled:
            return self.take(operation, (key,), True)
        self.operations[operation] = key
        self.count += 1
        self.recording += 1
        self.keys[key] = self.keys.get(key, 0) + 1
        self.slots[slot(key)] += 1
        return 0

    @cython.ccall
    @cython.exceptval(-1, check=True)
    def release(self, operation: bytes) -> cython.int:
        """End a hold. An ABORT overtakes what waits, and so perhaps its HOLD: that one must not hold any more."""
        if self.prepared:
            self.prepared.pop(operation, None)
        found: object = self.operations.pop(operation, None)
        if found is None:
            self.cancelled.add(operation)
            return 0
        self.count -= 1
        if type(found) is bytes:
            self.recording -= 1
            return self._free(found)
        keys: object
        record: cython.bint
        keys, record = found
        self.recording -= record
        if keys is None:
            self.whole -= 1
            return 0
        for key in keys:
            self._free(key)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _free(self, key: bytes) -> cython.int:
        left: cython.int = self.keys[key] - 1
        if left:
            self.keys[key] = left
        else:
            del self.keys[key]
        self.slots[slot(key)] -= 1
        return 0

    def holds(self, key: bytes) -> bool:
        """Whether a key is held."""
        return self.whole > 0 or key in self.keys

    def holds_any(self, args: list) -> bool:
        """Whether a command's keys, of which there are some, are held."""
        if not self.count:
            return False
        return self.whole > 0 or any(args[at] in self.keys for at in row_of(args).key_indexes(args))

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def blocks(
        self, command: cython.int, raw: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.int:
        """Whether an entry must wait; only asked while something is held."""
        rule: cython.int = RULES[command]
        args: list
        if rule == NONE:
            return 0
        if self.whole or rule == ALL:
            return 1
        if rule == FIRST:
            return self._blocks_first(raw, size)
        if (rule == KEYS or rule == HOLD) and STEPS[command]:
            return self._blocks_range(command, raw, size)
        args = split_command(raw, size)
        if rule == KEYS:
            found: list = BY_ID[command].key_indexes(args)
            if not found:
                return 1
            for at in found:
                if self._is_held(args[at]):
                    return 1
            return 0
        if rule == BLOCK:
            return self.holds_any(parse_command(args[2]))
        if self._watches_held(args[1 if rule == UNIT else 2]):
            return 1
        if rule == UNIT and args[2] == b"E":
            return self._blocks_entries(args[3])
        if rule == UNIT and self.recording:
            return 1  # records are applied in the order of their ids
        return self._blocks_entries(own_part(args[3], self.shard))

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _watches_held(self, watcher: bytes) -> cython.int:
        """Whether a client, if there is one, watches a held key."""
        if watcher:
            for place in self.watching.watched.get(int(watcher), ()):
                if self._is_held(place[1]):
                    return 1
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _blocks_range(
        self, command: cython.int, raw: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t
    ) -> cython.int:
        """The same for a command whose row has a range of keys. A HOLD, which is one, waits for more: as a whole one for
        any hold, and for those of the keys that its client watches."""
        at: cython.Py_ssize_t = 1
        argc: cython.Py_ssize_t = read_number(raw, size, cython.address(at))
        last: cython.Py_ssize_t = LASTS[command] if LASTS[command] >= 0 else argc + LASTS[command]
        is_hold: cython.bint = RULES[command] == HOLD
        length: cython.Py_ssize_t
        i: cython.Py_ssize_t
        if last < FIRSTS[command] and not is_hold:
            return 1
        for i in range(argc):
            at += 1
            length = read_number(raw, size, cython.address(at))
            if length < 0 or at + length > size:
                return 1
            if is_hold and i == 2 and length and self._watches_held(PyBytes_FromStringAndSize(raw + at, length)):
                return 1
            if is_hold and i == 3 and length and memchr(raw + at, 87, length) != cython.NULL:  # W
                return 1
            if FIRSTS[command] <= i <= last and (i - FIRSTS[command]) % STEPS[command] == 0:
                if self._is_held_at(raw + at, length):
                    return 1
            at += length + 2
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _is_held_at(self, key: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.int:
        if not self.slots[slot_of_bytes(cython.cast(cython.pointer(cython.const[cython.uchar]), key), size)]:
            return 0
        return PyBytes_FromStringAndSize(key, size) in self.keys

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _is_held(self, key: bytes) -> cython.int:
        return self.slots[slot(key)] > 0 and key in self.keys

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _blocks_first(self, raw: cython.pointer(cython.const[cython.char]), size: cython.Py_ssize_t) -> cython.int:
        """The same for a command on the key behind its name."""
        at: cython.Py_ssize_t = 0
        length: cython.Py_ssize_t = 0
        skip: cython.int
        for skip in range(3):  # behind the count, the name's length, the name
            line = cython.cast(cython.p_char, memchr(raw + at, 10, size - at))
            if line == cython.NULL:
                return 1
            at = line - raw + 1
        if at >= size or raw[at] != 36:
            return 1
        at += 1
        while at < size and 48 <= raw[at] <= 57:
            length = length * 10 + (raw[at] - 48)
            at += 1
        at += 2
        if length > size - at:
            return 1
        return self._is_held_at(raw + at, length)

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def _blocks_entries(self, entries: bytes) -> cython.int:
        data: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(entries)
        size: cython.Py_ssize_t = PyBytes_GET_SIZE(entries)
        at: cython.Py_ssize_t = 0
        length: cython.uint = 0
        command: cython.ushort = 0
        while at + 12 <= size:
            memcpy(cython.address(length), data + at, 4)
            memcpy(cython.address(command), data + at + 4, 2)
            if self.blocks(command, data + at + 12, length):
                return 1
            at += 12 + length
        return 0


def keys_of(entries: bytes) -> object:
    """The keys of packed entries (cluster/frames.py), None when one may touch any."""
    data: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(entries)
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(entries)
    at: cython.Py_ssize_t = 0
    length: cython.uint = 0
    command: cython.ushort = 0
    args: list
    found: set = set()
    while at + 12 <= size:
        memcpy(cython.address(length), data + at, 4)
        memcpy(cython.address(command), data + at + 4, 2)
        if RULES[command] != FIRST and RULES[command] != KEYS:
            return None
        args = split_command(data + at + 12, length)
        if RULES[command] == FIRST and len(args) > 1:
            found.add(args[1])
        else:
            found.update([args[i] for i in BY_ID[command].key_indexes(args)])
        at += 12 + length
    return found


@cython.cfunc
@cython.exceptval(-1, check=True)
def part_at(blob: bytes, shard: cython.int, length: cython.pointer(cython.Py_ssize_t)) -> cython.Py_ssize_t:
    """Where this shard's entries are in a packed record (cluster/records.py). ValueError if it has none here."""
    data: cython.pointer(cython.const[cython.char]) = PyBytes_AS_STRING(blob)
    size: cython.Py_ssize_t = PyBytes_GET_SIZE(blob)
    at: cython.Py_ssize_t = 22
    owner: cython.ushort = 0
    part: cython.uint = 0
    count: cython.ushort = 0
    i: cython.int
    if size >= at:
        memcpy(cython.address(count), data + 20, 2)
    for i in range(count):
        if at + 6 > size:
            break
        memcpy(cython.address(owner), data + at, 2)
        memcpy(cython.address(part), data + at + 2, 4)
        at += 6
        if at + part > size:
            break
        if owner == shard:
            length[0] = part
            return at
        at += part
    raise ValueError("a record without a part for this shard")


@cython.cfunc
def own_part(blob: bytes, shard: cython.int) -> bytes:
    """This shard's entries in a packed record. ValueError if it has none here."""
    size: cython.Py_ssize_t = 0
    at: cython.Py_ssize_t = part_at(blob, shard, cython.address(size))
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(blob) + at, size)
