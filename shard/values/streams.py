"""Streams: entries in nodes ordered by id, and consumer groups. Compiled.

A range is a binary search for its node and then a walk; nodes are `stream_nodes`. A node without live entries is
dropped. Invariants: ids ascend; the first entry of the first node that `start` points to is live.
"""

import cython
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cython.cimports.libc.string import memmove
from cython.cimports.shard.values.pending import Group, u64
from cython.cimports.shard.values.stream_nodes import (
    DELETED,
    ID_ROOM,
    Entry,
    Node,
    free_node,
    give_fields,
    new_node,
    node_append,
    node_fits,
    read_entry,
    trim_node,
    write_id,
)
from cython.cimports.shard.values.taker import Taker

MAX_ID = cython.declare(u64, 0xFFFFFFFFFFFFFFFF)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _below(ms: u64, seq: u64, other_ms: u64, other_seq: u64) -> cython.bint:
    """Whether an id stands before another one."""
    return ms < other_ms or (ms == other_ms and seq < other_seq)


@cython.cfunc
@cython.exceptval(-1, check=False)
def give_entry(node: cython.pointer(Node), entry: cython.pointer(Entry), taker: Taker) -> cython.int:
    """Give [b"ms-seq", [field, value, ...]]."""
    text: cython.char[ID_ROOM]
    taker.open(2)
    taker.text(text, write_id(text, entry.ms, entry.seq))
    give_fields(node, entry, taker)
    return taker.close()


@cython.cclass
class StreamValue:
    """A stream. Ids are (ms, seq), two unsigned 64-bit numbers."""

    type_name = b"stream"

    def __init__(self):
        self.groups = {}

    def __dealloc__(self):
        i: cython.int
        for i in range(self.used):
            free_node(self.nodes[i])
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
        if self.used == 0 or not node_fits(self.nodes[self.used - 1], fields, first):
            self.start_node(ms, seq, fields, first)
        node_append(self.nodes[self.used - 1], ms, seq, fields, first)
        self.length += 1
        self.added += 1
        self.last_ms = ms
        self.last_seq = seq
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def start_node(self, ms: u64, seq: u64, fields: list, first: cython.Py_ssize_t) -> cython.int:
        """Append an empty node whose shared field names are those of its first entry."""
        pointer: cython.p_void
        wider: cython.int
        if self.used > 0:
            trim_node(self.nodes[self.used - 1])
        if self.used == self.room:
            wider = self.room + self.room // 4 + 1
            pointer = PyMem_Realloc(self.nodes, wider * cython.sizeof(cython.p_void))
            if pointer == cython.NULL:
                raise MemoryError
            self.nodes = cython.cast(cython.pointer(cython.pointer(Node)), pointer)
            self.room = wider
        self.nodes[self.used] = new_node(ms, seq, fields, first)
        self.used += 1
        return 0

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
            read_entry(node, node.start, cython.address(entry))
            node.start = entry.next
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def drop_node(self, at: cython.int) -> cython.int:
        free_node(self.nodes[at])
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
        if not self.find(at, ms, seq, cython.address(offset), cython.address(entry)):
            return False
        self.mark(at, offset)
        return True

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
                whole = _below(node.last_ms, node.last_seq, ms, seq)
            if not whole:
                break
            removed += node.live
            self.length -= node.live
            nodes += 1
        for i in range(nodes):
            free_node(self.nodes[i])
        self.used -= nodes
        if nodes:
            memmove(self.nodes, self.nodes + nodes, self.used * cython.sizeof(cython.p_void))
        while not about and self.used > 0:
            node = self.nodes[0]
            read_entry(node, node.start, cython.address(entry))
            if by_length:
                if self.length <= length:
                    break
            elif not _below(entry.ms, entry.seq, ms, seq):
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
            if _below(self.nodes[middle].last_ms, self.nodes[middle].last_seq, ms, seq):
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
        read_entry(self.nodes[0], self.nodes[0].start, cython.address(entry))
        ms[0] = entry.ms
        seq[0] = entry.seq
        return True

    @cython.cfunc
    @cython.exceptval(check=False)
    def find(
        self, at: cython.int, ms: u64, seq: u64, offset: cython.p_uint, entry: cython.pointer(Entry)
    ) -> cython.bint:
        """Whether a node (`node_at`) has a live entry of this id; where, and its head."""
        if at >= self.used:
            return False
        offset[0] = self.nodes[at].start
        while offset[0] < self.nodes[at].used:
            read_entry(self.nodes[at], offset[0], entry)
            if entry.ms == ms and entry.seq == seq:
                return not entry.flags & DELETED
            offset[0] = entry.next
        return False

    @cython.cfunc
    def get(self, ms: u64, seq: u64) -> list:
        """[field, value, ...] of a live entry, or None."""
        at: cython.int = self.node_at(ms, seq)
        offset: cython.uint
        entry: Entry
        taker: Taker
        if not self.find(at, ms, seq, cython.address(offset), cython.address(entry)):
            return None
        taker = Taker()
        give_fields(self.nodes[at], cython.address(entry), taker)
        return taker.taken

    @cython.cfunc
    @cython.exceptval(check=False)
    def count(self, ms: u64, seq: u64, to_ms: u64, to_seq: u64, limit: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """How many entries there are from the first id to the second, both included; `limit` at most if it is not
        negative."""
        found: cython.Py_ssize_t = 0
        at: cython.int = self.node_at(ms, seq)
        node: cython.pointer(Node)
        entry: Entry
        offset: cython.uint
        while at < self.used and (limit < 0 or found < limit):
            node = self.nodes[at]
            if _below(to_ms, to_seq, node.ms, node.seq):
                break
            if not _below(node.ms, node.seq, ms, seq) and not _below(to_ms, to_seq, node.last_ms, node.last_seq):
                found += node.live
            else:
                offset = node.start
                while offset < node.used:
                    read_entry(node, offset, cython.address(entry))
                    if _below(to_ms, to_seq, entry.ms, entry.seq):
                        break
                    if not entry.flags & DELETED and not _below(entry.ms, entry.seq, ms, seq):
                        found += 1
                    offset = entry.next
            at += 1
        return found if limit < 0 or found < limit else limit

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def give(
        self,
        ms: u64,
        seq: u64,
        to_ms: u64,
        to_seq: u64,
        count: cython.Py_ssize_t,
        reverse: cython.bint,
        taker: Taker,
    ) -> cython.int:
        """Give `count` entries, which must be there (`count`), from the first id to the second, both included, upwards,
        or downwards from the second if reverse: a list of [b"ms-seq", [field, value, ...]]."""
        at: cython.int = self.node_at(to_ms, to_seq) if reverse else self.node_at(ms, seq)
        node: cython.pointer(Node)
        entry: Entry
        offset: cython.uint
        offsets: cython.p_uint = cython.NULL
        noted: cython.Py_ssize_t
        taker.open(count)
        if reverse and at == self.used:
            at -= 1
        while count > 0:
            node = self.nodes[at]
            offset = node.start
            noted = 0
            if reverse:  # entries can only be walked upwards
                offsets = cython.cast(cython.p_uint, PyMem_Malloc(node.total * cython.sizeof(cython.uint)))
                if offsets == cython.NULL:
                    raise MemoryError
            try:
                while offset < node.used and count > 0:
                    read_entry(node, offset, cython.address(entry))
                    if _below(to_ms, to_seq, entry.ms, entry.seq):
                        break
                    if not entry.flags & DELETED and not _below(entry.ms, entry.seq, ms, seq):
                        if reverse:
                            offsets[noted] = offset
                            noted += 1
                        else:
                            give_entry(node, cython.address(entry), taker)
                            count -= 1
                    offset = entry.next
                while noted > 0 and count > 0:
                    noted -= 1
                    read_entry(node, offsets[noted], cython.address(entry))
                    give_entry(node, cython.address(entry), taker)
                    count -= 1
            finally:
                if reverse:
                    PyMem_Free(offsets)
            at += -1 if reverse else 1
        return taker.close()

    @cython.cfunc
    def collect(
        self, ms: u64, seq: u64, to_ms: u64, to_seq: u64, limit: cython.Py_ssize_t, reverse: cython.bint
    ) -> list:
        """What `give` gives, `limit` entries at most if it is not negative."""
        taker: Taker = Taker()
        self.give(ms, seq, to_ms, to_seq, self.count(ms, seq, to_ms, to_seq, limit), reverse, taker)
        return taker.taken

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
        taker: Taker = Taker()
        while at < self.used:
            found: list = []
            offset = self.nodes[at].start
            while offset < self.nodes[at].used:
                read_entry(self.nodes[at], offset, cython.address(entry))
                if not entry.flags & DELETED:
                    give_fields(self.nodes[at], cython.address(entry), taker)
                    found.append(((entry.ms, entry.seq), taker.taken))
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
