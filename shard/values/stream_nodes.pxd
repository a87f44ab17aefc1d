# C declarations of shard/values/stream_nodes.py.

from shard.values.pending cimport u64
from shard.values.taker cimport Taker

cdef enum:
    DELETED = 1
    SAME_FIELDS = 2
    ID_ROOM = 41

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

cdef long long node_entries() noexcept
cdef int write_id(char* to, u64 ms, u64 seq) noexcept
cpdef bytes id_text(u64 ms, u64 seq)
cdef void read_entry(Node* node, unsigned int at, Entry* entry) noexcept
cdef Node* new_node(u64 ms, u64 seq, list fields, Py_ssize_t first) except *
cdef void free_node(Node* node) noexcept
cdef void trim_node(Node* node) noexcept
cdef bint node_fits(Node* node, list fields, Py_ssize_t first) noexcept
cdef int node_append(Node* node, u64 ms, u64 seq, list fields, Py_ssize_t first) except -1
cdef int give_fields(Node* node, Entry* entry, Taker taker) except -1
