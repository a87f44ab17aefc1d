# C declarations of shard/entries.py.

# Entry.direct: how shard/direct.py runs it.
cdef enum:
    NOT_DIRECT = 0
    DIRECT_GET = 1
    DIRECT_SET = 2
    DIRECT_INCR = 3
    DIRECT_DECR = 4

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
    cdef public bint is_unit
    cdef public dict subcommands
    cdef public long long calls
    cdef public long long usec
    cdef public long long failed
    cdef public long long rejected
    cdef unsigned long long* times
    cpdef void took(self, long long us) noexcept
