# C declarations of shard/entries.py.

# Entry.direct: how shard/direct.py runs it.
cdef enum:
    NOT_DIRECT = 0
    DIRECT_GET = 1
    DIRECT_SET = 2
    DIRECT_DEL = 3
    DIRECT_INCR = 4
    DIRECT_DECR = 5

# Entry.inner: how shard/loop.py runs what only routers send, if its own file does not say more.
cdef enum:
    NOT_INNER = 0
    INNER_TXN = 1
    INNER_HOLD = 2
    INNER_COMMIT = 3

cdef class Entry:
    cdef public object handler
    cdef public object command
    cdef public bytes name
    cdef public int id
    cdef public int arity
    cdef public bint write
    cdef public bint reads
    cdef public bint denyoom
    cdef public bint shown
    cdef public bint tracked
    cdef public bint quick
    cdef public bint scriptable
    cdef public int key_at
    cdef public int member_at
    cdef public int direct
    cdef public int inner
    cdef public dict subcommands
    cdef public long long calls
    cdef public long long usec
    cdef public long long failed
    cdef public long long rejected
    cdef unsigned long long* times
    cpdef void took(self, long long us) noexcept
