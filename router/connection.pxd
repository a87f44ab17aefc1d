# C declarations of router/connection.py.

from cluster.peer cimport Peer
from cluster.wire cimport Buffer
from router.expected cimport Expected

cdef class Conn:
    cdef public unsigned int id
    cdef public int fd
    cdef public object session
    cdef public bint fast
    cdef public bint queueing
    cdef public object queue
    cdef public object watch
    cdef bint untold
    cdef public bint paused
    cdef public bint closed
    cdef public bint closing
    cdef public bint muted
    cdef public int flags
    cdef public int db
    cdef public bint trusted
    cdef public bint local
    cdef public bint writer
    cdef Buffer inbox
    cdef Py_ssize_t inbox_at
    cdef Buffer out
    cdef Py_ssize_t out_sent
    cdef list ring
    cdef unsigned int counts[128]
    cdef long long costs[128]
    cdef long long owed
    cdef long long reply_size
    cdef unsigned long long head
    cdef unsigned long long tail
    cdef bint dirty
    cdef bint resting
    cdef int rested
    cdef public bint reading
    cdef public bint writing
    cdef public bint stalled
    cdef bint scanning
    cdef Py_ssize_t scan_at
    cdef Py_ssize_t scan_left
    cdef Py_ssize_t scan_argc
    cdef Py_ssize_t arg_at[4]
    cdef Py_ssize_t arg_size[4]
    cdef public long long commands
    cdef public long long last_ms
    cdef public long long bytes_in
    cdef public long long bytes_out
    cdef public double over_since

cdef class Link:
    cdef public int index
    cdef public unsigned int generation
    cdef public bint up
    cdef public int flags
    cdef public int unanswered
    cdef public long long offset
    cdef public Peer peer
    cdef public object owner
    cdef public long long heard_ms
    cdef Buffer batch
    cdef Py_ssize_t last_flags
    cdef Conn run_conn
    cdef unsigned long long run_seq
    cdef Expected expected
    cdef int alone
    cdef int alone_sent
    cdef unsigned long long siblings
    cdef public long long sent_ms
    cdef long long held_ms
    cdef list kept
    cdef bint readable
    cdef bint writing
    cdef public long long batches
    cdef public long long entries
    cdef void sent(self, long long now) noexcept

cdef class Parts:
    cdef int arrived(self, int shard, const char* data, Py_ssize_t size) except? -1

cdef class Sink:
    cdef int said(self, int shard, list event) except? -1
    cdef int committed(self, int shard, const char* data, Py_ssize_t size) except? -1
