"""Sorted sets, compiled: small ones packed in one buffer, large ones in a `ScoreIndex`.

Packed, in order of (score, member):  [length: varint][score: 8 bytes][member] ...

A set becomes large when it outgrows `zset-max-listpack-entries` or a member outgrows
`zset-max-listpack-value`, and stays so, as in Redis. All ranges are ranks: a caller turns
bounds into ranks with `before_score` and `before_member`, then takes a `slice`.
"""

import cython
from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_GET_SIZE
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cython.cimports.libc.string import memcmp, memcpy, memmove
from cython.cimports.shard.slot_table import elixir_prefetch
from cython.cimports.shard.values.elements import Elements
from cython.cimports.shard.values.score_index import Cell, ScoreIndex
from cython.cimports.shard.values.taker import Taker

LIMITS = cython.declare(cython.int[2])
LIMITS[0] = 128
LIMITS[1] = 64


def set_limits(entries: int, value: int) -> None:
    """zset-max-listpack-entries and zset-max-listpack-value (bytes), for all sets from now on."""
    LIMITS[0] = min(max(entries, 0), 1 << 20)
    LIMITS[1] = min(max(value, 0), 1 << 26)


def get_limits() -> tuple:
    """(entries, bytes of a member) up to which sets stay packed."""
    return LIMITS[0], LIMITS[1]


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _header(at: cython.pointer(cython.uchar), size: cython.pointer(cython.uint)) -> cython.int:
    """Read a length; how many bytes it took."""
    shift: cython.int = 7
    taken: cython.int = 1
    size[0] = at[0] & 127
    while at[taken - 1] & 128:
        size[0] |= cython.cast(cython.uint, at[taken] & 127) << shift
        shift += 7
        taken += 1
    return taken


@cython.cclass
class ZSetValue(Elements):
    """A sorted set: unique byte-string members, each with a double score, never NaN."""

    type_name = b"zset"

    def __dealloc__(self):
        PyMem_Free(self.packed)

    def __init__(self, large: bool = False):
        if large:
            self.enlarge()

    @classmethod
    def load(cls, pairs):
        """Build from an iterable of (member, score) in any order."""
        entries: list = pairs if type(pairs) is list else list(pairs)
        # One that ends up large is never packed, where it would lose its minus zeros.
        large: bool = len(entries) > LIMITS[0] or any(len(member) > LIMITS[1] for member, _ in entries)
        value: ZSetValue = cls(large)
        for member, score in entries:
            value.store(member, score)
        return value

    @cython.cfunc
    @cython.exceptval(check=False)
    def length(self) -> cython.Py_ssize_t:
        return self.size if self.index is None else self.index.size

    def __len__(self):
        return self.length()

    def encoding(self, limits=None) -> bytes:
        """Redis's name of the form."""
        return b"listpack" if self.index is None else b"skiplist"

    # -- by name -----------------------------------------------------------------------

    @cython.cfunc
    @cython.exceptval(check=False)
    def walk(self, member: bytes, score: cython.p_double) -> cython.uint:
        """Offset of a member's entry in the packed form (`used` if it is not there)."""
        at: cython.uint = 0
        size: cython.uint = 0
        taken: cython.int
        wanted: cython.uint = cython.cast(cython.uint, PyBytes_GET_SIZE(member))
        text: cython.p_char = PyBytes_AS_STRING(member)
        while at < self.used:
            taken = _header(self.packed + at, cython.address(size))
            if size == wanted and memcmp(self.packed + at + taken + 8, text, size) == 0:
                memcpy(score, self.packed + at + taken, 8)
                return at
            at += taken + 8 + size
        return self.used

    @cython.cfunc
    @cython.exceptval(check=False)
    def find(self, member: bytes, score: cython.p_double) -> cython.bint:
        """Whether a member is there; its score is put into `score`."""
        cell: cython.pointer(Cell)
        if self.index is None:
            return self.walk(member, score) < self.used
        cell = self.index.find(member)
        if cell.member == cython.NULL:
            return False
        score[0] = cell.score
        return True

    @cython.cfunc
    @cython.exceptval(check=False)
    def ask(self, member: bytes, step: cython.int) -> cython.bint:
        if self.index is not None:
            return self.index.ask(member, step)
        if step == 0:
            elixir_prefetch(self.packed)
        return False

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def store(self, member: bytes, score: cython.double) -> cython.bint:
        """Add a member or give it another score; whether it is new."""
        size: cython.uint = cython.cast(cython.uint, PyBytes_GET_SIZE(member))
        text: cython.p_char = PyBytes_AS_STRING(member)
        old: cython.double = 0
        there: cython.double = 0
        at: cython.uint
        stop: cython.uint
        taken: cython.int
        other: cython.uint = 0
        order: cython.int
        fresh: cython.bint = True
        pointer: cython.p_void
        if self.index is not None:
            return self.index.store(member, score)
        score += 0.0  # Redis's packed form has no -0 either.
        at = self.walk(member, cython.address(old))
        if at < self.used:
            if old == score:
                return False
            taken = _header(self.packed + at, cython.address(other))
            self.cut(at, at + taken + 8 + other)
            fresh = False
        elif self.size >= LIMITS[0] or size > cython.cast(cython.uint, LIMITS[1]):
            self.enlarge()
            return self.index.store(member, score)
        at = 0
        while at < self.used:
            taken = _header(self.packed + at, cython.address(other))
            memcpy(cython.address(there), self.packed + at + taken, 8)
            if there > score:
                break
            if there == score:
                order = memcmp(self.packed + at + taken + 8, text, other if other < size else size)
                if order > 0 or (order == 0 and other > size):
                    break
            at += taken + 8 + other
        taken = 1
        other = size >> 7
        while other:
            taken += 1
            other >>= 7
        stop = self.used + taken + 8 + size
        if stop > self.room:
            pointer = PyMem_Realloc(self.packed, (stop + 15) & ~15)
            if pointer == cython.NULL:
                raise MemoryError
            self.packed = cython.cast(cython.pointer(cython.uchar), pointer)
            self.room = (stop + 15) & ~15
        memmove(self.packed + at + taken + 8 + size, self.packed + at, self.used - at)
        other = size
        while other > 127:
            self.packed[at] = (other & 127) | 128
            at += 1
            other >>= 7
        self.packed[at] = other
        memcpy(self.packed + at + 1, cython.address(score), 8)
        memcpy(self.packed + at + 9, text, size)
        self.used = stop
        self.size += 1
        return fresh

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def discard(self, member: bytes) -> cython.bint:
        """Remove a member; whether it was there."""
        score: cython.double = 0
        size: cython.uint = 0
        at: cython.uint
        if self.index is not None:
            return self.index.discard(member)
        at = self.walk(member, cython.address(score))
        if at == self.used:
            return False
        self.cut(at, at + _header(self.packed + at, cython.address(size)) + 8 + size)
        return True

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def cut(self, start: cython.uint, stop: cython.uint) -> cython.int:
        """Take one entry out of the packed form."""
        memmove(self.packed + start, self.packed + stop, self.used - stop)
        self.used -= stop - start
        self.size -= 1
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def enlarge(self) -> cython.int:
        """Go over to the large form."""
        index: ScoreIndex = ScoreIndex()
        pairs: list = self.slice(0, self.size, False, True)
        i: cython.Py_ssize_t
        for i in range(0, len(pairs), 2):
            index.store(pairs[i], pairs[i + 1])
        PyMem_Free(self.packed)
        self.packed = cython.NULL
        self.used = 0
        self.room = 0
        self.size = 0
        self.index = index
        return 0

    # -- ranks ---------------------------------------------------------------------------

    @cython.ccall
    def before_score(self, score: cython.double, inclusive: cython.bint) -> cython.Py_ssize_t:
        """How many members have a score below `score` (or up to it, if inclusive)."""
        at: cython.uint = 0
        size: cython.uint = 0
        rank: cython.Py_ssize_t = 0
        taken: cython.int
        there: cython.double = 0
        if self.index is not None:
            return self.index.bound(1 if inclusive else 0, score, cython.NULL)
        while at < self.used:
            taken = _header(self.packed + at, cython.address(size))
            memcpy(cython.address(there), self.packed + at + taken, 8)
            if there > score or (there == score and not inclusive):
                break
            rank += 1
            at += taken + 8 + size
        return rank

    @cython.ccall
    def before_member(self, member: bytes, inclusive: cython.bint) -> cython.Py_ssize_t:
        """How many members stand before `member` (or up to it) in bytewise order; meant for
        sets whose scores are all equal."""
        at: cython.uint = 0
        size: cython.uint = 0
        rank: cython.Py_ssize_t = 0
        taken: cython.int
        order: cython.int
        wanted: cython.uint = cython.cast(cython.uint, PyBytes_GET_SIZE(member))
        text: cython.p_char = PyBytes_AS_STRING(member)
        if self.index is not None:
            return self.index.bound(3 if inclusive else 2, 0, cython.cast(cython.p_void, member))
        while at < self.used:
            taken = _header(self.packed + at, cython.address(size))
            order = memcmp(self.packed + at + taken + 8, text, size if size < wanted else wanted)
            if order == 0:
                order = (size > wanted) - (size < wanted)
            if order > 0 or (order == 0 and not inclusive):
                break
            rank += 1
            at += taken + 8 + size
        return rank

    @cython.ccall
    def rank_of(self, member: bytes) -> cython.Py_ssize_t:
        """A member's rank from the lowest score on, -1 if it is not there."""
        score: cython.double = 0
        at: cython.uint = 0
        size: cython.uint = 0
        rank: cython.Py_ssize_t = 0
        stop: cython.uint
        if self.index is not None:
            if not self.find(member, cython.address(score)):
                return -1
            return self.index.bound(4, score, cython.cast(cython.p_void, member))
        stop = self.walk(member, cython.address(score))
        if stop == self.used:
            return -1
        while at < stop:
            at += _header(self.packed + at, cython.address(size)) + 8
            at += size
            rank += 1
        return rank

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def give(
        self,
        start: cython.Py_ssize_t,
        count: cython.Py_ssize_t,
        reverse: cython.bint,
        scores: cython.bint,
        paired: cython.bint,
        taker: Taker,
    ) -> cython.int:
        """Give `count` members from rank `start` on, downwards if reverse (`start` is always a rank from the lowest), as
        one list: member, ..., or member, score, ..., or lists of a member and its score if paired."""
        room: cython.Py_ssize_t = 0
        first: cython.Py_ssize_t
        i: cython.Py_ssize_t
        at: cython.uint = 0
        size: cython.uint = 0
        taken: cython.int
        score: cython.double = 0
        offsets: cython.p_uint
        if 0 <= start < self.length():
            room = start + 1 if reverse else self.length() - start
        count = max(0, min(count, room))
        taker.open(2 * count if scores and not paired else count)
        if count == 0:
            return taker.close()
        if self.index is not None:
            self.index.give(start, count, reverse, scores, paired, taker)
            return taker.close()
        # Entries can only be walked upwards: where they stand is noted first.
        first = start - count + 1 if reverse else start
        offsets = cython.cast(cython.p_uint, PyMem_Malloc(count * cython.sizeof(cython.uint)))
        if offsets == cython.NULL:
            raise MemoryError
        for i in range(first + count):
            if i >= first:
                offsets[count - 1 - (i - first) if reverse else i - first] = at
            at += _header(self.packed + at, cython.address(size)) + 8
            at += size
        try:
            for i in range(count):
                at = offsets[i]
                taken = _header(self.packed + at, cython.address(size))
                if paired:
                    taker.open(2)
                taker.text(cython.cast(cython.p_char, self.packed + at + taken + 8), size)
                if scores:
                    memcpy(cython.address(score), self.packed + at + taken, 8)
                    taker.score(score)
                if paired:
                    taker.close()
        finally:
            PyMem_Free(offsets)
        return taker.close()

    @cython.ccall
    def slice(
        self,
        start: cython.Py_ssize_t,
        count: cython.Py_ssize_t,
        reverse: cython.bint = False,
        scores: cython.bint = False,
    ) -> list:
        """What `give` gives: [member, ...], or [member, score, ...] if scores."""
        taker: Taker = Taker()
        self.give(start, count, reverse, scores, False, taker)
        return taker.taken

    @cython.ccall
    @cython.exceptval(-1, check=False)
    def delete_slice(self, start: cython.Py_ssize_t, count: cython.Py_ssize_t) -> cython.int:
        """Remove `count` members from rank `start` on; all of them must be there."""
        at: cython.uint = 0
        stop: cython.uint
        size: cython.uint = 0
        i: cython.Py_ssize_t
        if self.index is not None:
            return self.index.delete_slice(start, count)
        for i in range(start):
            at += _header(self.packed + at, cython.address(size)) + 8
            at += size
        stop = at
        for i in range(count):
            stop += _header(self.packed + stop, cython.address(size)) + 8
            stop += size
        if count > 0:
            self.cut(at, stop)
            self.size -= cython.cast(cython.int, count - 1)
        return 0

    # -- for Python callers --------------------------------------------------------------

    def add(self, member: bytes, score: float):
        """Add a member or give it another score; its old score, or None if it is new."""
        old: cython.double = 0
        there: cython.bint = self.find(member, cython.address(old))
        self.store(member, score)
        return old if there else None

    def remove(self, member: bytes) -> bool:
        """Remove a member; whether it was there."""
        return self.discard(member)

    def score(self, member: bytes):
        """A member's score, or None."""
        found: cython.double = 0
        return found if self.find(member, cython.address(found)) else None

    def rank(self, member: bytes):
        """A member's rank from the lowest score on, or None."""
        rank: cython.Py_ssize_t = self.rank_of(member)
        return None if rank < 0 else rank

    def pairs(self, start: int = 0, count: int = -1, reverse: bool = False) -> list:
        """[(member, score) ...] by rank; a negative count means to the end."""
        flat: list = self.slice(start, self.length() if count < 0 else count, reverse, True)
        return list(zip(flat[::2], flat[1::2]))

    def __iter__(self):
        """(member, score) in order. The set must not change meanwhile."""
        start: cython.Py_ssize_t = 0
        while start < self.length():
            yield from self.pairs(start, 512)
            start += 512

    def __contains__(self, member: bytes) -> bool:
        score: cython.double = 0
        return self.find(member, cython.address(score))

    def scan(self, cursor: int, count: int):
        """(next cursor, [(member, score) ...]); a packed set comes in one go."""
        if self.index is None:
            return 0, self.pairs()
        return self.index.scan(cursor & 0xFFFFFFFFFFFFFFFF, count)

    def copy(self):
        """A set of its own with the same members, in the same form."""
        other: ZSetValue = ZSetValue(self.index is not None)
        for member, score in self:
            other.store(member, score)
        return other

    def memory(self) -> int:
        """Bytes that it takes."""
        return 64 + self.room if self.index is None else 64 + self.index.footprint()

    def release(self, count: int) -> bool:
        """Free about `count` members of a set that is no longer used; whether it is empty."""
        if self.index is None:
            self.used = 0
            self.size = 0
            return True
        return self.index.release(count)
