# C declarations of shard/values/streams.py.

from shard.values.pending cimport Group, u64
from shard.values.stream_nodes cimport Entry, Node
from shard.values.taker cimport Taker

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
    cdef int start_node(self, u64 ms, u64 seq, list fields, Py_ssize_t first) except -1
    cdef int drop_node(self, int at) except -1
    cdef int mark(self, int at, unsigned int offset) except -1
    cdef bint find(self, int at, u64 ms, u64 seq, unsigned int* offset, Entry* entry) noexcept
    cdef Py_ssize_t count(self, u64 ms, u64 seq, u64 to_ms, u64 to_seq, Py_ssize_t limit) noexcept
    cdef int give(self, u64 ms, u64 seq, u64 to_ms, u64 to_seq, Py_ssize_t count, bint reverse, Taker taker) except -1
    cdef bint discard(self, u64 ms, u64 seq) except -1
    cdef list get(self, u64 ms, u64 seq)
    cdef list collect(self, u64 ms, u64 seq, u64 to_ms, u64 to_seq, Py_ssize_t limit, bint reverse)
    cdef bint first(self, u64* ms, u64* seq) noexcept
    cdef Py_ssize_t trim_length(self, Py_ssize_t length, bint about, Py_ssize_t limit) except -1
    cdef Py_ssize_t trim_below(self, u64 ms, u64 seq, bint about, Py_ssize_t limit) except -1
    cdef Py_ssize_t cut(self, bint by_length, Py_ssize_t length, u64 ms, u64 seq, bint about, Py_ssize_t limit) except -1
