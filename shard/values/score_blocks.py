"""Entries of a large sorted set in the order of (score, bytes of the member). Compiled.

    blocks: [(score, member) ...][(score, member) ...] ...   each up to 128, all in order
    counts: how many entries each block has;  sums: totals of 64 counts each
    firsts: the lowest score of each block, side by side so that searching them stays in the cache

A look-up by order is two binary searches, a rank the sum of at most (blocks / 64) + 64 small numbers. Every range
question (by score, by lex, by rank) is answered by turning its ends into ranks with `bound`. Members are borrowed:
whoever uses the blocks holds the references (`shard.values.score_index`).

Among many members a change waits for memory longer than it computes. So where the scores of a change lead is asked
for first (`ask_blocks`), and an entry that is there is found by its address among those of its score: the members
beside it, which stand all over the memory, are not read.
"""

import cython
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cython.cimports.libc.string import memcmp, memcpy, memmove
from cython.cimports.shard.slot_table import elixir_prefetch
from cython.cimports.shard.values.taker import Taker

BLOCK_MAX = cython.declare(cython.int, 128)
BLOCK_STEP = cython.declare(cython.int, 16)
GROUP = cython.declare(cython.int, 64)
# Entries of one score that are looked at by their address before they are compared.
SAME_SCORE = cython.declare(cython.int, 64)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def compare(a: cython.p_void, b: cython.p_void) -> cython.int:
    size_a: cython.Py_ssize_t = size_of(a)
    size_b: cython.Py_ssize_t = size_of(b)
    order: cython.int = memcmp(text_of(a), text_of(b), size_a if size_a < size_b else size_b)
    if order != 0:
        return order
    return (size_a > size_b) - (size_a < size_b)


@cython.cfunc
@cython.exceptval(check=False)
def below(
    mode: cython.int, score: cython.double, member: cython.p_void, bound_score: cython.double, bound_member: cython.p_void
) -> cython.int:
    """Whether an entry stands before a bound. Modes: 0 score <, 1 score <=, 2 lex <, 3 lex <=,
    4 (score, member) <."""
    if mode == 4:
        if score != bound_score:
            return score < bound_score
        return compare(member, bound_member) < 0
    if mode == 0:
        return score < bound_score
    if mode == 1:
        return score <= bound_score
    if mode == 2:
        return compare(member, bound_member) < 0
    return compare(member, bound_member) <= 0


@cython.cfunc
def new_block_memory(room: cython.int) -> cython.pointer(Block):
    raw: cython.p_char = cython.cast(cython.p_char, PyMem_Malloc(cython.sizeof(Block) + room * 16))
    if raw == cython.NULL:
        raise MemoryError
    block: cython.pointer(Block) = cython.cast(cython.pointer(Block), raw)
    block.room = room
    block.scores = cython.cast(cython.p_double, raw + cython.sizeof(Block))
    block.members = cython.cast(cython.pointer(cython.p_void), raw + cython.sizeof(Block) + room * 8)
    return block


@cython.cclass
class ScoreBlocks:
    """Entries in order. Scores are doubles, never NaN."""

    def __dealloc__(self):
        i: cython.int
        for i in range(self.used):
            PyMem_Free(self.blocks[i])
        PyMem_Free(self.blocks)
        PyMem_Free(self.counts)
        PyMem_Free(self.firsts)
        PyMem_Free(self.sums)

    @cython.cfunc
    @cython.exceptval(check=False)
    def place(self, mode: cython.int, score: cython.double, member: cython.p_void) -> cython.void:
        """`at_block` and `at` become where the entries before a bound end."""
        low: cython.int = 0
        high: cython.int = self.used
        middle: cython.int
        block: cython.pointer(Block)
        first: cython.double
        before: cython.bint
        if mode == 0 or mode == 4:
            low = self.block_of(score)
            if mode == 0 or low + 1 >= high or self.firsts[low + 1] != score:
                high = low
        while high - low > 1:
            middle = (low + high) >> 1
            first = self.firsts[middle]
            if mode < 2 or (mode == 4 and first != score):
                before = first <= score if mode == 1 else first < score
            else:
                before = below(mode, first, self.blocks[middle].members[0], score, member)
            if before:
                low = middle
            else:
                high = middle
        self.at_block = low
        self.at = 0
        if self.used == 0:
            return
        block = self.blocks[low]
        high = self.counts[low]
        while self.at < high:
            middle = (self.at + high) >> 1
            if below(mode, block.scores[middle], block.members[middle], score, member):
                self.at = middle + 1
            else:
                high = middle
        if self.at == self.counts[low] and low + 1 < self.used:
            self.at_block = low + 1
            self.at = 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def block_of(self, score: cython.double) -> cython.int:
        """The last block that begins below a score (or the first), where entries of this score begin."""
        low: cython.int = 0
        many: cython.int = self.used
        half: cython.int
        while many > 1:
            half = many >> 1
            low += half if self.firsts[low + half] < score else 0
            many -= half
        return low

    @cython.cfunc
    @cython.exceptval(check=False)
    def ask_blocks(self, score: cython.double, other: cython.double) -> cython.void:
        """Ask for the memory that entries of two scores stand in."""
        at: cython.int
        i: cython.int
        line: cython.int
        block: cython.p_char
        for i in range(2):
            at = self.block_of(other if i else score)
            block = cython.cast(cython.p_char, self.blocks[at])
            elixir_prefetch(block)
            for line in range(1, self.counts[at] // 8 + 1):
                elixir_prefetch(block + line * 64)

    @cython.cfunc
    @cython.exceptval(check=False)
    def stand(self, score: cython.double, member: cython.p_void) -> cython.void:
        """`at_block` and `at` become where an entry that is there stands."""
        block: cython.pointer(Block)
        i: cython.int
        self.place(0, score, cython.NULL)
        for i in range(SAME_SCORE):
            block = self.blocks[self.at_block]
            if block.members[self.at] == member:
                return
            if block.scores[self.at] != score:
                break
            self.at += 1
            if self.at == self.counts[self.at_block]:
                self.at_block += 1
                self.at = 0
                if self.at_block == self.used:
                    break
        self.place(4, score, member)

    @cython.cfunc
    @cython.exceptval(check=False)
    def rescore(self, score: cython.double) -> cython.bint:
        """Give the entry at `at_block` and `at` another score if it may stay between its neighbours; whether it may."""
        block: cython.pointer(Block) = self.blocks[self.at_block]
        at: cython.int = self.at
        if at == 0 or at + 1 == self.counts[self.at_block]:
            return False
        if block.scores[at - 1] >= score or block.scores[at + 1] <= score:
            return False
        block.scores[at] = score
        return True

    @cython.cfunc
    @cython.exceptval(check=False)
    def bound(self, mode: cython.int, score: cython.double, member: cython.p_void) -> cython.Py_ssize_t:
        """How many entries stand before a bound; `at_block` and `at` are where they end."""
        rank: cython.Py_ssize_t = 0
        i: cython.int
        self.place(mode, score, member)
        for i in range(self.at_block // GROUP):
            rank += self.sums[i]
        for i in range(self.at_block // GROUP * GROUP, self.at_block):
            rank += self.counts[i]
        return rank + self.at

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def insert(self, score: cython.double, member: cython.p_void) -> cython.int:
        at: cython.int
        position: cython.int
        count: cython.int
        half: cython.int
        block: cython.pointer(Block)
        right: cython.pointer(Block)
        self.place(4, score, member)
        at = self.at_block
        position = self.at
        if self.used == 0:
            self.new_block(0, BLOCK_STEP)
        elif position == 0 and at > 0 and self.counts[at - 1] < BLOCK_MAX:
            # Between two blocks: the one before has room, so that ascending inserts fill blocks.
            at -= 1
            position = self.counts[at]
        count = self.counts[at]
        block = self.blocks[at]
        if count == BLOCK_MAX:
            if position == count:
                at += 1
                position = 0
                self.new_block(at, BLOCK_STEP)
            else:
                half = count // 2
                self.new_block(at + 1, BLOCK_MAX - BLOCK_STEP)
                block = self.blocks[at]
                right = self.blocks[at + 1]
                memcpy(right.scores, block.scores + half, (count - half) * 8)
                memcpy(right.members, block.members + half, (count - half) * 8)
                self.counts[at] = half
                self.counts[at + 1] = count - half
                self.resum(at)
                self.refirst(at + 1)
                if position > half:
                    at += 1
                    position -= half
            count = self.counts[at]
            block = self.blocks[at]
        if count == block.room:
            self.grow(at, block.room + BLOCK_STEP)
            block = self.blocks[at]
        memmove(block.scores + position + 1, block.scores + position, (count - position) * 8)
        memmove(block.members + position + 1, block.members + position, (count - position) * 8)
        block.scores[position] = score
        block.members[position] = member
        self.counts[at] = count + 1
        self.sums[at // GROUP] += 1
        self.refirst(at)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def grow(self, at: cython.int, room: cython.int) -> cython.int:
        """Replace a block by one with another room."""
        old: cython.pointer(Block) = self.blocks[at]
        block: cython.pointer(Block) = new_block_memory(room)
        memcpy(block.scores, old.scores, self.counts[at] * 8)
        memcpy(block.members, old.members, self.counts[at] * 8)
        PyMem_Free(old)
        self.blocks[at] = block
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def new_block(self, at: cython.int, room: cython.int) -> cython.int:
        """Put an empty block in."""
        wider: cython.int
        pointer: cython.p_void
        if self.used == self.room:
            wider = self.room + self.room // 4 + 8
            pointer = PyMem_Realloc(self.blocks, wider * cython.sizeof(cython.p_void))
            if pointer == cython.NULL:
                raise MemoryError
            self.blocks = cython.cast(cython.pointer(cython.pointer(Block)), pointer)
            pointer = PyMem_Realloc(self.counts, wider * cython.sizeof(cython.int))
            if pointer == cython.NULL:
                raise MemoryError
            self.counts = cython.cast(cython.p_int, pointer)
            pointer = PyMem_Realloc(self.sums, (wider // GROUP + 1) * cython.sizeof(cython.Py_ssize_t))
            if pointer == cython.NULL:
                raise MemoryError
            self.sums = cython.cast(cython.pointer(cython.Py_ssize_t), pointer)
            pointer = PyMem_Realloc(self.firsts, wider * cython.sizeof(cython.double))
            if pointer == cython.NULL:
                raise MemoryError
            self.firsts = cython.cast(cython.p_double, pointer)
            self.room = wider
        block: cython.pointer(Block) = new_block_memory(room)
        memmove(self.blocks + at + 1, self.blocks + at, (self.used - at) * cython.sizeof(cython.p_void))
        memmove(self.counts + at + 1, self.counts + at, (self.used - at) * cython.sizeof(cython.int))
        memmove(self.firsts + at + 1, self.firsts + at, (self.used - at) * cython.sizeof(cython.double))
        self.blocks[at] = block
        self.counts[at] = 0
        self.used += 1
        self.resum(at)
        return 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def resum(self, at: cython.int) -> cython.void:
        """Count again the groups from that of block `at` on."""
        group: cython.int
        i: cython.int
        total: cython.Py_ssize_t
        for group in range(at // GROUP, (self.used + GROUP - 1) // GROUP):
            total = 0
            for i in range(group * GROUP, min(self.used, (group + 1) * GROUP)):
                total += self.counts[i]
            self.sums[group] = total

    @cython.cfunc
    @cython.exceptval(check=False)
    def refirst(self, at: cython.int) -> cython.void:
        """Take over the lowest score of a block that is not empty."""
        self.firsts[at] = self.blocks[at].scores[0]

    @cython.cfunc
    @cython.exceptval(check=False)
    def drop_block(self, at: cython.int) -> cython.void:
        PyMem_Free(self.blocks[at])
        self.used -= 1
        memmove(self.blocks + at, self.blocks + at + 1, (self.used - at) * cython.sizeof(cython.p_void))
        memmove(self.counts + at, self.counts + at + 1, (self.used - at) * cython.sizeof(cython.int))
        memmove(self.firsts + at, self.firsts + at + 1, (self.used - at) * cython.sizeof(cython.double))
        self.resum(at)

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def take_out(self, at: cython.int, position: cython.int, count: cython.int) -> cython.int:
        """Remove entries of one block; a block that became small joins its neighbour."""
        block: cython.pointer(Block) = self.blocks[at]
        left: cython.int = self.counts[at] - count
        after: cython.pointer(Block)
        memmove(block.scores + position, block.scores + position + count, (left - position) * 8)
        memmove(block.members + position, block.members + position + count, (left - position) * 8)
        self.counts[at] = left
        self.sums[at // GROUP] -= count
        if left == 0:
            self.drop_block(at)
            return 0
        self.refirst(at)
        if left < BLOCK_MAX // 4 and self.used > 1:
            if at + 1 == self.used:
                at -= 1
            left = self.counts[at] + self.counts[at + 1]
            if left <= BLOCK_MAX // 2:
                block = self.blocks[at]
                if block.room < left:
                    self.grow(at, (left // BLOCK_STEP + 1) * BLOCK_STEP)
                    block = self.blocks[at]
                after = self.blocks[at + 1]
                memcpy(block.scores + self.counts[at], after.scores, self.counts[at + 1] * 8)
                memcpy(block.members + self.counts[at], after.members, self.counts[at + 1] * 8)
                self.counts[at] = left
                self.drop_block(at + 1)
                self.resum(at)
        return 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def seek(self, rank: cython.Py_ssize_t) -> cython.int:
        """Set `at_block` and `at` to the entry of this rank, which must be there."""
        i: cython.int = 0
        group: cython.int = 0
        while self.sums[group] <= rank:
            rank -= self.sums[group]
            group += 1
        i = group * GROUP
        while self.counts[i] <= rank:
            rank -= self.counts[i]
            i += 1
        self.at_block = i
        self.at = cython.cast(cython.int, rank)
        return 0

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
        """Give `count` members, all of which are there, from a rank on (downwards if reverse): member, ..., or
        member, score, ..., or lists of the two if paired."""
        at: cython.int
        i: cython.int
        step: cython.int = -1 if reverse else 1
        block: cython.pointer(Block)
        self.seek(start)
        at = self.at_block
        i = self.at
        block = self.blocks[at]
        while True:
            if paired:
                taker.open(2)
            taker.item(cython.cast(bytes, block.members[i]))
            if scores:
                taker.score(block.scores[i])
            if paired:
                taker.close()
            count -= 1
            if count == 0:
                return 0
            i += step
            if i < 0 or i == self.counts[at]:
                at += step
                block = self.blocks[at]
                i = self.counts[at] - 1 if reverse else 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def blocks_memory(self) -> cython.Py_ssize_t:
        """Bytes that blocks and the arrays about them take."""
        total: cython.Py_ssize_t = self.room * 21
        i: cython.int
        for i in range(self.used):
            total += cython.sizeof(Block) + self.blocks[i].room * 16
        return total
