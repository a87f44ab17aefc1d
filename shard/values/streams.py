"""Streams: entries in packed nodes ordered by id, and consumer groups. Compiled.

    nodes: [first id, field names | entry entry entry ...] [...] ...
    entry: flags, id relative to the node's, length of what follows, values (or fields and values)

The field names of a node's first entry are kept once; an entry with the same names holds only
its values. A deleted entry is marked; a node without live entries is dropped. A range is a
binary search for its node and then a walk. Nodes end where Redis's end (4096 bytes or 100
entries, `set_limits`), so that `MAXLEN ~` removes the same entries as in Redis.
Invariants: ids ascend; the first entry of the first node that `start` points to is live.
"""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cython.cimports.libc.string import memcmp, memcpy, memmove, memset
from cython.cimports.shard.values.pending import Group, u64

DELETED = cython.declare(cython.int, 1)
SAME_FIELDS = cython.declare(cython.int, 2)
MAX_ID = cython.declare(u64, 0xFFFFFFFFFFFFFFFF)
LIMITS = cython.declare(cython.longlong[2])
LIMITS[0] = 4096
LIMITS[1] = 100


def set_limits(node_bytes: int, node_entries: int) -> None:
    """stream-node-max-bytes and stream-node-max-entries; 0 means no limit."""
    LIMITS[0] = node_bytes
    LIMITS[1] = node_entries


def get_limits() -> tuple:
    """(bytes, entries) of a node."""
    return LIMITS[0], LIMITS[1]


@cython.cfunc
@cython.exceptval(check=False)
def node_entries() -> cython.longlong:
    """How many entries a node may have, 0 or less: any number."""
    return LIMITS[1]


@cython.ccall
def id_text(ms: u64, seq: u64) -> bytes:
    """`ms-seq`"""
    text: cython.char[48]
    at: cython.int = 48
    while True:
        at -= 1
        text[at] = cython.cast(cython.char, 48 + seq % 10)
        seq //= 10
        if seq == 0:
            break
    at -= 1
    text[at] = 45
    while True:
        at -= 1
        text[at] = cython.cast(cython.char, 48 + ms % 10)
        ms //= 10
        if ms == 0:
            break
    return PyBytes_FromStringAndSize(cython.address(text[at]), 48 - at)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _number(data: cython.pointer(cython.uchar), at: cython.pointer(cython.uint)) -> u64:
    """Read a varint and step over it."""
    value: u64 = 0
    shift: cython.int = 0
    part: cython.uchar
    while True:
        part = data[at[0]]
        at[0] += 1
        value |= cython.cast(u64, part & 127) << shift
        if part < 128:
            return value
        shift += 7


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _put(data: cython.pointer(cython.uchar), at: cython.uint, value: u64) -> cython.uint:
    """Write a varint; the offset after it."""
    while value > 127:
        data[at] = cython.cast(cython.uchar, (value & 127) | 128)
        at += 1
        value >>= 7
    data[at] = cython.cast(cython.uchar, value)
    return at + 1


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _width(value: u64) -> cython.uint:
    width: cython.uint = 1
    while value > 127:
        value >>= 7
        width += 1
    return width


@cython.cfunc
@cython.exceptval(check=False)
def _read(node: cython.pointer(Node), at: cython.uint, entry: cython.pointer(Entry)) -> cython.void:
    """Decode the head of the entry at an offset."""
    delta: u64
    size: u64
    entry.flags = node.data[at]
    at += 1
    delta = _number(node.data, cython.address(at))
    entry.ms = node.ms + delta
    entry.seq = _number(node.data, cython.address(at))
    if delta == 0:
        entry.seq += node.seq
    size = _number(node.data, cython.address(at))
    entry.body = at
    entry.next = at + cython.cast(cython.uint, size)


@cython.cclass
class StreamValue:
    """A stream. Ids are (ms, seq), two unsigned 64-bit numbers."""

    type_name = b"stream"

    def __init__(self):
        self.groups = {}

    def __dealloc__(self):
        i: cython.int
        for i in range(self.used):
            PyMem_Free(self.nodes[i].data)
            PyMem_Free(self.nodes[i])
        PyMem_Free(self.nodes)

    def __len__(self):
        return self.length

    def encoding(self, limits=None) -> bytes:
        """Redis's name of the form."""
        return b"stream"

    @property
    def last_id(self):
        """(ms, seq) of the newest entry that ever was."""
        return self.last_ms, self.last_seq

    @property
    def max_deleted_id(self):
        """(ms, seq) of the highest entry that XDEL removed."""
        return self.deleted_ms, self.deleted_seq

    @property
    def first_id(self):
        """(ms, seq) of the first entry, (0, 0) if there is none."""
        ms: u64 = 0
        seq: u64 = 0
        self.first(cython.address(ms), cython.address(seq))
        return ms, seq

    # -- writing -----------------------------------------------------------------------

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def append(self, ms: u64, seq: u64, fields: list, first: cython.Py_ssize_t) -> cython.int:
        """Add an entry with fields[first:] = [field, value, ...]; its id must be above last_id."""
        node: cython.pointer(Node) = cython.NULL
        size: cython.Py_ssize_t = 0
        i: cython.Py_ssize_t
        part: bytes
        same: cython.bint
        at: cython.uint
        delta: u64
        number: u64
        step: cython.int
        for i in range(first, len(fields)):
            part = fields[i]
            size += PyBytes_GET_SIZE(part)
        if self.used > 0:
            node = self.nodes[self.used - 1]
        if node == cython.NULL or not self.fits(node, fields, first, size):
            self.start_node(ms, seq, fields, first)
            node = self.nodes[self.used - 1]
        same = self.same_fields(node, fields, first)
        step = 2 if same else 1
        size = 0 if same else _width((len(fields) - first) // 2)
        for i in range(first + (1 if same else 0), len(fields), step):
            part = fields[i]
            size += PyBytes_GET_SIZE(part) + _width(PyBytes_GET_SIZE(part))
        self.need(node, size + 40)
        at = node.used
        node.data[at] = SAME_FIELDS if same else 0
        delta = ms - node.ms
        number = seq if delta else seq - node.seq
        at = _put(node.data, at + 1, delta)
        at = _put(node.data, at, number)
        at = _put(node.data, at, size)
        if not same:
            at = _put(node.data, at, (len(fields) - first) // 2)
        for i in range(first + (1 if same else 0), len(fields), step):
            part = fields[i]
            size = PyBytes_GET_SIZE(part)
            at = _put(node.data, at, size)
            memcpy(node.data + at, PyBytes_AS_STRING(part), size)
            at += size
        node.used = at
        node.total += 1
        node.live += 1
        node.last_ms = ms
        node.last_seq = seq
        self.length += 1
        self.added += 1
        self.last_ms = ms
        self.last_seq = seq
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def fits(self, node: cython.pointer(Node), fields: list, first: cython.Py_ssize_t, size: cython.Py_ssize_t) -> cython.bint:
        if LIMITS[1] > 0 and node.total >= LIMITS[1]:
            return False
        if size > (1 << 29):
            return False
        return LIMITS[0] <= 0 or node.used + size < LIMITS[0]

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def start_node(self, ms: u64, seq: u64, fields: list, first: cython.Py_ssize_t) -> cython.int:
        """Append an empty node whose shared field names are those of its first entry."""
        pointer: cython.p_void
        node: cython.pointer(Node)
        wider: cython.int
        i: cython.Py_ssize_t
        size: cython.Py_ssize_t
        part: bytes
        if self.used > 0:  # The node before is full: give back what it does not need.
            node = self.nodes[self.used - 1]
            pointer = PyMem_Realloc(node.data, node.used)
            if pointer != cython.NULL:
                node.data = cython.cast(cython.pointer(cython.uchar), pointer)
                node.room = node.used
        if self.used == self.room:
            wider = self.room + self.room // 4 + 1
            pointer = PyMem_Realloc(self.nodes, wider * cython.sizeof(cython.p_void))
            if pointer == cython.NULL:
                raise MemoryError
            self.nodes = cython.cast(cython.pointer(cython.pointer(Node)), pointer)
            self.room = wider
        node = cython.cast(cython.pointer(Node), PyMem_Malloc(cython.sizeof(Node)))
        if node == cython.NULL:
            raise MemoryError
        memset(node, 0, cython.sizeof(Node))
        self.nodes[self.used] = node
        self.used += 1
        node.ms = ms
        node.seq = seq
        node.fields = cython.cast(cython.uint, (len(fields) - first) // 2)
        for i in range(first, len(fields), 2):
            part = fields[i]
            size = PyBytes_GET_SIZE(part)
            self.need(node, size + 10)
            node.used = _put(node.data, node.used, size)
            memcpy(node.data + node.used, PyBytes_AS_STRING(part), size)
            node.used += cython.cast(cython.uint, size)
        node.start = node.used
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def need(self, node: cython.pointer(Node), extra: cython.Py_ssize_t) -> cython.int:
        """Make room for `extra` bytes at a node's end."""
        wanted: cython.Py_ssize_t = node.used + extra
        pointer: cython.p_void
        if wanted <= node.room:
            return 0
        wanted += node.used // 2
        pointer = PyMem_Realloc(node.data, wanted)
        if pointer == cython.NULL:
            raise MemoryError
        node.data = cython.cast(cython.pointer(cython.uchar), pointer)
        node.room = cython.cast(cython.uint, wanted)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def same_fields(self, node: cython.pointer(Node), fields: list, first: cython.Py_ssize_t) -> cython.bint:
        at: cython.uint = 0
        i: cython.Py_ssize_t
        size: u64
        part: bytes
        if cython.cast(cython.Py_ssize_t, node.fields) != (len(fields) - first) // 2:
            return False
        for i in range(first, len(fields), 2):
            part = fields[i]
            size = _number(node.data, cython.address(at))
            if size != cython.cast(u64, PyBytes_GET_SIZE(part)):
                return False
            if memcmp(node.data + at, PyBytes_AS_STRING(part), size) != 0:
                return False
            at += cython.cast(cython.uint, size)
        return True

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def mark(self, at: cython.int, offset: cython.uint) -> cython.int:
        """Delete the live entry at an offset of a node. The node may go."""
        node: cython.pointer(Node) = self.nodes[at]
        entry: Entry
        self.length -= 1
        node.live -= 1
        if node.live == 0:
            return self.drop_node(at)
        node.data[offset] |= DELETED
        while node.data[node.start] & DELETED:
            _read(node, node.start, cython.address(entry))
            node.start = entry.next
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def drop_node(self, at: cython.int) -> cython.int:
        PyMem_Free(self.nodes[at].data)
        PyMem_Free(self.nodes[at])
        self.used -= 1
        memmove(self.nodes + at, self.nodes + at + 1, (self.used - at) * cython.sizeof(cython.p_void))
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def discard(self, ms: u64, seq: u64) -> cython.bint:
        """Remove an entry; whether it was there. Says nothing to max_deleted_id."""
        at: cython.int = self.node_at(ms, seq)
        offset: cython.uint
        entry: Entry
        if at >= self.used:
            return False
        offset = self.nodes[at].start
        while offset < self.nodes[at].used:
            _read(self.nodes[at], offset, cython.address(entry))
            if entry.ms == ms and entry.seq == seq:
                if entry.flags & DELETED:
                    return False
                self.mark(at, offset)
                return True
            offset = entry.next
        return False

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def trim_length(self, length: cython.Py_ssize_t, about: cython.bint, limit: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Remove the oldest entries down to a length; how many. `about`: whole nodes only, and
        no more than `limit` entries (0: no limit)."""
        return self.cut(True, length, 0, 0, about, limit)

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def trim_below(self, ms: u64, seq: u64, about: cython.bint, limit: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Remove the entries below an id; like `trim_length`."""
        return self.cut(False, 0, ms, seq, about, limit)

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def cut(
        self, by_length: cython.bint, length: cython.Py_ssize_t, ms: u64, seq: u64, about: cython.bint, limit: cython.Py_ssize_t
    ) -> cython.Py_ssize_t:
        removed: cython.Py_ssize_t = 0
        nodes: cython.int = 0
        node: cython.pointer(Node)
        entry: Entry
        whole: cython.bint
        i: cython.int
        while nodes < self.used:
            if by_length and self.length <= length:
                break
            node = self.nodes[nodes]
            if limit and removed + node.live > limit:
                break
            if by_length:
                whole = self.length - node.live >= length
            else:
                whole = node.last_ms < ms or (node.last_ms == ms and node.last_seq < seq)
            if not whole:
                break
            removed += node.live
            self.length -= node.live
            nodes += 1
        for i in range(nodes):
            PyMem_Free(self.nodes[i].data)
            PyMem_Free(self.nodes[i])
        self.used -= nodes
        if nodes:
            memmove(self.nodes, self.nodes + nodes, self.used * cython.sizeof(cython.p_void))
        while not about and self.used > 0:
            node = self.nodes[0]
            _read(node, node.start, cython.address(entry))
            if by_length:
                if self.length <= length:
                    break
            elif entry.ms > ms or (entry.ms == ms and entry.seq >= seq):
                break
            self.mark(0, node.start)
            removed += 1
        return removed

    # -- reading -----------------------------------------------------------------------

    @cython.cfunc
    @cython.exceptval(check=False)
    def node_at(self, ms: u64, seq: u64) -> cython.int:
        """The first node that may hold ids from this one on; `used` if none."""
        low: cython.int = 0
        high: cython.int = self.used
        middle: cython.int
        while low < high:
            middle = (low + high) >> 1
            if self.nodes[middle].last_ms < ms or (
                self.nodes[middle].last_ms == ms and self.nodes[middle].last_seq < seq
            ):
                low = middle + 1
            else:
                high = middle
        return low

    @cython.cfunc
    @cython.exceptval(check=False)
    def first(self, ms: cython.pointer(u64), seq: cython.pointer(u64)) -> cython.bint:
        """The first entry's id; whether there is one."""
        entry: Entry
        if self.used == 0:
            return False
        _read(self.nodes[0], self.nodes[0].start, cython.address(entry))
        ms[0] = entry.ms
        seq[0] = entry.seq
        return True

    @cython.cfunc
    def fields_of(self, node: cython.pointer(Node), entry: cython.pointer(Entry)) -> list:
        """[field, value, ...] of an entry."""
        found: list = []
        names: cython.uint = 0
        at: cython.uint = entry.body
        count: u64
        i: u64
        size: cython.uint
        if entry.flags & SAME_FIELDS:
            for i in range(node.fields):
                size = cython.cast(cython.uint, _number(node.data, cython.address(names)))
                found.append(PyBytes_FromStringAndSize(cython.cast(cython.p_char, node.data + names), size))
                names += size
                size = cython.cast(cython.uint, _number(node.data, cython.address(at)))
                found.append(PyBytes_FromStringAndSize(cython.cast(cython.p_char, node.data + at), size))
                at += size
            return found
        count = _number(node.data, cython.address(at)) * 2
        for i in range(count):
            size = cython.cast(cython.uint, _number(node.data, cython.address(at)))
            found.append(PyBytes_FromStringAndSize(cython.cast(cython.p_char, node.data + at), size))
            at += size
        return found

    @cython.cfunc
    def get(self, ms: u64, seq: u64) -> list:
        """[field, value, ...] of a live entry, or None."""
        at: cython.int = self.node_at(ms, seq)
        offset: cython.uint
        entry: Entry
        if at >= self.used:
            return None
        offset = self.nodes[at].start
        while offset < self.nodes[at].used:
            _read(self.nodes[at], offset, cython.address(entry))
            if entry.ms == ms and entry.seq == seq:
                return None if entry.flags & DELETED else self.fields_of(self.nodes[at], cython.address(entry))
            offset = entry.next
        return None

    @cython.cfunc
    def collect(
        self, ms: u64, seq: u64, to_ms: u64, to_seq: u64, count: cython.Py_ssize_t, reverse: cython.bint
    ) -> list:
        """[[b"ms-seq", [field, value, ...]] ...] from the first id to the second, both included,
        upwards, or downwards from the second if reverse; `count` at most if it is not negative."""
        found: list = []
        at: cython.int = self.node_at(to_ms, to_seq) if reverse else self.node_at(ms, seq)
        node: cython.pointer(Node)
        entry: Entry
        offset: cython.uint
        offsets: list
        if reverse and at == self.used:
            at -= 1
        while 0 <= at < self.used and count != 0:
            node = self.nodes[at]
            if not reverse and (node.ms > to_ms or (node.ms == to_ms and node.seq > to_seq)):
                break
            if reverse and (node.last_ms < ms or (node.last_ms == ms and node.last_seq < seq)):
                break
            offset = node.start
            offsets = []
            while offset < node.used:
                _read(node, offset, cython.address(entry))
                if entry.ms > to_ms or (entry.ms == to_ms and entry.seq > to_seq):
                    break
                if not entry.flags & DELETED and (entry.ms > ms or (entry.ms == ms and entry.seq >= seq)):
                    if reverse:
                        offsets.append(offset)
                    else:
                        found.append([id_text(entry.ms, entry.seq), self.fields_of(node, cython.address(entry))])
                        count -= 1
                        if count == 0:
                            break
                offset = entry.next
            if reverse:
                while offsets and count != 0:
                    _read(node, offsets.pop(), cython.address(entry))
                    found.append([id_text(entry.ms, entry.seq), self.fields_of(node, cython.address(entry))])
                    count -= 1
                at -= 1
            else:
                at += 1
        return found

    # -- for Python callers --------------------------------------------------------------

    def add(self, entry_id, fields: list) -> None:
        """Append an entry: (ms, seq) above last_id, [field, value, ...] not empty."""
        self.append(entry_id[0], entry_id[1], fields, 0)

    def remove(self, entry_id) -> bool:
        """Remove an entry; whether it was there. Sets no max_deleted_id."""
        return self.discard(entry_id[0], entry_id[1])

    def range(self, start=(0, 0), end=(MAX_ID, MAX_ID), count: int = -1, reverse: bool = False) -> list:
        """[[b"ms-seq", [field, value, ...]] ...], both ends included."""
        return self.collect(start[0], start[1], end[0], end[1], count, reverse)

    def nodes_of_entries(self):
        """The entries node by node: [((ms, seq), [field, value, ...]) ...] of the live ones."""
        entry: Entry
        offset: cython.uint
        at: cython.int = 0
        while at < self.used:
            found: list = []
            offset = self.nodes[at].start
            while offset < self.nodes[at].used:
                _read(self.nodes[at], offset, cython.address(entry))
                if not entry.flags & DELETED:
                    found.append(((entry.ms, entry.seq), self.fields_of(self.nodes[at], cython.address(entry))))
                offset = entry.next
            yield found
            at += 1

    def __iter__(self):
        """((ms, seq), [field, value, ...]) in order. The stream must not change meanwhile."""
        for found in self.nodes_of_entries():
            yield from found

    def node_count(self) -> int:
        """How many nodes the entries stand in."""
        return self.used

    def set_last_id(self, last_id, added=None, max_deleted=None) -> None:
        """Give the stream the counters that a loader or XSETID has for it."""
        self.last_ms, self.last_seq = last_id
        if added is not None:
            self.added = added
        if max_deleted is not None:
            self.deleted_ms, self.deleted_seq = max_deleted

    def create_group(self, name: bytes, last_id=(0, 0), entries_read: int = -1):
        """A new group, or None if there is one of this name."""
        if name in self.groups:
            return None
        group = self.groups[name] = Group(last_id, entries_read)
        return group

    def copy(self):
        """A stream of its own with the same entries, counters and groups."""
        other: StreamValue = StreamValue()
        for (ms, seq), fields in self:
            other.append(ms, seq, fields, 0)
        other.last_ms = self.last_ms
        other.last_seq = self.last_seq
        other.deleted_ms = self.deleted_ms
        other.deleted_seq = self.deleted_seq
        other.added = self.added
        for name, group in self.groups.items():
            other.groups[name] = group.copy()
        return other

    def memory(self) -> int:
        """Bytes that it takes."""
        total: cython.Py_ssize_t = 400 + self.room * 8
        i: cython.int
        for i in range(self.used):
            total += cython.sizeof(Node) + self.nodes[i].room
        for name, group in self.groups.items():
            total += 100 + len(name) + group.memory()
        return total

    def release(self, count: int) -> bool:
        """Free about `count` entries of a stream that is no longer used; whether it is empty."""
        left: cython.longlong = count
        while self.used > 0 and left > 0:
            left -= self.nodes[self.used - 1].total
            self.length -= self.nodes[self.used - 1].live
            self.drop_node(self.used - 1)
        return self.used == 0
