# C declarations of shard/values/streams.py.

from shard.values.pending cimport Group, u64

cdef struct Node:
    u64 ms
    u64 seq
    u64 last_ms
    u64 last_seq
    int total
    int live
    unsigned int fields
    unsigned int start
    unsigned int used
    unsigned int room
    unsigned char* data

cdef struct Entry:
    u64 ms
    u64 seq
    int flags
    unsigned int body
    unsigned int next

cdef class StreamValue:
    cdef Node** nodes
    cdef int used
    cdef int room
    cdef readonly Py_ssize_t length
    cdef public u64 last_ms
    cdef public u64 last_seq
    cdef public u64 deleted_ms
    cdef public u64 deleted_seq
    cdef public u64 added
    cdef public dict groups
    cdef int append(self, u64 ms, u64 seq, list fields, Py_ssize_t first) except -1
    cdef int node_at(self, u64 ms, u64 seq) noexcept
    cdef bint fits(self, Node* node, list fields, Py_ssize_t first, Py_ssize_t size) except -1
    cdef int start_node(self, u64 ms, u64 seq, list fields, Py_ssize_t first) except -1
    cdef int drop_node(self, int at) except -1
    cdef int need(self, Node* node, Py_ssize_t extra) except -1
    cdef bint same_fields(self, Node* node, list fields, Py_ssize_t first) except -1
    cdef list fields_of(self, Node* node, Entry* entry)
    cdef int mark(self, int at, unsigned int offset) except -1
    cdef bint discard(self, u64 ms, u64 seq) except -1
    cdef list get(self, u64 ms, u64 seq)
    cdef list collect(self, u64 ms, u64 seq, u64 to_ms, u64 to_seq, Py_ssize_t count, bint reverse)
    cdef bint first(self, u64* ms, u64* seq) noexcept
    cdef Py_ssize_t trim_length(self, Py_ssize_t length, bint about, Py_ssize_t limit) except -1
    cdef Py_ssize_t trim_below(self, u64 ms, u64 seq, bint about, Py_ssize_t limit) except -1
    cdef Py_ssize_t cut(self, bint by_length, Py_ssize_t length, u64 ms, u64 seq, bint about, Py_ssize_t limit) except -1

cpdef bytes id_text(u64 ms, u64 seq)
cdef long long node_entries() noexcept
