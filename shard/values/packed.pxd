# C declarations of shard/values/packed.py: the Pack struct is meant to be embedded in containers.

from libc.string cimport memcmp
from shard.values.taker cimport Taker

cdef struct Pack:
    unsigned char* data
    unsigned int head
    unsigned int tail
    unsigned int capacity
    unsigned int count

cdef inline const char* pack_get(const Pack* pack, Py_ssize_t at, Py_ssize_t* size) noexcept nogil:
    """The bytes of the entry at `at`; their number goes to `size`."""
    cdef const unsigned char* p = pack.data + at
    cdef Py_ssize_t value
    cdef int shift
    if p[0] < 128:
        size[0] = p[0]
        return <const char*> (p + 1)
    value = p[0] & 127
    shift = 7
    while True:
        p += 1
        value |= <Py_ssize_t> (p[0] & 127) << shift
        if p[0] < 128:
            break
        shift += 7
    size[0] = value
    return <const char*> (p + 1)

cdef inline Py_ssize_t pack_after(const Pack* pack, Py_ssize_t at, const char* p, Py_ssize_t size) noexcept nogil:
    """Where the entry behind the one at `at` stands, whose bytes `pack_get` has found; -1 when there is none."""
    at = 2 * (<const unsigned char*> p - pack.data) - at + size
    return at if at < <Py_ssize_t> pack.tail else -1

cdef inline Py_ssize_t pack_next(const Pack* pack, Py_ssize_t at) noexcept nogil:
    """Where the entry behind the one at `at` stands; -1 when there is none."""
    cdef Py_ssize_t size
    cdef const char* p = pack_get(pack, at, &size)
    return pack_after(pack, at, p, size)

cdef inline Py_ssize_t pack_first(const Pack* pack) noexcept nogil:
    return pack.head if pack.count else -1

cdef inline Py_ssize_t pack_header(Py_ssize_t size) noexcept nogil:
    """Bytes of one length field of an entry of `size` bytes."""
    cdef Py_ssize_t n = 1
    while size >= 128:
        size >>= 7
        n += 1
    return n

cdef inline Py_ssize_t pack_bytes_used(const Pack* pack) noexcept nogil:
    """Bytes that the entries take with their length fields."""
    return pack.tail - pack.head

cdef Py_ssize_t pack_prev(const Pack* pack, Py_ssize_t at) noexcept nogil
cdef Py_ssize_t pack_last(const Pack* pack) noexcept nogil
cdef Py_ssize_t pack_seek(const Pack* pack, Py_ssize_t index) noexcept nogil
cdef Py_ssize_t pack_find(const Pack* pack, Py_ssize_t at, const char* data, Py_ssize_t size, int skip) noexcept nogil
cdef bytes pack_bytes(const Pack* pack, Py_ssize_t at)
cdef int pack_give(const Pack* pack, int first, int step, Taker taker) except -1
cdef int pack_append(Pack* pack, const char* data, Py_ssize_t size) except? -1
cdef int pack_prepend(Pack* pack, const char* data, Py_ssize_t size) except? -1
cdef int pack_insert(Pack* pack, Py_ssize_t at, const char* data, Py_ssize_t size) except? -1
cdef int pack_replace(Pack* pack, Py_ssize_t at, const char* data, Py_ssize_t size) except? -1
cdef int pack_delete(Pack* pack, Py_ssize_t at, Py_ssize_t count) except? -1
cdef int pack_copy(Pack* to, const Pack* source) except? -1
cdef int pack_split(Pack* pack, Py_ssize_t at, Pack* rest) except? -1
cdef int pack_trim(Pack* pack) except? -1
cdef void pack_free(Pack* pack) noexcept nogil
cdef Py_ssize_t pack_memory(const Pack* pack) noexcept nogil

cdef class Packed:
    cdef Pack pack
    cdef Py_ssize_t _at(self, Py_ssize_t index) except? -1
    cpdef append(self, bytes item)
    cpdef prepend(self, bytes item)
    cpdef insert(self, Py_ssize_t index, bytes item)
    cpdef replace(self, Py_ssize_t index, bytes item)
    cpdef delete(self, Py_ssize_t index, Py_ssize_t count=*)
    cpdef bytes get(self, Py_ssize_t index)
    cpdef Py_ssize_t find(self, bytes item, Py_ssize_t start=*, int skip=*) except? -2
    cpdef list items(self)
