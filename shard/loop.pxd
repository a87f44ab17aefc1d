# C declarations of shard/loop.py, for the shell around it.

from cluster.wire cimport Buffer
from shard.engine cimport Engine
from shard.entries cimport Entry
from shard.holds cimport Holds
from shard.look_ahead cimport LookAhead
from shard.reply_writer cimport ReplyWriter

cdef class Loop:
    cdef public Engine engine
    cdef Buffer out
    cdef ReplyWriter writer
    cdef public object deferred
    cdef public Holds holds
    cdef public bytes partial
    cdef bint kept
    cdef public unsigned int generation
    cdef public unsigned long long epoch
    cdef public unsigned long long watermark
    cdef public unsigned int client
    cdef public long long offset
    cdef public long long commands
    cdef public long long batches
    cdef Py_ssize_t run_at
    cdef public object slowlog
    cdef bint timed
    cdef bint gives_way
    cdef bint behind
    cdef long long limit_us
    cdef long long began_us
    cdef LookAhead ahead
    cpdef bint execute(self, bytes message) except? -1
    cpdef bytes take(self, bint answer=*)
    cdef object _resume(self)
    cdef int _begin_reply(self) except? -1
    cdef int _entries(self, bytes message, Py_ssize_t at, bint resuming) except? -1
    cdef int _begin_run(self) except? -1
    cdef int _interrupt_run(self) except? -1
    cdef int _end_run(self, int kind) except? -1
    cdef int _resolve(self, int command, int db, const char* raw, Py_ssize_t size) except? -1
    cdef int _one(self, int command, int db, int flags, const char* raw, Py_ssize_t size, Py_ssize_t offset) except? -1
    cdef int _unanswered(self, int command, int db, int flags, const char* raw, Py_ssize_t size, Py_ssize_t offset) except? -1
    cdef int _done(self, Entry entry, object args, const char* raw, Py_ssize_t size) except? -1
    cdef int _events(self, list events, int kind) except? -1
