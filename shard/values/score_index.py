"""Members of a large sorted set, in order and by name. Compiled.

    cells:  open-addressing hash table, member -> score
    blocks: the entries in order (`shard.values.score_blocks`)

A look-up by name is one probe. The table holds the reference to a member; blocks borrow it.

The table is walked by SCAN with a cursor whose high bits run first, so a member that stays is
returned even when the table is resized between two calls. With linear probing the members
whose home is cell b stand between b and the next empty cell.
"""

import cython
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Malloc
from cython.cimports.libc.string import memcmp, memset
from cython.cimports.shard.slot_table import elixir_prefetch
from cython.cimports.shard.values.elements import MANY
from cython.cimports.shard.values.score_blocks import ScoreBlocks, drop, keep, size_of, text_of

AHEAD = cython.declare(cython.size_t, 16)  # members whose memory is asked for while the table is rebuilt


@cython.cclass
class ScoreIndex(ScoreBlocks):
    """The large form of a sorted set. Scores are doubles, never NaN."""

    def __cinit__(self):
        self.resize(256)

    def __dealloc__(self):
        while not self.release(1 << 30):
            pass
        PyMem_Free(self.cells)

    # -- by name -----------------------------------------------------------------------

    @cython.cfunc
    @cython.exceptval(check=False)
    def find(self, member: bytes) -> cython.pointer(Cell):
        """The member's cell, or the empty one where it would go."""
        wanted: cython.p_void = cython.cast(cython.p_void, member)
        code: cython.Py_hash_t = hash_of(wanted)
        size: cython.Py_ssize_t = size_of(wanted)
        at: cython.size_t = cython.cast(cython.size_t, code) & self.mask
        there: cython.p_void
        while True:
            there = self.cells[at].member
            if there == cython.NULL or there == wanted:
                break
            if hash_of(there) == code and size_of(there) == size:
                if memcmp(text_of(there), text_of(wanted), size) == 0:
                    break
            at = (at + 1) & self.mask
        return cython.address(self.cells[at])

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def resize(self, cells: cython.size_t) -> cython.int:
        """Rebuild the table with this many cells, a power of two."""
        old: cython.pointer(Cell) = self.cells
        old_count: cython.size_t = self.mask + 1 if old != cython.NULL else 0
        fresh: cython.pointer(Cell) = cython.cast(cython.pointer(Cell), PyMem_Malloc(cells * cython.sizeof(Cell)))
        if fresh == cython.NULL:
            raise MemoryError
        memset(fresh, 0, cells * cython.sizeof(Cell))
        mask: cython.size_t = cells - 1
        i: cython.size_t
        at: cython.size_t
        for i in range(old_count):
            if i + AHEAD < old_count:
                elixir_prefetch(old[i + AHEAD].member)
            if old[i].member != cython.NULL:
                at = cython.cast(cython.size_t, hash_of(old[i].member)) & mask
                while fresh[at].member != cython.NULL:
                    at = (at + 1) & mask
                fresh[at] = old[i]
        self.cells = fresh
        self.mask = mask
        PyMem_Free(old)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def store(self, member: bytes, score: cython.double) -> cython.bint:
        """Add a member or move it to another score; whether it is new."""
        cell: cython.pointer(Cell) = self.find(member)
        pointer: cython.p_void
        if cell.member != cython.NULL:
            if cell.score != score:
                pointer = cell.member
                self.ask_blocks(cell.score, score)
                self.stand(cell.score, pointer)
                if not self.rescore(score):
                    self.take_out(self.at_block, self.at, 1)
                    self.insert(score, pointer)
            cell.score = score
            return False
        if cython.cast(cython.size_t, self.size) * 10 >= (self.mask + 1) * 7:
            self.resize((self.mask + 1) * 2)
            cell = self.find(member)
        pointer = cython.cast(cython.p_void, member)
        self.insert(score, pointer)
        keep(pointer)
        cell.member = pointer
        cell.score = score
        self.size += 1
        self.text_bytes += size_of(pointer)
        return True

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def discard(self, member: bytes) -> cython.bint:
        """Remove a member; whether it was there."""
        cell: cython.pointer(Cell) = self.find(member)
        pointer: cython.p_void = cell.member
        if pointer == cython.NULL:
            return False
        self.stand(cell.score, pointer)
        self.take_out(self.at_block, self.at, 1)
        self.empty_cell(cell - self.cells)
        self.size -= 1
        self.text_bytes -= size_of(pointer)
        drop(pointer)
        if self.mask > 255 and cython.cast(cython.size_t, self.size) * 10 < self.mask:
            self.resize((self.mask + 1) // 4)
        return True

    @cython.cfunc
    @cython.exceptval(check=False)
    def empty_cell(self, at: cython.size_t) -> cython.void:
        """Take a cell out and move back those that had to go around it."""
        mask: cython.size_t = self.mask
        hole: cython.size_t = at
        home: cython.size_t
        while True:
            at = (at + 1) & mask
            if self.cells[at].member == cython.NULL:
                break
            home = cython.cast(cython.size_t, hash_of(self.cells[at].member)) & mask
            if ((at - home) & mask) >= ((at - hole) & mask):
                self.cells[hole] = self.cells[at]
                hole = at
        self.cells[hole].member = cython.NULL

    @cython.cfunc
    def scan(self, cursor: cython.ulonglong, count: cython.Py_ssize_t) -> object:
        """(next cursor, [(member, score) ...]): about `count` cells are looked at."""
        mask: cython.ulonglong = self.mask
        found: list = []
        looked: cython.Py_ssize_t = 0
        at: cython.size_t
        home: cython.size_t
        limit: cython.Py_ssize_t = count * 10
        while True:
            home = cython.cast(cython.size_t, cursor & mask)
            at = home
            while self.cells[at].member != cython.NULL:
                if (cython.cast(cython.size_t, hash_of(self.cells[at].member)) & self.mask) == home:
                    found.append((cython.cast(bytes, self.cells[at].member), self.cells[at].score))
                at = (at + 1) & self.mask
            cursor = next_cursor(cursor, mask)
            looked += 1
            if cursor == 0 or len(found) >= count or looked >= limit:
                return cursor, found

    @cython.cfunc
    @cython.exceptval(check=False)
    def ask(self, member: bytes, step: cython.int) -> cython.bint:
        """Ask for the memory that a look-up of a member reads: its cell (step 0), what stands there (step 1)."""
        if self.size < MANY:
            return False
        cell: cython.pointer(Cell) = cython.address(
            self.cells[cython.cast(cython.size_t, hash_of(cython.cast(cython.p_void, member))) & self.mask]
        )
        elixir_prefetch(cell if step == 0 else cell.member)
        return True

    # -- several -----------------------------------------------------------------------

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def delete_slice(self, start: cython.Py_ssize_t, count: cython.Py_ssize_t) -> cython.int:
        """Remove `count` entries from a rank on; they must be there."""
        at: cython.int
        i: cython.int
        part: cython.int
        position: cython.int
        pointer: cython.p_void
        while count > 0:
            self.seek(start)
            at = self.at_block
            position = self.at
            part = cython.cast(cython.int, min(count, self.counts[at] - position))
            for i in range(position, position + part):
                pointer = self.blocks[at].members[i]
                self.empty_cell(self.find(cython.cast(bytes, pointer)) - self.cells)
                self.text_bytes -= size_of(pointer)
                drop(pointer)
            self.take_out(at, position, part)
            self.size -= part
            count -= part
        if self.mask > 255 and cython.cast(cython.size_t, self.size) * 10 < self.mask:
            cells: cython.size_t = 256
            while cells * 5 < cython.cast(cython.size_t, self.size) * 10:
                cells *= 2
            self.resize(cells)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def release(self, count: cython.Py_ssize_t) -> cython.bint:
        """Free about `count` members of a value that nobody uses any more; whether all are gone."""
        i: cython.int
        PyMem_Free(self.cells)
        self.cells = cython.NULL
        while self.used > 0 and count > 0:
            self.used -= 1
            for i in range(self.counts[self.used]):
                drop(self.blocks[self.used].members[i])
            count -= self.counts[self.used]
            self.size -= self.counts[self.used]
            PyMem_Free(self.blocks[self.used])
        return self.used == 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def footprint(self) -> cython.Py_ssize_t:
        """Bytes that it takes: tables, blocks and the members' objects (33 + their length)."""
        return 128 + (self.mask + 1) * 16 + self.blocks_memory() + self.size * 41 + self.text_bytes


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def next_cursor(cursor: cython.ulonglong, mask: cython.ulonglong) -> cython.ulonglong:
    """Add one to a cursor from its highest bit of the mask downwards; 0 after the last."""
    bit: cython.ulonglong = (mask + 1) >> 1
    cursor &= mask
    while bit and cursor & bit:
        cursor ^= bit
        bit >>= 1
    return cursor | bit
