# C declarations of router/gather.py, for the ways of commands over several shards.

from cluster.wire cimport Buffer
from router.connection cimport Conn, Parts
from router.core cimport Core
from router.open_records cimport Open, OpenRecords
from router.queued cimport Queue

# How replies of parts become one.
cdef int INTERLEAVE
cdef int SUM
cdef int SCATTER
cdef int FIRST

cdef class Gather(Parts):
    cdef int missing
    cdef unsigned long long siblings
    cdef public int away
    cdef public list replies
    cdef public OpenRecords records
    cdef public Open record
    cdef void ask(self, int shard) noexcept
    cdef int finish(self) except? -1

cdef class Collected(Gather):
    cdef object done
    cdef list shards

cdef class Answer(Gather):
    cdef Core core
    cdef Conn conn
    cdef unsigned long long place
    cdef Buffer order
    cdef Queue queue  # to be spared, or None
    cdef Py_ssize_t count
    cdef int merge
    cdef Py_ssize_t skip
    cpdef int operated(self, dict replies, object error) except? -1
    cdef int _sum(self, Buffer out) except? -1
    cdef int _interleave(self, Buffer out) except? -1

cdef int put(Core core, Parts target, int shard, int command, int db, int flags, unsigned int client, const char* raw, Py_ssize_t size, unsigned long long siblings) except? -1
cdef Answer new_answer(Core core, Conn conn, OpenRecords records, Buffer order, Py_ssize_t count, int merge)
cdef int open_txn(Buffer out, bytes watcher, bytes kind) except? -1
cdef int put_record(Core core, Gather target, int txn, bytes blob) except? -1
cdef int join_run(Core core, Conn conn, unsigned long long siblings) except? -1
