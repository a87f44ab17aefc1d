# C declarations of shard/values/pending.py.

ctypedef unsigned long long u64

cdef struct Pending:
    u64 ms
    u64 seq
    long long time
    u64 count
    void* consumer

cdef struct Chunk:
    int count
    int room
    Pending* items

cdef class PendingList:
    cdef Chunk* chunks
    cdef int used
    cdef int room
    cdef readonly Py_ssize_t size
    cdef int at_chunk
    cdef int at
    cdef bint locate(self, u64 ms, u64 seq) noexcept
    cdef Pending* find(self, u64 ms, u64 seq) noexcept
    cdef Pending* current(self) noexcept
    cdef bint step(self) noexcept
    cdef int insert(self, u64 ms, u64 seq, long long time, u64 count, void* consumer) except -1
    cdef int new_chunk(self, int at, int room) except -1
    cdef bint discard(self, u64 ms, u64 seq) noexcept

cdef class Consumer:
    cdef readonly bytes name
    cdef public long long seen
    cdef public long long active
    cdef readonly PendingList pel

cdef class Group:
    cdef public u64 last_ms
    cdef public u64 last_seq
    cdef public long long entries_read
    cdef readonly PendingList pel
    cdef readonly dict consumers
    cdef int give(self, u64 ms, u64 seq, Consumer consumer, long long time, u64 count) except -1
    cdef bint acknowledge(self, u64 ms, u64 seq) except -1
