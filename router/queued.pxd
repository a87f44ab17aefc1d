# C declarations of router/queued.py, for the compiled way of transactions.

from cluster.wire cimport Buffer

cdef class Queue:
    cdef unsigned int client
    cdef Buffer entries
    cdef Buffer shards
    cdef Py_ssize_t count
    cdef bint simple
    cdef bint writes
    cdef public bint failed
    cdef void begin(self, unsigned int client) noexcept
    cdef bytes record(self, unsigned long long epoch, unsigned long long sequence, unsigned long long siblings, unsigned long long made_ms)
    cdef dict parts(self)
    cdef int add(self, int command, int db, int flags, short shard, const char* raw, Py_ssize_t size) except? -1

cdef Queue new_queue(unsigned int client)
cdef int spare_queue(Queue queue) except? -1
cdef int begin_entry(Buffer out, int command, int db, int flags, unsigned int client) except? -1
