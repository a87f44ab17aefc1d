# C declarations of router/core.py, for the socket shell.

from cluster.wire cimport Buffer
from router.expected cimport Expected

cdef class Conn:
    cdef public unsigned int id
    cdef public int fd
    cdef public object session
    cdef public bint fast
    cdef public bint queueing
    cdef public object queue
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
    cdef public object socket
    cdef public object owner
    cdef public long long heard_ms
    cdef Buffer batch
    cdef Py_ssize_t last_flags
    cdef Conn run_conn
    cdef unsigned long long run_seq
    cdef Expected expected
    cdef bint readable
    cdef public long long batches
    cdef public long long entries

cdef class Core

cdef class Parts:
    cdef int arrived(self, int shard, const char* data, Py_ssize_t size) except? -1

cdef class Path:
    cdef int take(self, Core core, Conn conn, int command, const char* data, Py_ssize_t size) except? -1

cdef class Core:
    cdef public object on_command
    cdef public Path many
    cdef public object on_protocol_error
    cdef public object on_event
    cdef public object on_flood
    cdef public object on_internal_error
    cdef public long long now
    cdef public list links
    cdef public list dirty
    cdef public bint all_slow
    cdef public bint writes_slow
    cdef public bint scripts_slow
    cdef public int python_from
    cdef public set known_scripts
    cdef public long long bulk_max
    cdef public long long inbox_max
    cdef public unsigned long long epoch
    cdef public unsigned long long watermark
    cdef public long long commands
    cdef public long long reads
    cdef public long long writes
    cdef int shards
    cdef signed short owner[16384]
    cdef Py_ssize_t feed(self, Conn conn, const char* data, Py_ssize_t size) except? -1
    cdef Py_ssize_t _scan(self, Conn conn, const char* data, Py_ssize_t size) except? -1
    cdef object _compact(self, Conn conn)
    cdef object _scan_inbox(self, Conn conn)
    cdef int _script_fast(self, Conn conn, int script, const char* data) except? -1
    cdef int _streams(self, const char* data, Py_ssize_t size, Py_ssize_t argc) noexcept
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
