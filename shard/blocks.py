"""Memory in blocks of 64 bytes times a power of two, each on a cache line of its own: a buddy allocator. Compiled.

    chunk (1 MiB, aligned)    | map: a byte for each 64 bytes | blocks ...

Tables of slots double one after the other, all of about the same size: a general allocator is left with as much memory
in pieces too small for the next size as the tables take. Here two halves become a whole again when both are free.
The map says where a free block starts, and its order; free blocks of one order are a list through their first bytes.
Chunks are kept: what one database gives back another takes. Source: Knowlton, "A fast storage allocator", 1965.
"""

import cython
from cython.cimports.libc.stdlib import free
from cython.cimports.libc.string import memset
from cython.cimports.posix.stdlib import posix_memalign

UNIT = cython.declare(cython.Py_ssize_t, 64)
CHUNK = cython.declare(cython.Py_ssize_t, 1 << 20)
CHUNK_ORDER = cython.declare(cython.int, 14)  # of a whole chunk
MAP_ORDER = cython.declare(cython.int, 8)  # of its map
FREE = cython.declare(cython.int, 128)

Free = cython.struct(next=cython.p_void, before=cython.p_void)
LISTS = cython.declare(cython.p_void[16])
memset(cython.address(LISTS[0]), 0, cython.sizeof(LISTS))


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _mark(block: cython.p_void) -> cython.p_uchar:
    """The byte of the map that speaks of a block."""
    at: cython.size_t = cython.cast(cython.size_t, block)
    chunk: cython.size_t = at & ~cython.cast(cython.size_t, CHUNK - 1)
    return cython.cast(cython.p_uchar, chunk) + (at - chunk) // UNIT


@cython.cfunc
@cython.exceptval(check=False)
def _link(block: cython.p_void, order: cython.int) -> cython.void:
    """Put a free block at the head of its list."""
    head: cython.p_void = LISTS[order]
    cython.cast(cython.pointer(Free), block).next = head
    cython.cast(cython.pointer(Free), block).before = cython.NULL
    if head != cython.NULL:
        cython.cast(cython.pointer(Free), head).before = block
    LISTS[order] = block
    _mark(block)[0] = FREE | order


@cython.cfunc
@cython.exceptval(check=False)
def _unlink(block: cython.p_void, order: cython.int) -> cython.void:
    place: cython.pointer(Free) = cython.cast(cython.pointer(Free), block)
    if place.before == cython.NULL:
        LISTS[order] = place.next
    else:
        cython.cast(cython.pointer(Free), place.before).next = place.next
    if place.next != cython.NULL:
        cython.cast(cython.pointer(Free), place.next).before = place.before
    _mark(block)[0] = 0


@cython.cfunc
@cython.exceptval(check=False)
def _new_chunk() -> cython.bint:
    """Free blocks behind the map of another chunk, one of each order; False without memory."""
    memory: cython.p_void = cython.NULL
    order: cython.int
    if posix_memalign(cython.address(memory), CHUNK, CHUNK):
        return False
    memset(memory, 0, CHUNK // UNIT)
    for order in range(MAP_ORDER, CHUNK_ORDER):
        _link(cython.cast(cython.p_char, memory) + (UNIT << order), order)
    return True


@cython.cfunc
@cython.exceptval(check=False)
def take_block(order: cython.int) -> cython.p_void:
    """64 << order bytes, of any content, on a cache line; NULL without memory."""
    block: cython.p_void = cython.NULL
    found: cython.int = order
    if order >= CHUNK_ORDER:
        posix_memalign(cython.address(block), UNIT, UNIT << order)
        return block
    while found < CHUNK_ORDER and LISTS[found] == cython.NULL:
        found += 1
    if found == CHUNK_ORDER:
        if not _new_chunk():
            return cython.NULL
        return take_block(order)
    block = LISTS[found]
    _unlink(block, found)
    while found > order:
        found -= 1
        _link(cython.cast(cython.p_char, block) + (UNIT << found), found)
    return block


@cython.cfunc
@cython.exceptval(check=False)
def give_block(block: cython.p_void, order: cython.int) -> cython.void:
    """Back from its owner, with the order that it was taken with."""
    at: cython.size_t
    chunk: cython.size_t
    other: cython.p_void
    if order >= CHUNK_ORDER:
        free(block)
        return
    chunk = cython.cast(cython.size_t, block) & ~cython.cast(cython.size_t, CHUNK - 1)
    at = cython.cast(cython.size_t, block) - chunk
    while order < CHUNK_ORDER - 1:
        other = cython.cast(cython.p_void, chunk + (at ^ cython.cast(cython.size_t, UNIT << order)))
        if _mark(other)[0] != FREE | order:
            break
        _unlink(other, order)
        at &= ~cython.cast(cython.size_t, UNIT << order)
        order += 1
    _link(cython.cast(cython.p_void, chunk + at), order)


def free_bytes() -> int:
    """Bytes in free blocks, for tests and figures."""
    total: cython.Py_ssize_t = 0
    order: cython.int
    block: cython.p_void
    for order in range(CHUNK_ORDER):
        block = LISTS[order]
        while block != cython.NULL:
            total += UNIT << order
            block = cython.cast(cython.pointer(Free), block).next
    return total
