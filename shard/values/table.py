"""A hash table of byte strings in C, for large hashes and sets.

Linear hashing (W. Litwin, 1980): there are 2^bits + split buckets, chains of nodes. When
there are more keys than buckets, bucket number `split` alone is divided in two and `split`
moves on; so no insertion pays for a resize, however large the table is.

    node   [next][hash][key size][value size][key bytes][value bytes]

A key's hash is Python's of its bytes (`bytes_hash`, which an object remembers, or `text_hash`).

Scanning goes through the 2^bits buckets in the order of their reversed bits, and takes with
each one the bucket that was split off from it. What one cursor has covered is a set of
suffixes of hashes, which stays covered when the table grows or shrinks; so keys that are
there from start to end are always given (Redis's promise), some perhaps twice.
"""

import cython
from cython.cimports.cpython.mem import PyMem_RawFree, PyMem_RawMalloc
from cython.cimports.libc.stdlib import calloc, free, malloc, realloc
from cython.cimports.libc.string import memcmp, memcpy, memset
from cython.cimports.shard.slot_table import elixir_prefetch
from cython.cimports.shard.values.elements import MANY
from cython.cimports.shard.values.taker import Taker


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _bucket(table: cython.pointer(cython.const[Table]), hashed: cython.uint) -> cython.size_t:
    at: cython.size_t = hashed & ((cython.cast(cython.size_t, 1) << table.bits) - 1)
    if at < table.split:
        at = hashed & ((cython.cast(cython.size_t, 2) << table.bits) - 1)
    return at


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _heap(node: cython.pointer(cython.const[Node])) -> cython.size_t:
    """What the allocator takes for a node: 8 bytes of its own, in steps of 16."""
    return (20 + cython.cast(cython.size_t, node.key) + node.value + 8 + 15) & ~cython.cast(cython.size_t, 15)


@cython.cfunc
@cython.exceptval(-1)
def table_open(table: cython.pointer(Table), expected: cython.size_t) -> cython.int:
    """Make an empty table with room for about `expected` keys."""
    table.bits = 3
    while (cython.cast(cython.size_t, 1) << table.bits) < expected and table.bits < 30:
        table.bits += 1
    table.split = 0
    table.count = 0
    table.heap = 0
    table.longest = 0
    table.capacity = cython.cast(cython.size_t, 2) << table.bits
    table.buckets = cython.cast(
        cython.pointer(cython.pointer(Node)), calloc(table.capacity, cython.sizeof(cython.p_void))
    )
    if table.buckets == cython.NULL:
        raise MemoryError()
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def table_ask(table: cython.pointer(Table), member: bytes, step: cython.int) -> cython.bint:
    """Ask for the memory of a member's bucket (step 0), and, once that is there, of its first node (step 1); False where
    the table is so small that looking it up waits for no memory."""
    bucket: cython.pointer(cython.pointer(Node))
    node: cython.p_void
    if table.count < MANY:
        return False
    bucket = cython.address(table.buckets[_bucket(table, bytes_hash(member))])
    node = bucket if step == 0 else bucket[0]
    elixir_prefetch(node)
    return True


@cython.cfunc
@cython.exceptval(check=False)
def table_find(
    table: cython.pointer(Table),
    hashed: cython.uint,
    key: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
) -> cython.pointer(Node):
    """The node of a key, or NULL."""
    node: cython.pointer(Node) = table.buckets[_bucket(table, hashed)]
    while node != cython.NULL:
        if node.hash == hashed and node.key == size and memcmp(node_key(node), key, size) == 0:
            return node
        node = node.next
    return cython.NULL


@cython.cfunc
@cython.exceptval(-1)
def table_put(
    table: cython.pointer(Table),
    hashed: cython.uint,
    key: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
    value: cython.pointer(cython.const[cython.char]),
    length: cython.Py_ssize_t,
) -> cython.int:
    """Store a key and its value; 1 when the key is new."""
    link: cython.pointer(cython.pointer(Node)) = cython.address(table.buckets[_bucket(table, hashed)])
    first: cython.pointer(cython.pointer(Node)) = link
    node: cython.pointer(Node) = link[0]
    heap: cython.size_t
    chain: cython.uint = 1
    while node != cython.NULL:
        if node.hash == hashed and node.key == size and memcmp(node_key(node), key, size) == 0:
            if node.value != length:
                heap = _heap(node)
                node = cython.cast(cython.pointer(Node), realloc(node, 20 + size + length))
                if node == cython.NULL:
                    raise MemoryError()
                link[0] = node
                node.value = length
                table.heap += _heap(node) - heap
            memcpy(node_value(node), value, length)
            return 0
        link = cython.address(node.next)
        node = link[0]
        chain += 1
    if chain > table.longest:
        table.longest = chain
    if (size | length) >> 32:
        raise MemoryError()
    node = cython.cast(cython.pointer(Node), malloc(20 + size + length))
    if node == cython.NULL:
        raise MemoryError()
    node.next = first[0]
    node.hash = hashed
    node.key = size
    node.value = length
    memcpy(node_key(node), key, size)
    if length:
        memcpy(node_value(node), value, length)
    first[0] = node
    table.count += 1
    table.heap += _heap(node)
    if table.count > table_buckets(table) and table.bits < 31:
        _grow(table)
    return 1


@cython.cfunc
@cython.exceptval(-1)
def _grow(table: cython.pointer(Table)) -> cython.int:
    """Split one bucket. Without memory for a longer directory the chains grow instead."""
    size: cython.size_t = cython.cast(cython.size_t, 1) << table.bits
    fresh: cython.size_t = size + table.split
    node: cython.pointer(Node)
    following: cython.pointer(Node)
    low: cython.pointer(Node) = cython.NULL
    high: cython.pointer(Node) = cython.NULL
    wider: cython.pointer(cython.pointer(Node))
    if fresh >= table.capacity:
        wider = cython.cast(
            cython.pointer(cython.pointer(Node)),
            realloc(table.buckets, 2 * table.capacity * cython.sizeof(cython.p_void)),
        )
        if wider == cython.NULL:
            return 0
        table.buckets = wider
        table.capacity *= 2
    node = table.buckets[table.split]
    while node != cython.NULL:
        following = node.next
        if node.hash & size:
            node.next = high
            high = node
        else:
            node.next = low
            low = node
        node = following
    table.buckets[table.split] = low
    table.buckets[fresh] = high
    table.split += 1
    if table.split == size:
        table.split = 0
        table.bits += 1
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def _shrink(table: cython.pointer(Table)) -> cython.void:
    """Undo the last split."""
    node: cython.pointer(Node)
    link: cython.pointer(cython.pointer(Node))
    last: cython.size_t
    chain: cython.uint = 0
    narrower: cython.pointer(cython.pointer(Node))
    if table.split == 0:
        if table.bits <= 3:
            return
        table.bits -= 1
        table.split = cython.cast(cython.uint, 1) << table.bits
    table.split -= 1
    last = table_buckets(table)
    node = table.buckets[last]
    table.buckets[last] = cython.NULL
    link = cython.address(table.buckets[table.split])
    while link[0] != cython.NULL:
        link = cython.address(link[0].next)
        chain += 1
    link[0] = node
    while node != cython.NULL:
        node = node.next
        chain += 1
    if chain > table.longest:
        table.longest = chain
    if table.capacity > 64 and last * 4 < table.capacity:
        narrower = cython.cast(
            cython.pointer(cython.pointer(Node)),
            realloc(table.buckets, table.capacity // 2 * cython.sizeof(cython.p_void)),
        )
        if narrower != cython.NULL:
            table.buckets = narrower
            table.capacity //= 2


@cython.cfunc
@cython.exceptval(check=False)
def table_remove(
    table: cython.pointer(Table),
    hashed: cython.uint,
    key: cython.pointer(cython.const[cython.char]),
    size: cython.Py_ssize_t,
) -> cython.bint:
    """Take a key out; whether it was there."""
    link: cython.pointer(cython.pointer(Node)) = cython.address(table.buckets[_bucket(table, hashed)])
    node: cython.pointer(Node) = link[0]
    while node != cython.NULL:
        if node.hash == hashed and node.key == size and memcmp(node_key(node), key, size) == 0:
            link[0] = node.next
            table.count -= 1
            table.heap -= _heap(node)
            free(node)
            if table.count * 2 < table_buckets(table):
                # Two for each key that goes, so that the directory follows a long deletion.
                _shrink(table)
                _shrink(table)
            if table.count == 0:
                table.longest = 0
            return True
        link = cython.address(node.next)
        node = link[0]
    return False


@cython.cfunc
@cython.exceptval(check=False)
def _mixed(state: cython.ulonglong) -> cython.ulonglong:
    """splitmix64's output function."""
    state = (state ^ (state >> 30)) * cython.cast(cython.ulonglong, 0xBF58476D1CE4E5B9)
    state = (state ^ (state >> 27)) * cython.cast(cython.ulonglong, 0x94D049BB133111EB)
    return state ^ (state >> 31)


@cython.cfunc
@cython.exceptval(check=False)
def table_random(table: cython.pointer(Table), seed: cython.ulonglong) -> cython.pointer(Node):
    """A node, each one with the same chance; NULL when there is none.

    A bucket is drawn and a place in its chain, out of as many as the longest chain has had; an
    empty place means another draw.
    """
    buckets: cython.size_t = table_buckets(table)
    place: cython.uint
    node: cython.pointer(Node)
    if table.count == 0:
        return cython.NULL
    while True:
        seed += cython.cast(cython.ulonglong, 0x9E3779B97F4A7C15)
        place = _mixed(seed) >> 32
        node = table.buckets[_mixed(seed ^ cython.cast(cython.ulonglong, 0x5851F42D4C957F2D)) % buckets]
        if node == cython.NULL:
            continue
        place %= table.longest
        while place > 0 and node != cython.NULL:
            node = node.next
            place -= 1
        if node != cython.NULL:
            return node


@cython.cfunc
@cython.exceptval(check=False)
def _reversed(value: cython.ulonglong) -> cython.ulonglong:
    out: cython.ulonglong = 0
    i: cython.int
    for i in range(64):
        out = (out << 1) | (value & 1)
        value >>= 1
    return out


@cython.cfunc
@cython.exceptval(-1, check=False)
def table_give_bucket(
    table: cython.pointer(cython.const[Table]), at: cython.size_t, keys: cython.bint, values: cython.bint, taker: Taker
) -> cython.Py_ssize_t:
    """Give the keys, the values, or each key and its value, of one bucket; of how many nodes."""
    node: cython.pointer(Node) = table.buckets[at]
    count: cython.Py_ssize_t = 0
    while node != cython.NULL:
        if keys:
            taker.text(node_key(node), node.key)
        if values:
            taker.text(node_value(node), node.value)
        node = node.next
        count += 1
    return count


@cython.cfunc
@cython.exceptval(-1, check=False)
def table_give(
    table: cython.pointer(cython.const[Table]), keys: cython.bint, values: cython.bint, taker: Taker
) -> cython.int:
    """Give the keys, the values, or each key and its value."""
    at: cython.size_t
    for at in range(table_buckets(table)):
        table_give_bucket(table, at, keys, values, taker)
    return 0


@cython.cfunc
@cython.exceptval(0)
def table_scan(
    table: cython.pointer(Table), cursor: cython.ulonglong, count: cython.Py_ssize_t, values: cython.bint, taker: Taker
) -> cython.ulonglong:
    """Give keys (each followed by its value if `values`) from `cursor` on until there are
    about `count`; the next cursor, 0 at the end."""
    mask: cython.ulonglong = (cython.cast(cython.ulonglong, 1) << table.bits) - 1
    visits: cython.Py_ssize_t = count * 10
    at: cython.ulonglong
    while True:
        at = cursor & mask
        count -= table_give_bucket(table, at, True, values, taker)
        if at < table.split:
            count -= table_give_bucket(table, at + mask + 1, True, values, taker)
        cursor = _reversed(_reversed(cursor | ~mask) + 1)
        visits -= 1
        if cursor == 0 or visits <= 0 or count <= 0:
            return cursor


@cython.cfunc
@cython.exceptval(check=False)
def table_release(table: cython.pointer(Table), count: cython.size_t) -> cython.bint:
    """Free about `count` nodes and buckets of a table that nobody uses any more; whether it
    is empty. The buckets from the last one down are gone; only this function may be used."""
    node: cython.pointer(Node)
    following: cython.pointer(Node)
    last: cython.size_t
    while count > 0 and table.count > 0:
        last = table_buckets(table) - 1
        node = table.buckets[last]
        while node != cython.NULL:
            following = node.next
            free(node)
            table.count -= 1
            if count > 0:
                count -= 1
            node = following
        table.buckets[last] = cython.NULL
        if count > 0:
            count -= 1
        if table.split > 0:
            table.split -= 1
        elif table.bits > 0:
            table.bits -= 1
            table.split = (cython.cast(cython.uint, 1) << table.bits) - 1
    # glibc keeps freed small blocks apart until a large one is asked for or freed, and joins all of them then:
    # 0.2 s for a million. Asking for a large one now makes each step pay for what it has freed.
    PyMem_RawFree(PyMem_RawMalloc(65536))  # malloc itself would be optimised away
    if table.count == 0:
        table_free(table)
        return True
    return False


@cython.cfunc
@cython.exceptval(check=False)
def table_free(table: cython.pointer(Table)) -> cython.void:
    """Free everything."""
    node: cython.pointer(Node)
    following: cython.pointer(Node)
    i: cython.size_t
    if table.buckets == cython.NULL:
        return
    if table.count > 0:
        for i in range(table_buckets(table)):
            node = table.buckets[i]
            while node != cython.NULL:
                following = node.next
                free(node)
                node = following
    free(table.buckets)
    memset(table, 0, cython.sizeof(Table))


@cython.cfunc
@cython.exceptval(check=False)
def table_memory(table: cython.pointer(cython.const[Table])) -> cython.size_t:
    """Bytes of heap."""
    return table.heap + table.capacity * cython.sizeof(cython.p_void) if table.buckets != cython.NULL else 0
