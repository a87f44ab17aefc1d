# C declarations of router/operation.py, for those who start operations and hear of them.

from cluster.wire cimport Buffer
from router.connection cimport Parts, Sink
from router.core cimport Core
from router.gather cimport Answer
from router.open_records cimport Open, OpenRecords
from router.turns cimport Turns

cdef class InFlight(Sink):
    cdef public object router
    cdef public Core core
    cdef public OpenRecords records
    cdef public Turns turns
    cdef public dict active
    cdef public long long sequence
    cdef bytes new_id(self)
    cpdef launch(self, Operation operation)
    cdef int advance(self, Operation operation) except? -1
    cdef int leave(self, Operation operation) except? -1

cdef class Operation(Parts):
    cdef public InFlight operations
    cdef public object router
    cdef public Core core
    cdef public bytes id
    cdef public list held
    cdef public list holding
    cdef public bint write
    cdef public object done
    cdef Answer answer  # who is answered in place of `done`
    cdef public bytes watcher
    cdef public object watch_shards
    cdef public dict answers
    cdef Py_ssize_t unanswered
    cdef public str state
    cdef public long long started_ms
    cdef public long long moved_ms
    cdef public int first
    cdef public set gone
    cdef public Open record
    cdef public Open committed
    cdef public bytes blob
    cdef public list members
    cdef public set missing
    cdef public dict replies
    cdef unsigned long long siblings
    cdef int begin(self, InFlight operations, list held, bint write, bytes watcher, object watch_shards) except? -1
    cdef int start(self) except? -1
    cdef int enter(self) except? -1
    cdef int _ask(self, int shard, int command, list words) except? -1
    cdef int _tell(self, int shard, int command, list words, unsigned long long siblings=*) except? -1
    cdef int _answered(self) except? -1
    cdef int _commit_all(self, list members) except? -1
    cdef int _write_commit(self, Buffer out) except? -1
    cdef int _say(self, dict replies, object error) except? -1
    cdef int applied(self, int shard, bytes replies) except? -1
    cdef bint send_commit(self) except? -1
    cpdef _hold(self, int shard)
    cpdef all_held(self)
    cpdef commit(self, bytes parts, list members)
    cpdef _keep_replies(self, int shard, bytes replies)
    cpdef fail(self, error)
    cpdef release(self, list shards)
    cpdef finish(self, replies, error)
