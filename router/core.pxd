# C declarations of router/core.py, for the socket shell.

from cluster.wire cimport Buffer
from router.connection cimport Conn, Link, Parts, Sink
from router.replication.backlog cimport Backlog
from router.watched cimport Watches

cdef class Core

cdef class Path:
    cdef int take(self, Core core, Conn conn, int command, const char* data, Py_ssize_t size) except? -1
    cdef int tell(self, Core core, Conn conn, int command) except? -1

cdef class Core:
    cdef public object on_command
    cdef public object on_kick
    cdef public Sink operations
    cdef bint in_turn  # the shell looks at everything once more before it sleeps
    cdef public Path many
    cdef public Watches watches
    cdef public object on_protocol_error
    cdef public object on_event
    cdef public object on_flood
    cdef public object on_internal_error
    cdef public long long now
    cdef public Backlog outflow
    cdef public list links
    cdef public list dirty
    cdef public bint all_slow
    cdef public bint gives_way
    cdef public bint behind
    cdef public bint writes_slow
    cdef public bint queues_slow
    cdef public bint scripts_slow
    cdef public int python_from
    cdef public set known_scripts
    cdef public set whole_scripts
    cdef public long long bulk_max
    cdef public long long inbox_max
    cdef public unsigned long long epoch
    cdef public unsigned long long watermark
    cdef public long long commands
    cdef public long long reads
    cdef public long long writes
    cdef int shards
    cdef short owner[16384]
    cdef Buffer scratch  # for what is done with within one call
    cpdef resume(self, Conn conn)
    cpdef proceed(self, Conn conn)
    cdef int kick(self) except? -1
    cpdef bytes take_batch(self, int shard, bint echo=*)
    cpdef bint receive_reply(self, int shard, bytes message) except? -1
    cdef Py_ssize_t feed(self, Conn conn, const char* data, Py_ssize_t size) except? -1
    cdef Py_ssize_t _scan(self, Conn conn, const char* data, Py_ssize_t size) except? -1
    cdef object _compact(self, Conn conn)
    cdef object _scan_inbox(self, Conn conn)
    cdef int _script_fast(self, Conn conn, int script, const char* data) except? -1
    cdef int _fast(self, Conn conn, int shard, int command, const char* data, Py_ssize_t size) except? -1
    cdef Py_ssize_t _scan_array(self, Conn conn, const char* data, Py_ssize_t size) except? -1
    cdef int _whole(self, Conn conn, const char* data, Py_ssize_t size) except? -1
    cdef Py_ssize_t _scan_inline(self, Conn conn, const char* data, Py_ssize_t size) except? -1
    cdef int _forward(self, Conn conn, Link link, int command, int flags, const char* raw, Py_ssize_t size) except? -1
    cdef int _settle(self, Conn conn, unsigned long long seq, Py_ssize_t size) except? -1
    cdef int _close_run(self, Link link) except? -1
    cdef int _entry(self, Link link, int command, int db, int flags, unsigned int client, const char* raw, Py_ssize_t size) except? -1
    cdef int _deliver(self, Conn conn, unsigned long long seq, const char* data, Py_ssize_t size) except? -1
    cdef int _mark(self, Conn conn) except? -1
    cdef int _part(self, Parts target, int shard, const char* data, Py_ssize_t size) except? -1
