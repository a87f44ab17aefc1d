# C declarations of router/dataflow.py.

from router.connection cimport Conn
from router.gather cimport Answer
from router.operation cimport InFlight, Operation

cdef class Dataflow(Operation):
    cdef public dict keys
    cdef public int home
    cdef public bytes entries
    cdef public bint lends
    cdef public bint roams
    cdef public bint blind
    cdef bint asking  # what runs at home waits for an answer
    cdef bytes borrowed
    cdef public object moves
    cpdef ran(self, int shard, bytes replies, bytes parts, list large)
    cpdef lent(self, list answer)

cdef class Prepared(Operation):
    cdef dict parts

cdef int prepare(InFlight operations, dict parts, Answer answer, bytes watcher, object watch_shards) except? -1
cdef int flow(InFlight operations, dict keys, int home, bytes entries, bint write, Answer answer) except? -1
cdef int rename(
    InFlight operations, Conn conn, int command, int flags, int home, int other, const char* data, Py_ssize_t size, Answer answer
) except? -1
